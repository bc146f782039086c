#pragma once

#include <cstdint>
#include <optional>

#include "moqt/model/fetch_range.h"
#include "moqt/model/group_order.h"
#include "moqt/session/data/fetch_object.h"
#include "moqt/session/handles.h"
#include "moqt/session/ring_queue.h"
#include "moqt/session/session_error.h"
#include "moqt/wire/fetch_stream.h"

namespace msquic_py::moqt::session {

/// What the stream that answers a FETCH has beyond what a subgroup's has: every object says where it stands, in terms
/// of the one before, and has a publisher priority of its own.
class OutgoingFetch {
 public:
  OutgoingFetch(FetchRange range, GroupOrder order) noexcept : range_(range), order_(order) {}

  StreamHandle stream{};  ///< the one that was opened, and may be gone since; null before
  bool lost = false;      ///< that stream was cancelled to make room for others

  void set_range(FetchRange range) noexcept { range_ = range; }
  /// Why the object must not follow those before it, if so.
  [[nodiscard]] std::optional<SessionError> refusal(Location location) const noexcept;
  [[nodiscard]] const std::optional<wire::FetchPriorObject>& prior() const noexcept { return prior_; }
  [[nodiscard]] GroupOrder order() const noexcept { return order_; }
  /// The object has been appended; it ends at `end`, in bytes of the stream.
  void append(const wire::FetchObjectFields& object, std::uint64_t end);
  /// The same of the end of a range that is left out; it has the priority of what comes before it.
  void append(const wire::FetchRangeEnd& range, std::uint64_t end);
  /// The transport has been given `handed` bytes of the stream.
  void advance(std::uint64_t handed) noexcept;

  /// The publisher priority of the first object of which something waits; without one, of the last that was appended.
  [[nodiscard]] std::uint8_t priority() const noexcept;
  /// How many of the bytes behind `handed` have that priority; nothing when no object waits.
  [[nodiscard]] std::optional<std::uint64_t> bytes_of_priority(std::uint64_t handed) const noexcept;

 private:
  /// Objects in a row with the same priority.
  struct Stretch {
    std::uint64_t end = 0;  ///< in bytes of the stream
    std::uint8_t priority = 0;
  };

  FetchRange range_;
  GroupOrder order_;
  std::optional<wire::FetchPriorObject> prior_;
  void wait(std::uint64_t end, std::uint8_t priority);

  RingQueue<Stretch> waiting_;
};

}  // namespace msquic_py::moqt::session
