#include "moqt/session/requests/fetch_as_subscriber.h"

#include "moqt/session/requests/request_table.h"
#include "moqt/session/requests/subscription_as_subscriber.h"

namespace msquic_py::moqt::session {

namespace {

constexpr Location kLastLocation{~std::uint64_t{0}, ~std::uint64_t{0}};

}  // namespace

FetchAsSubscriber::FetchAsSubscriber(RequestContext& context, RequestHandle handle, bool ours,
                                     RequestHandle subscription, JoiningStart start, MessageParameters parameters)
    : Request(context, handle, ours),
      track_(as<SubscriptionAsSubscriber>(context.find(subscription))->track()),
      joined_(subscription),
      joining_start_(start),
      parameters_(std::move(parameters)) {}

std::optional<SessionError> FetchAsSubscriber::refusal(const RequestTable& requests, const FullTrackName& track,
                                                       const FetchRange& range, const MessageParameters& parameters) {
  if (too_many_ranges(parameters, requests)) return SessionError::kInvalidParameter;
  if (!track.valid()) return SessionError::kInvalidName;
  if (!range.valid()) return SessionError::kEmptyRange;  // [d15 §9.16.3-2]
  return std::nullopt;
}

std::optional<SessionError> FetchAsSubscriber::refusal(const RequestTable& requests, RequestHandle subscription,
                                                       JoiningStart, const MessageParameters&) {
  const Request* named = requests.find(subscription);
  if (named == nullptr) return SessionError::kUnknownRequest;
  const auto* joined = as<SubscriptionAsSubscriber>(named);
  if (joined == nullptr) return SessionError::kWrongRole;
  if (joined->draining() || !(joined->ours() || joined->answered())) return SessionError::kWrongState;
  if (!joined->joinable(requests.rules)) return SessionError::kNotJoinable;
  return std::nullopt;
}

wire::MessageBody FetchAsSubscriber::first_message() const {
  if (!joined_) return wire::Fetch{wire::StandaloneFetch{track_, range_->start, range_->end}, parameters_};
  if (context_.rules().joining == Joining::kByRange) {
    // Before it can go out, one that is as long as any.
    const auto range = joining_range().value_or(FetchRange{kLastLocation, kLastLocation});
    return wire::Fetch{wire::StandaloneFetch{track_, range.start, range.end}, parameters_};
  }
  const Request* subscription = context_.find(joined_);
  const auto joined = subscription == nullptr ? std::nullopt : subscription->reference();
  const bool relative = joining_start_.kind == JoiningStart::Kind::kRelative;
  return wire::Fetch{wire::JoiningFetch{relative, joined.value_or(wire::kLongestReference), joining_start_.value},
                     parameters_};
}

bool FetchAsSubscriber::ready() const {
  if (!joined_ || context_.rules().joining != Joining::kByRange) return true;
  const Request* const joined = context_.find(joined_);
  return joined == nullptr || joined->answered();
}

bool FetchAsSubscriber::obsolete() const {
  if (!joined_) return false;
  if (context_.find(joined_) == nullptr) return true;
  if (context_.rules().joining != Joining::kByRange || !ready()) return false;
  const auto range = joining_range();
  return !range || !range->valid();
}

void FetchAsSubscriber::on_obsolete() {
  if (context_.find(joined_) != nullptr) {
    context_.emit(RequestRejected{handle(), static_cast<std::uint64_t>(RequestErrorCode::kInvalidRange),
                                  "there is nothing between its start and the subscription"});
    return;
  }
  context_.emit(RequestRejected{handle(), static_cast<std::uint64_t>(RequestErrorCode::kInvalidJoiningRequestId),
                                "the subscription to join has ended"});
}

void FetchAsSubscriber::begin(wire::RequestReference reference) {
  Request::begin(reference);
  context_.incoming().add_fetch(reference.id, handle(), parameters_.group_order().value_or(GroupOrder::kAscending));
  resolve_range();
}

std::optional<FetchRange> FetchAsSubscriber::joining_range() const {
  const auto* subscription = as<SubscriptionAsSubscriber>(context_.find(joined_));
  const auto largest = subscription == nullptr ? std::nullopt : subscription->largest_at_establishment();
  if (!largest) return std::nullopt;
  return FetchRange::up_to({joining_start_.group(largest->group), 0}, *largest);
}

void FetchAsSubscriber::resolve_range() {
  if (!range_) range_ = joining_range();
  if (ReceivedFetch* received = context_.incoming().fetch(reference()->id)) received->range = range_;
}

void FetchAsSubscriber::on_fetch_ok(const wire::FetchOk& message) {
  if (!take_answer("FETCH_OK")) return;
  if (demands_understanding(message.parameters, context_.rules())) {
    tell_rejected({RequestErrorCode::kUnsupportedExtension, std::string(kNotUnderstood)});
    return withdraw();
  }
  resolve_range();
  // Object 0 stands for the whole group, so that it is not before any object of that group.
  const Location end = message.end_location;
  const bool before = range_ && (end.object == 0 ? end.group < range_->start.group : end < range_->start);
  if (before) {
    // [d15 §9.17-2]
    return context_.close(SessionErrorCode::kProtocolViolation, "FETCH_OK ends before its start (section 9.17)");
  }
  context_.emit(FetchAccepted{handle(), message.end_of_track, end, message.parameters});
  ReceivedFetch& received = *context_.incoming().fetch(reference()->id);
  if (message.end_of_track) {
    if (const auto malformed = received.on_end_of_track(end)) return context_.malformed(handle(), *malformed);
  }
  if (!received.stream) context_.arm(handle(), context_.config().timeouts.fetch_stream);
  check_done();
}

void FetchAsSubscriber::on_request_error(const wire::RequestError& message) {
  if (!take_refusal(message)) return;
  tell_rejected(message);
  context_.incoming().remove_fetch(reference()->id, StreamResetCode::kCancelled);
  context_.end(handle());
}

void FetchAsSubscriber::on_stream() {
  if (answered()) context_.disarm(handle());  // it waited for this
}

void FetchAsSubscriber::on_stream_ended(bool finished, std::uint64_t code) {
  end_ = StreamEnd{finished, code};
  check_done();
}

void FetchAsSubscriber::check_done() {  // [d15 §5.2-4]
  if (!answered() || !end_) return;
  const ReceivedFetch* const received = context_.incoming().fetch(reference()->id);
  context_.emit(FetchEnded{handle(), end_->finished, end_->code, received != nullptr && received->fin});
  context_.incoming().remove_fetch(reference()->id, StreamResetCode::kCancelled);
  context_.end(handle());
}

void FetchAsSubscriber::on_cancelled(const Cancellation&) {
  // The publisher has broken off: of what it has sent before, the stream may still bring the rest.
  if (const ReceivedFetch* received = context_.incoming().fetch(reference()->id); received->stream) return;
  give_up(StreamResetCode::kCancelled);
}

void FetchAsSubscriber::on_malformed(MalformedTrack reason) {
  context_.emit(TrackMalformed{handle(), reason});
  withdraw();
}

void FetchAsSubscriber::on_deadline() {
  if (!answered()) return Request::on_deadline();
  give_up(StreamResetCode::kDeliveryTimeout);
}

void FetchAsSubscriber::give_up(StreamResetCode code) {
  context_.emit(FetchEnded{handle(), false, static_cast<std::uint64_t>(code)});
  withdraw(code);
}

RequestResult FetchAsSubscriber::cancel() {
  withdraw();
  return {};
}

void FetchAsSubscriber::withdraw(StreamResetCode code) {
  context_.end(handle(), Cancellation{});
  if (reference()) context_.incoming().remove_fetch(reference()->id, code);
}

}  // namespace msquic_py::moqt::session
