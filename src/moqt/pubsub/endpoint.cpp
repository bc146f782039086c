#include "moqt/pubsub/endpoint.h"

#include <algorithm>
#include <utility>

namespace msquic_py::moqt::pubsub {

using session::RequestHandle;
using session::SessionError;
using session::SessionResult;

Endpoint::Endpoint(session::Session& session, EndpointConfig config)
    : session_(session),
      config_(std::move(config)),
      budget_(std::make_shared<ReceiveBudget>(config_.receive.session, session.config().readers)),
      answers_(session, *this) {}

Endpoint::~Endpoint() {
  // What outlives the endpoint must not come back to it.
  config_.wake = nullptr;
  answers_.clear();
  for (const auto& [request, weak] : responses_) {
    if (const auto response = weak.lock()) response->detach();
  }
  for (const auto& [request, publication] : publishing_) {
    publication.writer->publisher_.remove(*publication.subscription);
  }
}

bool Endpoint::poll_event(EndpointEvent& event) {
  if (events_.empty()) return false;
  event = events_.pop();
  return true;
}

void Endpoint::make_ready() {
  if (config_.wake) config_.wake();
}

void Endpoint::settle() {
  if (!std::exchange(unsettled_, false)) return;
  answers_.settle();
  for (auto each = publishing_.begin(); each != publishing_.end();) {
    objects::Subscription& subscription = *each->second.subscription;
    if (!subscription.settle(now_)) unsettled_ = true;
    // PUBLISH_DONE has gone out when the session knows the subscription no more.
    const bool over = subscription.ended() && session_.published(each->first) == nullptr;
    if (subscription.ended() && !over) unsettled_ = true;
    if (!over) {
      ++each;
      continue;
    }
    each->second.writer->publisher_.remove(subscription);
    each = publishing_.erase(each);
  }
}

std::optional<session::Time> Endpoint::next_deadline() const noexcept {
  std::optional<session::Time> next;
  const auto sooner = [&next](std::optional<session::Time> due) {
    if (due) next = next ? std::min(*next, *due) : due;
  };
  for (const auto& [name, track] : writers_) sooner(track.writer->next_deadline());
  if (!unsettled_) return next;
  for (const auto& [request, publication] : publishing_) sooner(publication.subscription->next_deadline());
  return next;
}

void Endpoint::forget_ended() {
  std::erase_if(readers_, [](const auto& entry) { return entry.second->state() == TrackReader::State::kEnded; });
  std::erase_if(fetch_readers_, [](const auto& entry) { return entry.second->state() == FetchReader::State::kEnded; });
  std::erase_if(responses_, [](const auto& entry) {
    const auto response = entry.second.lock();
    return response == nullptr || !response->open();
  });
  std::erase_if(publishing_, [this](const auto& entry) {
    if (session_.published(entry.first) != nullptr) return false;
    entry.second.writer->publisher_.remove(*entry.second.subscription);
    return true;
  });
}

// ---- publish ----

SessionResult<std::shared_ptr<TrackWriter>> Endpoint::add_track(FullTrackName track, const TrackOptions& options) {
  if (!track.valid()) return base::Failure{SessionError::kInvalidName};
  if (writers_.contains(track)) return base::Failure{SessionError::kDuplicate};
  auto writer = std::make_shared<TrackWriter>(track, options, session_.draft(), session_.config().writers);
  writers_.emplace(std::move(track), Track{writer, false, false});
  return writer;
}

SessionResult<void> Endpoint::add_track(const std::shared_ptr<TrackWriter>& writer) {
  if (!writer->track().valid()) return base::Failure{SessionError::kInvalidName};
  const Track track{writer, true, writer->finished()};
  if (!writers_.emplace(writer->track(), track).second) return base::Failure{SessionError::kDuplicate};
  return {};
}

bool Endpoint::has_unsent() const noexcept {
  return std::ranges::any_of(publishing_,
                             [](const auto& entry) { return entry.second.subscription->queued_bytes() > 0; });
}

std::shared_ptr<TrackWriter> Endpoint::published_with(RequestHandle request) const noexcept {
  const auto found = publishing_.find(request);
  return found == publishing_.end() ? nullptr : found->second.writer;
}

bool Endpoint::is_over(const TrackWriter& writer) const noexcept {
  const auto found = writers_.find(writer.track());
  return found != writers_.end() && found->second.writer.get() == &writer && found->second.over;
}

void Endpoint::add_publication(RequestHandle request, const std::shared_ptr<TrackWriter>& writer) {
  publishing_[request] = {writer, &writer->publisher_.add(session_, request, *this)};
}

SessionResult<RequestHandle> Endpoint::publish(const std::shared_ptr<TrackWriter>& writer, bool forward,
                                               MessageParameters parameters) {
  forget_ended();
  if (writer->finished()) return base::Failure{SessionError::kWrongState};
  parameters = describe(*writer, std::move(parameters));
  if (!forward) parameters.set_forward(false);
  auto request = session_.publish(writer->track(), std::move(parameters));
  if (request.ok()) add_publication(*request, writer);
  return request;
}

SessionResult<void> Endpoint::accept_subscribe(RequestHandle request, const std::shared_ptr<TrackWriter>& writer) {
  forget_ended();
  if (writer->finished() && !is_over(*writer)) return base::Failure{SessionError::kWrongState};
  if (auto accepted = session_.accept(request, writer->track_parameters()); !accepted.ok()) return accepted;
  add_publication(request, writer);
  if (writer->finished()) {
    events_.push(WriterSubscribersChanged{writer});
    publishing_[request].subscription->end(PublishDoneCode::kTrackEnded, "the track had ended", /*abandon=*/false);
    return {};
  }
  events_.push(WriterSubscribersChanged{writer});
  if (const auto* view = session_.published(request)) request_new_group(writer, view->new_group_request);
  return {};
}

// [d15 §9.2.1.12-2]
void Endpoint::request_new_group(const std::shared_ptr<TrackWriter>& writer, std::optional<std::uint64_t> group) {
  if (group && writer->options().dynamic_groups) events_.push(NewGroupRequested{writer, *group});
}

void Endpoint::request_fetch(const session::FetchReceived& event, const std::shared_ptr<TrackWriter>& writer) {
  forget_ended();
  const auto self = std::make_shared<std::weak_ptr<FetchResponse>>();
  auto response = std::make_shared<FetchResponse>(session_, event, [this, self] {
    if (auto found = self->lock()) events_.push(FetchWritable{std::move(found)});
    make_ready();
  });
  *self = response;
  responses_[event.request] = response;
  events_.push(FetchRequested{std::move(response), writer});
}

SessionResult<void> Endpoint::answer_fetch(const std::shared_ptr<FetchResponse>& response,
                                           const std::shared_ptr<TrackWriter>& writer) {
  if (!response->open()) return base::Failure{SessionError::kUnknownRequest};
  if (auto resolved = response->resolve(writer->largest()); !resolved.ok()) return resolved;
  response->detach();
  responses_.erase(response->request().request);
  answers_.answer(response->request(), writer, now_);
  return {};
}

void Endpoint::remove_track(const FullTrackName& track) {
  const auto found = writers_.find(track);
  if (found == writers_.end()) return;
  const Track removed = std::move(found->second);
  writers_.erase(found);
  if (!removed.shared) return removed.writer->finish();
  for (const auto& [request, publication] : publishing_) {
    if (publication.writer == removed.writer) publication.subscription->end(PublishDoneCode::kTrackEnded, {}, false);
  }
}

MessageParameters Endpoint::describe(const TrackWriter& writer, MessageParameters parameters) {
  const MessageParameters own = writer.track_parameters();
  for (const Parameter& parameter : own.items()) {
    if (!parameters.contains(parameter.type)) parameters.append(parameter);
  }
  return parameters;
}

// ---- receive ----

SessionResult<std::shared_ptr<TrackReader>> Endpoint::subscribe(FullTrackName track, MessageParameters parameters) {
  forget_ended();
  const auto request = session_.subscribe(track, std::move(parameters));
  if (!request.ok()) return base::Failure{request.error()};
  auto reader = std::make_shared<TrackReader>(session_, *request, std::move(track), config_.receive, budget_);
  readers_[*request] = reader;
  return reader;
}

SessionResult<std::shared_ptr<TrackReader>> Endpoint::accept_publish(RequestHandle request,
                                                                     MessageParameters parameters) {
  const auto found = readers_.find(request);
  if (found == readers_.end()) return base::Failure{SessionError::kUnknownRequest};
  const std::shared_ptr<TrackReader> reader = found->second;
  if (auto accepted = session_.accept(request, std::move(parameters)); !accepted.ok())
    return base::Failure{accepted.error()};
  reader->state_ = TrackReader::State::kEstablished;
  if (reader->available() > 0) events_.push(ReaderReadable{reader});
  return reader;
}

SessionResult<void> Endpoint::reject(RequestHandle request, RequestErrorCode code, std::string_view reason) {
  auto rejected = session_.reject(request, code, reason);
  if (rejected.ok()) readers_.erase(request);
  return rejected;
}

std::shared_ptr<FetchReader> Endpoint::read_fetch(RequestHandle request, FullTrackName track) {
  auto reader = std::make_shared<FetchReader>(session_, request, std::move(track), config_.receive);
  fetch_readers_[request] = reader;
  return reader;
}

SessionResult<std::shared_ptr<FetchReader>> Endpoint::fetch(FullTrackName track, Location start, Location end,
                                                            MessageParameters parameters) {
  forget_ended();
  const auto request = session_.fetch(track, start, end, std::move(parameters));
  if (!request.ok()) return base::Failure{request.error()};
  return read_fetch(*request, std::move(track));
}

SessionResult<std::shared_ptr<FetchReader>> Endpoint::join(const TrackReader& reader, session::JoiningStart start,
                                                           MessageParameters parameters) {
  forget_ended();
  const auto request = session_.join(reader.subscription(), start, std::move(parameters));
  if (!request.ok()) return base::Failure{request.error()};
  return read_fetch(*request, reader.track());
}

}  // namespace msquic_py::moqt::pubsub
