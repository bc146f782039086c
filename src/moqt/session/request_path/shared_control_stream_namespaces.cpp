// The bidirectional streams of draft-16, each with a SUBSCRIBE_NAMESPACE, its answer and NAMESPACE messages.
#include <utility>
#include <variant>

#include "moqt/session/request_path/shared_control_stream.h"
#include "moqt/session/session_core.h"

namespace msquic_py::moqt::session {

RequestStream* SharedControlStream::stream_of(const Request& request) const {
  const auto its = by_request_.find(request.handle());
  return its == by_request_.end() ? nullptr : streams_.find(its->second);
}

void SharedControlStream::open_stream(const Request& request, Reference reference) {
  RequestStream& its = streams_.open();
  its.request = request.handle();
  its.reference = reference;
  by_request_[request.handle()] = its.id;
}

void SharedControlStream::route(RequestStream& stream, const wire::ControlMessage& message) {
  if (!stream.begun) {
    const auto* asked = std::get_if<wire::SubscribeNamespace>(&message.body);
    if (asked == nullptr) return violate("a bidirectional stream begins with another message (section 3.3)");
    stream.begun = true;
    stream.reference = message.request;
    if (!receive(message.request)) return;
    by_reference_[message.request] = stream.id;
    return router_.on(message.request, *asked);
  }
  Request* const request = streams_.request_of(stream);
  if (request == nullptr) return;  // it has ended, which the peer will see
  if (!request->ours()) {
    const auto* update = std::get_if<wire::RequestUpdate>(&message.body);
    if (update == nullptr || update->existing != stream.reference) {
      return violate("a message out of place behind SUBSCRIBE_NAMESPACE (section 9.25)");
    }
    by_reference_[message.request] = stream.id;
    return on(message.request, *update);
  }
  if (const auto* told = std::get_if<wire::Namespace>(&message.body)) {
    return request->on_namespace(told->track_namespace_suffix, true);
  }
  if (const auto* done = std::get_if<wire::NamespaceDone>(&message.body)) {
    return request->on_namespace(done->track_namespace_suffix, false);
  }
  const auto* ok = std::get_if<wire::RequestOk>(&message.body);
  const auto* error = std::get_if<wire::RequestError>(&message.body);
  if ((ok == nullptr && error == nullptr) || message.request != stream.reference) {
    return violate("a message out of place in answer to SUBSCRIBE_NAMESPACE (section 9.25)");
  }
  if (ok != nullptr) return request->on_request_ok(*ok);
  request->on_request_error(*error);
}

// ---- ends ----

void SharedControlStream::give_up(RequestStream& stream) {
  if (Request* const request = streams_.request_of(stream)) {
    if (request->ours() && !request->answered()) {
      request->on_request_error(
          wire::RequestError{RequestErrorCode::kInternalError, "the peer ended the request without an answer"});
    } else {
      request->on_cancelled({});
    }
  }
  if (streams_.request_of(stream) == nullptr) streams_.leave(stream, Cancellation{});  // what is still open of it
}

// Draft-16 section 6.1: a FIN cancels as a reset does.
void SharedControlStream::on_finished(RequestStream& stream) {
  if (!stream.begun) return streams_.leave(stream, std::nullopt);
  give_up(stream);
}

void SharedControlStream::on_request_reset(RequestStreamId id, std::uint64_t) {
  RequestStream* const its = streams_.heard_of(id);
  if (its != nullptr && !std::exchange(its->received_end, true)) give_up(*its);
}

void SharedControlStream::on_request_stopped(RequestStreamId id, std::uint64_t) {
  RequestStream* const its = streams_.heard_of(id);
  if (its == nullptr) return;
  its->sent_end = true;
  // Whoever answers may read no updates; whoever has asked wants no more NAMESPACE.
  if (!id.ours() || its->received_end) give_up(*its);
}

void SharedControlStream::on_request_closed(RequestStreamId id) {
  std::erase_if(by_reference_, [&](const auto& each) { return each.second == id; });
  streams_.erase(id);
}

}  // namespace msquic_py::moqt::session
