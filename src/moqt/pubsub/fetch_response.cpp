#include "moqt/pubsub/fetch_response.h"

#include <utility>

#include "moqt/session/data/object_encoding.h"

namespace msquic_py::moqt::pubsub {

using session::SessionError;
using session::SessionResult;

FetchResponse::FetchResponse(session::Session& session, session::FetchReceived request, std::function<void()> writable)
    : session_(&session), request_(std::move(request)), writable_(std::move(writable)) {}

FetchResponse::~FetchResponse() {
  if (open()) (void)reject(RequestErrorCode::kInternalError, "the application gave the FETCH up");
}

SessionResult<void> FetchResponse::begin() {
  if (!open()) return base::Failure{SessionError::kUnknownRequest};
  if (stream_) return {};
  const auto opened = session_->open_fetch(request_.request);
  if (!opened.ok()) return base::Failure{opened.error()};
  stream_ = *opened;
  (void)session_->set_feeder(stream_, this);
  return {};
}

SessionResult<void> FetchResponse::accept(const session::FetchAnswer& answer) {
  if (!open()) return base::Failure{SessionError::kUnknownRequest};
  auto accepted = session_->accept_fetch(request_.request, answer);
  accepted_ = accepted_ || accepted.ok();
  return accepted;
}

SessionResult<void> FetchResponse::write(const session::FetchObject& object) {
  if (!open()) return base::Failure{SessionError::kUnknownRequest};
  if (!session::may_be_published(session::kApplicationForm, object.extensions, object.location)) {
    return base::Failure{SessionError::kInvalidParameter};
  }
  if (auto begun = begin(); !begun.ok()) return begun;
  auto pairs =
      session::translate_extension_block(session::kApplicationForm, session_->draft(), object.extensions.view());
  if (!pairs.ok()) return base::Failure{pairs.error()};
  session::FetchObject said = object;
  said.extensions = base::SharedBytes::copy_of(*pairs);
  auto written = session_->append_fetch_object(stream_, said);
  watch();
  return written;
}

SessionResult<void> FetchResponse::resolve(std::optional<Location> largest) {
  if (!open()) return base::Failure{SessionError::kUnknownRequest};
  auto resolved = resolve(*session_, request_, largest);
  if (!resolved.ok()) detach();
  return resolved;
}

SessionResult<void> FetchResponse::resolve(session::Session& session, session::FetchReceived& request,
                                           std::optional<Location> largest) {
  if (!request.groups_back) return {};
  if (!largest) {  // draft-22 section 3.2
    (void)session.reject(request.request, RequestErrorCode::kInvalidRange, "nothing of the track has been published");
    return base::Failure{SessionError::kEmptyRange};
  }
  const auto range = session.resolve_fetch(request.request, *largest);
  if (!range.ok()) return base::Failure{range.error()};
  request.range = *range;
  request.groups_back.reset();
  return {};
}

SessionResult<void> FetchResponse::append(base::SharedBytes bytes) {
  if (!open() || !stream_) return base::Failure{SessionError::kUnknownRequest};
  auto written = session_->append_payload(stream_, std::move(bytes));
  watch();
  return written;
}

SessionResult<void> FetchResponse::leave_gap(Location end, wire::FetchGap gap) {
  if (open() && !has_fetch_gaps(session_->draft())) return base::Failure{SessionError::kNotInDraft};
  if (auto begun = begin(); !begun.ok()) return begun;
  auto written = session_->append_fetch_gap(stream_, end, gap);
  watch();
  return written;
}

bool FetchResponse::writable() const noexcept { return open() && (!stream_ || session_->backlog(stream_).has_room()); }

std::size_t FetchResponse::queued_bytes() const noexcept {
  return open() && stream_ ? session_->queued_bytes(stream_) : 0;
}

void FetchResponse::watch() {
  if (!told_ || writable()) return;
  told_ = false;
  (void)session_->request_feed(stream_);
}

void FetchResponse::feed(session::StreamHandle, session::Time) {
  if (told_) return;
  if (!writable()) {
    (void)session_->request_feed(stream_);
    return;
  }
  told_ = true;
  writable_();
}

SessionResult<void> FetchResponse::finish() {
  if (auto begun = begin(); !begun.ok()) return begun;
  if (!accepted_) {
    if (auto accepted = accept({false, request_.range.end}); !accepted.ok()) return accepted;
  }
  auto finished = session_->finish_stream(stream_);
  if (finished.ok()) detach();
  return finished;
}

SessionResult<void> FetchResponse::reject(RequestErrorCode code, std::string_view reason) {
  if (!open()) return base::Failure{SessionError::kUnknownRequest};
  session::Session& session = *session_;
  const session::StreamHandle stream = stream_;
  detach();
  if (!accepted_) return session.reject(request_.request, code, reason);
  if (stream) return session.reset_stream(stream, StreamResetCode::kInternalError);
  // FETCH_OK without a stream: one that is reset says that nothing comes.
  const auto opened = session.open_fetch(request_.request);
  if (!opened.ok()) return base::Failure{opened.error()};
  return session.reset_stream(*opened, StreamResetCode::kInternalError);
}

void FetchResponse::detach() noexcept {
  if (session_ != nullptr && stream_) (void)session_->set_feeder(stream_, nullptr);
  session_ = nullptr;
  stream_ = {};
}

}  // namespace msquic_py::moqt::pubsub
