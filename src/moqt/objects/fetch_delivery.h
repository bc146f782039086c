#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "moqt/model/error_codes.h"
#include "moqt/model/fetch_range.h"
#include "moqt/model/group_order.h"
#include "moqt/model/location.h"
#include "moqt/model/object_filter.h"
#include "moqt/objects/outlet.h"
#include "moqt/objects/stored_subgroup.h"
#include "moqt/session/data/stream_feeder.h"
#include "moqt/session/event.h"
#include "moqt/session/fetch_answer.h"
#include "moqt/session/handles.h"
#include "moqt/session/session.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::objects {

class FetchDelivery;
class TrackPublisher;

/// Finds out what a store does not know: a relay asks the publisher, an application its archive.
class FetchFiller {
 public:
  virtual ~FetchFiller() = default;
  /// `fetch` has come to `from`, of which nothing is known, and wants everything up to the end of its range. What is
  /// found is written into the store, which then knows it; `fetch` goes on by itself. FetchDelivery::fail() ends it.
  virtual void fill(FetchDelivery& fetch, Location from) = 0;
  /// `fetch` has given more to its session.
  virtual void progressed(FetchDelivery& fetch) = 0;
  /// `fetch` has ended, however; it is gone after this.
  virtual void ended(FetchDelivery& fetch) = 0;
};

/// Answers one FETCH out of a store: a cursor over its range, group by group in the order that was asked for, and in
/// each group by Object ID [d15 §9.16.3].
class FetchDelivery final : public session::StreamFeeder {
 public:
  FetchDelivery(TrackPublisher& publisher, session::Session& session, const session::FetchReceived& request,
                Outlet& outlet, FetchFiller& filler, session::Time now);
  ~FetchDelivery() override;
  FetchDelivery(const FetchDelivery&) = delete;
  FetchDelivery& operator=(const FetchDelivery&) = delete;

  [[nodiscard]] session::Session& session() const noexcept { return session_; }
  [[nodiscard]] session::RequestHandle request() const noexcept { return request_; }
  [[nodiscard]] TrackPublisher& publisher() const noexcept { return publisher_; }
  [[nodiscard]] const FetchRange& range() const noexcept { return range_; }
  [[nodiscard]] GroupOrder order() const noexcept { return order_; }
  [[nodiscard]] bool accepted() const noexcept { return accepted_; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// It waits for something unknown that lies here.
  [[nodiscard]] std::optional<Location> missing() const noexcept { return missing_; }
  [[nodiscard]] std::uint64_t objects_sent() const noexcept { return objects_sent_; }
  /// When it began, or was asked for more last.
  [[nodiscard]] session::Time time() const noexcept { return time_; }
  /// The largest location of what has gone out, or begun to.
  [[nodiscard]] std::optional<Location> furthest() const noexcept { return furthest_; }
  /// The location that it has come to.
  [[nodiscard]] Location position() const noexcept { return position_; }

  /// Begins: what is in the store goes out at once.
  void begin();
  /// FETCH_OK. `answer.end` is not behind the range; the objects end there as well, unless some behind it went out
  /// before.
  void accept(session::FetchAnswer answer);
  /// The range ends here, before what was asked for; said with FETCH_OK later.
  void limit(Location end);
  /// What it has come to, of which nothing is known, is left out for that reason, and so is what else is unknown up to
  /// the next place that something is known of, or to the end of the group where groups descend (draft-22 section
  /// 3.2.3). It has been accepted. Where the draft cannot say that, it fails.
  void leave_gap(wire::FetchGap gap);
  /// REQUEST_ERROR, or after FETCH_OK a reset of the stream.
  void fail(RequestErrorCode code, std::string_view reason);
  /// The track is malformed, or its store is gone: the stream is reset.
  void abandon();
  /// The session has ended it.
  void on_cancelled();
  /// Something has come, or has become known.
  void wake();
  /// What it waited for has been looked for: it looks itself, and asks again if that is still unknown.
  void retry();
  [[nodiscard]] bool waits() const noexcept { return waits_; }
  /// Whether an object is being sent of which the rest is not here.
  [[nodiscard]] bool in_object() const noexcept { return begun_; }

  void feed(session::StreamHandle stream, session::Time now) override;

 private:
  enum class Step : std::uint8_t { kAgain, kWait, kEnd };

  Step step(session::Time now);
  Step send_rest(const StoredSubgroup& subgroup, const StoredObject& object);
  Step send_payload(const StoredObject& object);
  Step ask();
  Step next_group();
  /// What lies before `position_` and behind what was said last certainly does not exist: says so, ahead of a gap that
  /// would take it in (draft-22 section 3.2.2).
  bool tell_absent();
  [[nodiscard]] bool past_end() const noexcept;
  void finish();
  void end();

  TrackPublisher& publisher_;
  session::Session& session_;
  const session::RequestHandle request_;
  FetchRange range_;
  ObjectFilter objects_;
  const GroupOrder order_;
  Outlet& outlet_;
  FetchFiller& filler_;
  session::StreamHandle stream_;
  Location position_;
  Location told_;              ///< of what lies before this in the order of the fetch, all has been said
  bool begun_ = false;         ///< the object at `position_` is being sent
  bool passes_group_ = false;  ///< nothing more of the group of `position_` is sent
  std::uint64_t payload_sent_ = 0;
  std::optional<Location> missing_;
  bool waits_ = false;
  bool accepted_ = false;
  bool ended_ = false;
  std::uint64_t objects_sent_ = 0;
  std::optional<Location> furthest_;  ///< of what has gone out, or begun to
  session::Time time_;
};

}  // namespace msquic_py::moqt::objects
