#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/shared_bytes.h"
#include "moqt/model/fetch_range.h"
#include "moqt/model/group_order.h"
#include "moqt/model/location.h"
#include "moqt/model/malformed_track.h"
#include "moqt/objects/track_publisher.h"
#include "moqt/session/data/object_event.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::objects {

/// What answers a FETCH of ours on its way into a store. Subscriptions do not get it [d15 §5.1.2]; fetches that wait
/// for it do, as the bytes come.
class FetchWriter {
 public:
  /// `range` is what was asked for, in this order; `draft` is that of the session that brings the objects.
  FetchWriter(TrackPublisher& publisher, Draft draft, const FetchRange& range, GroupOrder order) noexcept
      : publisher_(publisher), draft_(draft), range_(range), order_(order) {}
  ~FetchWriter();
  FetchWriter(const FetchWriter&) = delete;
  FetchWriter& operator=(const FetchWriter&) = delete;

  /// What makes the track malformed, if it does; then the object is not stored.
  std::optional<MalformedTrack> object(const session::FetchObjectReceived& object, session::Time now);
  /// The next bytes of its payload; the same of them.
  std::optional<MalformedTrack> payload(const base::SharedBytes& bytes, session::Time now);
  /// All of it has come, up to `end`, which may lie before the end of what was asked for: what has not come does not
  /// exist [d15 §9.16.3].
  void finish(Location end, session::Time now);
  /// The publisher has left out what comes next, up to `last`, and does not say that it is empty (draft-22 section
  /// 11.4.1.2). In descending order nothing more is learned of what does not exist.
  void pass_unknown(Location last) noexcept;
  /// The place behind the last object that came whole; nothing before the first.
  [[nodiscard]] std::optional<Location> reached() const noexcept { return reached_; }

 private:
  [[nodiscard]] StoredObject* current() noexcept;
  /// What lies between the object before and this one does not exist.
  void pass_to(Location at, session::Time now);
  void complete(StoredObject& object);

  TrackPublisher& publisher_;
  Draft draft_;
  const FetchRange range_;
  const GroupOrder order_;
  std::optional<Location> next_;  ///< behind the latest object, or gap
  bool unsure_ = false;           ///< in descending order, behind a gap
  /// Of a descending one: behind the latest object of the group that came first. Where that ends is known at the end.
  Location top_;
  Location at_;
  std::uint64_t payload_offset_ = 0;
  bool open_ = false;  ///< the object at `at_` is not whole
  std::optional<Location> reached_;
};

}  // namespace msquic_py::moqt::objects
