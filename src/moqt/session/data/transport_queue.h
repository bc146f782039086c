#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "moqt/session/action.h"
#include "moqt/session/data/outgoing_stream.h"
#include "moqt/session/data/priority_ladder.h"
#include "moqt/session/data/send_window.h"
#include "moqt/session/ring_queue.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::session {

/// What the transport has been given and has not let go of: how much more it gets, and the priorities by which it
/// serves what it has. Both follow [d15 §7.2], so that an object which the session would send first is not kept
/// waiting by bytes that were given before it.
class TransportQueue {
 public:
  explicit TransportQueue(std::size_t window) noexcept : window_(window) {}

  // ---- streams of the transport ----

  void open(OutgoingStream& stream);
  void close(OutgoingStream& stream) noexcept;
  /// What `stream` is worth may have changed.
  void reorder(OutgoingStream& stream);
  /// Puts `stream`, which gets more, before those of its subscription that come after it.
  void arrange(OutgoingStream& stream);
  /// PrioritizeStream, for what the calls above have changed.
  bool next_change(Action& action);

  // ---- bytes ----

  /// How many bytes of `stream` may be given now; 0: none.
  [[nodiscard]] std::size_t room_for(const OutgoingStream& stream) const noexcept;
  /// Whether what the transport has of `stream` would fall behind others if it got more, which is worth less: that of a
  /// fetch's later object.
  [[nodiscard]] bool would_fall_behind(const OutgoingStream& stream) const noexcept;
  /// Whether the next datagram of `lane` may be given. The transport sends datagrams before every stream.
  [[nodiscard]] bool has_room_for_datagram(const OutgoingLane& lane) const noexcept;
  void give(OutgoingStream& stream, std::size_t bytes) noexcept;
  void take_back(OutgoingStream& stream, std::size_t bytes) noexcept;
  void give_datagram(std::size_t bytes) noexcept { datagrams_ += bytes; }
  void take_back_datagram(std::size_t bytes) noexcept { datagrams_ -= bytes < datagrams_ ? bytes : datagrams_; }

  /// The most of one send while nobody else waits.
  [[nodiscard]] std::size_t largest_send() const noexcept { return window_.largest_send(); }
  void set_window(std::size_t bytes) noexcept { window_.set(bytes); }
  void report(TransportReport report) noexcept {
    report.posted_bytes -= stalled_ < report.posted_bytes ? stalled_ : report.posted_bytes;
    window_.report(report);
    if (held_up() && served_) balance();
  }

  // ---- streams that the peer holds up ----

  /// Something waits for room. Looks from time to time for streams of which nothing moves although the path has room:
  /// the peer grants them no flow control. They count no more, and get little until they move. Calls `held` for each.
  template <class Held>
  void wait(Time now, Held held) {
    if (!window_.has_room()) return stop_waiting();
    if (!look_at_ || now < *look_at_) {
      if (!look_at_) look_at_ = now + window_.patience();
      return;
    }
    look_at_ = now + window_.patience();
    bool any = false;
    for (OutgoingStream* stream : streams_) {
      if (!stalls(*stream)) continue;
      any = true;
      held(*stream);
    }
    if (any && window_.held_up()) window_.restrict();
  }
  void stop_waiting() noexcept { look_at_.reset(); }
  /// When wait() has something to look for.
  [[nodiscard]] std::optional<Time> next_look() const noexcept { return look_at_; }

 private:
  [[nodiscard]] std::size_t ahead_of(const OutgoingStream& stream) const noexcept;
  [[nodiscard]] std::size_t behind_in_lane(const OutgoingStream& stream) const noexcept;
  std::uint16_t put_in_line(std::vector<OutgoingStream*>& streams, std::uint16_t step, bool close_up);
  /// The peer's flow control holds up everything, or enough to have been noticed.
  [[nodiscard]] bool held_up() const noexcept { return window_.held_up() || (stalled_ != 0 && window_.has_room()); }
  /// Puts who got least of equal subscriptions first.
  void balance();
  void set_step(OutgoingStream& stream, std::uint16_t step);
  void tell(OutgoingStream& stream);
  bool stalls(OutgoingStream& stream) noexcept;

  SendWindow window_;
  PriorityLadder ladder_;
  std::vector<OutgoingStream*> streams_;  // that the transport has, in no order
  std::vector<OutgoingStream*> earlier_;  // scratch of arrange() and balance()
  std::vector<OutgoingStream*> behind_;   // likewise
  RingQueue<PrioritizeStream> changes_;
  std::size_t datagrams_ = 0;    // bytes of datagrams in the transport's hands
  std::size_t outstanding_ = 0;  // and of streams that are not stalled
  std::size_t stalled_ = 0;      // and of those that are
  bool served_ = false;          // something was acknowledged since balance()
  std::optional<Time> look_at_;
};

}  // namespace msquic_py::moqt::session
