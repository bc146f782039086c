// How a request ends: by FIN in its course, by a reset or STOP_SENDING when somebody gives it up.
#include <utility>

#include "moqt/session/request_path/stream_per_request.h"
#include "moqt/session/requests/subscription_as_subscriber.h"
#include "moqt/session/session_core.h"
#include "moqt/wire/code_numbers.h"

namespace msquic_py::moqt::session {

namespace {

RequestErrorCode error_code_of(StreamResetCode code) noexcept {
  switch (code) {
    case StreamResetCode::kGoingAway: return RequestErrorCode::kGoingAway;
    case StreamResetCode::kExpiredAuthToken: return RequestErrorCode::kExpiredAuthToken;
    case StreamResetCode::kExcessiveLoad: return RequestErrorCode::kExcessiveLoad;
    case StreamResetCode::kMalformedTrack: return RequestErrorCode::kMalformedTrack;
    default: return RequestErrorCode::kInternalError;
  }
}

}  // namespace

// ---- this endpoint ----

void StreamPerRequest::end(Request& request, const std::optional<Cancellation>& cancellation) {
  const auto reference = request.reference();
  if (!reference) {  // the peer has never heard of it
    std::erase(waiting_, request.handle());
    return tell_of_room();
  }
  (request.ours() ? ours_ : peers_).erase(*reference);
  RequestStream* const its = stream_of(request);
  by_request_.erase(request.handle());
  by_reference_.erase(*reference);
  if (its == nullptr || its->request != request.handle()) return;  // an update, which has no stream of its own
  its->request = {};
  leave(*its, cancellation);
}

void StreamPerRequest::end_migrated(Request& request) {  // draft-22 section 9.2
  RequestStream* const its = stream_of(request);
  if (its == nullptr) return;
  streams_.leave(*its, Cancellation{RequestErrorCode::kGoingAway, {}});
  on_broken_off(*its, wire::number_of(core_.codec().codes, StreamResetCode::kGoingAway));
}

void StreamPerRequest::leave(RequestStream& stream, const std::optional<Cancellation>& cancellation) {
  for (const RequestStream::Owed& owed : stream.owed) by_reference_.erase(owed.request);
  stream.owed.clear();
  streams_.leave(stream, cancellation);
}

// ---- the peer ----

void StreamPerRequest::lose(Request& request) {
  if (static_cast<const SubscriptionAsSubscriber&>(request).draining()) return;
  request.on_publish_done(wire::PublishDone{PublishDoneCode::kInternalError, wire::kStreamCountUnknown,
                                            "the publisher ended the request without PUBLISH_DONE"});
}

// A FIN says that nothing more comes, not that the request is given up; for the requests about namespaces it says both,
// once they have been answered (section 6.1 of draft-18). Before, a requester that has no updates to send may finish.
void StreamPerRequest::on_finished(RequestStream& stream) {
  if (!stream.begun) return leave(stream, std::nullopt);
  Request* const request = request_of(stream);
  if (request == nullptr) return;
  if (request->ours() && !request->answered()) {
    return request->on_request_error(
        wire::RequestError{RequestErrorCode::kInternalError, "the peer ended the request without an answer"});
  }
  switch (request->kind()) {
    case RequestKind::kSubscriptionAsSubscriber: return lose(*request);
    case RequestKind::kNamespaceSubscription:
      if (request->answered()) request->on_cancelled({});
      return;
    case RequestKind::kNamespacePublication:
      if (!request->ours() && request->answered()) request->on_cancelled({});
      return;
    case RequestKind::kSubscriptionAsPublisher:
    case RequestKind::kSubscriptionUpdate:
    case RequestKind::kNamespaceUpdate:
    case RequestKind::kTrackStatus:
    case RequestKind::kFetchAsSubscriber:
    case RequestKind::kFetchAsPublisher:
    case RequestKind::kNamespaceAnnouncement: return;
  }
}

void StreamPerRequest::on_request_reset(RequestStreamId id, std::uint64_t code) {
  RequestStream* const its = streams_.heard_of(id);
  if (its != nullptr && !std::exchange(its->received_end, true)) on_broken_off(*its, code);
}

void StreamPerRequest::on_request_stopped(RequestStreamId id, std::uint64_t code) {
  RequestStream* const its = streams_.heard_of(id);
  if (its == nullptr) return;
  its->sent_end = true;
  const Request* const request = request_of(*its);
  if (request == nullptr) return;
  // Who answers may have said why in the other direction: that end of the stream counts.
  const bool more_to_come = request->kind() == RequestKind::kSubscriptionAsSubscriber ||
                            (request->ours() && !request->answered()) ||
                            (request->ours() && request->kind() != RequestKind::kSubscriptionAsPublisher &&
                             request->kind() != RequestKind::kNamespacePublication);
  if (!more_to_come || its->received_end) on_broken_off(*its, code);
}

void StreamPerRequest::on_broken_off(RequestStream& stream, std::uint64_t code) {
  const Cancellation cause{error_code_of(wire::code_of<StreamResetCode>(core_.codec().codes, code)),
                           "the peer has given the request up"};
  if (Request* const request = request_of(stream)) {
    if (request->ours() && !request->answered()) {
      request->on_request_error(wire::RequestError{cause.code, cause.reason});
    } else if (request->kind() == RequestKind::kSubscriptionAsSubscriber) {
      lose(*request);
    } else {
      request->on_cancelled(cause);
    }
  }
  if (request_of(stream) == nullptr) leave(stream, Cancellation{});  // what is still open of it
}

void StreamPerRequest::on_request_closed(RequestStreamId id) {
  const RequestStream* const its = streams_.find(id);
  if (its == nullptr) return;
  for (const RequestStream::Owed& owed : its->owed) by_reference_.erase(owed.request);
  streams_.erase(id);
}

}  // namespace msquic_py::moqt::session
