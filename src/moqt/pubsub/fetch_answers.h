#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "moqt/objects/fetch_delivery.h"
#include "moqt/objects/outlet.h"
#include "moqt/pubsub/track_writer.h"
#include "moqt/session/event.h"
#include "moqt/session/session.h"

namespace msquic_py::moqt::pubsub {

/// The FETCHes of one session that are answered from what its track writers keep [d15 §9.16.3].
class FetchAnswers final : public objects::FetchFiller {
 public:
  FetchAnswers(session::Session& session, objects::Outlet& outlet) noexcept : session_(session), outlet_(outlet) {}
  FetchAnswers(const FetchAnswers&) = delete;
  FetchAnswers& operator=(const FetchAnswers&) = delete;

  /// Whether what `writer` keeps has, or knows not to exist, everything that `request` asks for.
  [[nodiscard]] static bool complete(TrackWriter& writer, const session::FetchReceived& request, session::Time now);
  /// FETCH_OK and the objects, or REQUEST_ERROR: INVALID_RANGE when nothing of the range was published,
  /// UNKNOWN_STATUS_IN_RANGE when some of it was and is not kept any more. From draft 16 on that is left out, as End of
  /// Unknown Range, and only a range of which nothing is kept is refused (draft-18 section 11.4.4.2, draft-22 section
  /// 3.2.2).
  void answer(const session::FetchReceived& request, const std::shared_ptr<TrackWriter>& writer, session::Time now);
  void on_cancelled(session::RequestHandle request);
  /// Forgets the fetches that have ended; not in the middle of one.
  void settle();
  /// The session is over.
  void clear();

  // ---- FetchFiller ----
  void fill(objects::FetchDelivery& fetch, Location from) override;
  void progressed(objects::FetchDelivery& fetch) override;
  void ended(objects::FetchDelivery& fetch) override;

 private:
  struct Answer {
    std::shared_ptr<TrackWriter> writer;
    std::unique_ptr<objects::FetchDelivery> delivery;
  };

  /// Whether the objects of `range` that are kept can be told from those that are not.
  [[nodiscard]] bool leaves_gaps(TrackWriter& writer, const FetchRange& range, session::Time now) const;
  /// The range as FETCH_OK has it.
  [[nodiscard]] static Location end_of(TrackWriter& writer, const FetchRange& range);

  session::Session& session_;
  objects::Outlet& outlet_;
  std::unordered_map<session::RequestHandle, Answer> answers_;
  std::vector<session::RequestHandle> over_;
};

}  // namespace msquic_py::moqt::pubsub
