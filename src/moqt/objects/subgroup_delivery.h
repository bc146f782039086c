#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "moqt/session/handles.h"

namespace msquic_py::moqt::objects {

/// How far one subscription is with one subgroup: a cursor. What lies behind it waits in the store, not here.
struct SubgroupDelivery {
  std::uint64_t serial = 0;  ///< of the Subscription it belongs to; another one: its slot has been given away
  session::StreamHandle stream;
  std::uint64_t next = 0;           ///< place of the first object that has not been sent or left out
  std::vector<std::uint64_t> late;  ///< objects that came when later ones had been sent; by ID, ascending
  /// Objects behind the cursor's place that it is to pass: they were not for the subscription when they came. By ID,
  /// ascending.
  std::vector<std::uint64_t> left_out;
  std::uint64_t current = 0;       ///< place of the object that is being sent: `next`, or a late one
  std::uint64_t payload_sent = 0;  ///< of that object
  /// Of the object that was sent last on the stream, or of one behind it that the subscriber's filters leave out:
  /// between the two there is nothing for it.
  std::uint64_t last_id = 0;
  bool begun = false;      ///< `current` is being sent
  bool continued = false;  ///< the stream carries an object: the next one must be known to follow `last_id`
  bool behind = false;     ///< there is more than the session has been given
  bool has_gap = false;    ///< an object that it should have had was left out: the stream must not be finished
  bool stopped = false;    ///< nothing more of the subgroup: STOP_SENDING, too far behind, no stream to be had
  bool ended = false;      ///< FIN, or reset behind the last object

  [[nodiscard]] bool open() const noexcept { return static_cast<bool>(stream); }
  /// Whether everything before the object at `place` has been sent on its stream, which waits for what comes next.
  [[nodiscard]] bool awaits(std::uint64_t place) const noexcept {
    return place == next && continued && !begun && !behind && !stopped && !ended && open() && late.empty() &&
           left_out.empty();
  }
  /// The stream is the cursor's no more: what comes next goes on a new one.
  void leave_stream() noexcept {
    stream = {};
    continued = false;
  }
  /// The object with that ID, at or behind the cursor's place, is not to be sent.
  void leave_out(std::uint64_t id) {
    const auto at = std::lower_bound(left_out.begin(), left_out.end(), id);
    if (at == left_out.end() || *at != id) left_out.insert(at, id);
  }
  [[nodiscard]] bool leaves_out(std::uint64_t id) const noexcept {
    return !left_out.empty() && std::binary_search(left_out.begin(), left_out.end(), id);
  }
  /// The cursor has reached the object; whether it was left out.
  bool take_left_out(std::uint64_t id) {
    const auto at = std::lower_bound(left_out.begin(), left_out.end(), id);
    const bool found = at != left_out.end() && *at == id;
    left_out.erase(left_out.begin(), found ? at + 1 : at);
    return found;
  }
  /// The object at `place`, which is `next` or the first late one, has been sent or left out.
  void pass(std::uint64_t place) noexcept {
    if (place == next) {
      ++next;
    } else if (!late.empty()) {
      late.erase(late.begin());
    }
  }
};

}  // namespace msquic_py::moqt::objects
