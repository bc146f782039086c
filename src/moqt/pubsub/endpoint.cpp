#include "moqt/pubsub/endpoint.h"

#include <utility>

namespace msquic_py::moqt::pubsub {

using session::RequestHandle;
using session::SessionError;
using session::SessionResult;

/// One overload per event of the session; what has none of its own goes through to the application.
struct Endpoint::Dispatch {
  Endpoint& self;

  void operator()(std::monostate) const {}

  // ---- objects ----

  template <class Event>
  void to_reader(RequestHandle subscription, Event& event) const {
    const auto found = self.readers_.find(subscription);
    if (found == self.readers_.end()) return;
    const std::shared_ptr<TrackReader>& reader = found->second;
    reader->on(event);
    // A reader that its application does not have yet is read when it does.
    if (reader->became_readable() && reader->state() == TrackReader::State::kEstablished) {
      self.events_.push(ReaderReadable{reader});
    }
  }
  void operator()(session::SubgroupOpened& event) const { to_reader(event.subscription, event); }
  void operator()(session::ObjectReceived& event) const { to_reader(event.subscription, event); }
  void operator()(session::ObjectPayload& event) const { to_reader(event.subscription, event); }
  void operator()(session::SubgroupEnded& event) const { to_reader(event.subscription, event); }
  void operator()(session::DatagramReceived& event) const { to_reader(event.subscription, event); }

  void end_reader(RequestHandle subscription, TrackEnd end) const {
    const auto found = self.readers_.find(subscription);
    if (found == self.readers_.end()) return;
    const std::shared_ptr<TrackReader> reader = std::move(found->second);
    self.readers_.erase(found);
    reader->on_end(std::move(end));
    self.events_.push(ReaderEnded{reader});
  }
  void operator()(session::SubscriptionDone& event) const {
    end_reader(event.subscription, {TrackEnd::Cause::kDone, event.code, std::move(event.reason), event.missing_streams,
                                    event.stream_count});
  }
  void operator()(session::TrackMalformed& event) const {
    end_reader(event.subscription,
               {TrackEnd::Cause::kMalformed, static_cast<std::uint64_t>(PublishDoneCode::kMalformedTrack),
                std::string(moqt::describe(event.reason)), 0});
  }
  void operator()(session::PublishReceived& event) const {
    // It collects the objects that come ahead of the answer.
    self.readers_[event.request] =
        std::make_shared<TrackReader>(self.session_, event.request, event.track, self.config_.receive, self.budget_);
    self.readers_[event.request]->parameters_ = event.parameters;
    self.events_.push(std::move(event));
  }

  // ---- answers ----

  void operator()(session::RequestAccepted& event) const {
    if (const auto found = self.readers_.find(event.request); found != self.readers_.end()) {
      found->second->on_accepted(event.parameters);
      self.events_.push(ReaderEstablished{found->second});
      return;
    }
    if (const auto found = self.publishing_.find(event.request); found != self.publishing_.end()) {
      self.request_new_group(found->second, event.parameters.new_group_request());
    }
    self.events_.push(std::move(event));
  }
  void operator()(session::RequestRejected& event) const {
    if (self.readers_.contains(event.request)) {
      return end_reader(event.request, {TrackEnd::Cause::kRejected, event.code, std::move(event.reason), 0});
    }
    end_publishing(event.request);
    self.events_.push(std::move(event));
  }

  // ---- publishing ----

  [[nodiscard]] std::shared_ptr<TrackWriter> writer_for(const FullTrackName& track) const {
    const auto found = self.writers_.find(track);
    return found == self.writers_.end() || found->second->finished() ? nullptr : found->second;
  }
  void operator()(session::SubscribeReceived& event) const {
    if (const auto writer = writer_for(event.track)) {
      (void)self.accept_subscribe(event.request, writer);
      return;
    }
    if (self.config_.reject_unknown_tracks) {
      (void)self.session_.reject(event.request, RequestErrorCode::kDoesNotExist, "no such track");
      return;
    }
    self.events_.push(std::move(event));
  }
  void operator()(session::TrackStatusReceived& event) const {
    if (const auto writer = writer_for(event.track)) {
      (void)self.session_.accept(event.request, writer->track_parameters());
      return;
    }
    if (self.config_.reject_unknown_tracks) {
      (void)self.session_.reject(event.request, RequestErrorCode::kDoesNotExist, "no such track");
      return;
    }
    self.events_.push(std::move(event));
  }
  void operator()(session::UpdateReceived& event) const {
    MessageParameters answer;
    const auto found = self.publishing_.find(event.subscription);
    const std::shared_ptr<TrackWriter> writer = found == self.publishing_.end() ? nullptr : found->second;
    if (writer != nullptr && writer->largest()) answer.set_largest_object(*writer->largest());
    if (!self.session_.accept(event.update, std::move(answer)).ok() || writer == nullptr) return;
    self.request_new_group(writer, event.parameters.new_group_request());
    self.events_.push(WriterSubscribersChanged{writer});  // Forward State may have changed who wants objects
  }
  void end_publishing(RequestHandle subscription) const {
    const auto found = self.publishing_.find(subscription);
    if (found == self.publishing_.end()) return;
    const std::shared_ptr<TrackWriter> writer = std::move(found->second);
    self.publishing_.erase(found);
    writer->remove_subscription(subscription);
    self.events_.push(WriterSubscribersChanged{writer});
  }
  void operator()(session::Unsubscribed& event) const { end_publishing(event.subscription); }
  void operator()(session::OutgoingStreamStopped& event) const {
    if (const auto found = self.publishing_.find(event.subscription); found != self.publishing_.end()) {
      found->second->on_stream_stopped(event);
    }
  }

  void operator()(session::FetchReceived& event) const {
    (void)self.session_.reject(event.request, RequestErrorCode::kNotSupported, "FETCH is not supported");
  }
  // The endpoint has refused every FETCH, and makes none.
  void operator()(session::FetchCancelled&) const {}
  void operator()(session::FetchAccepted&) const {}
  void operator()(session::FetchObjectReceived&) const {}
  void operator()(session::FetchEnded&) const {}

  // ---- the session ----

  void operator()(session::RequestsPossible&) const {}  // whoever was refused a request tries again by itself
  void operator()(session::Closed& event) const {
    while (!self.readers_.empty()) {
      end_reader(self.readers_.begin()->first, {TrackEnd::Cause::kSessionClosed, event.code, event.reason, 0});
    }
    while (!self.publishing_.empty()) end_publishing(self.publishing_.begin()->first);
    self.events_.push(std::move(event));
  }
  template <class Event>
  void operator()(Event& event) const {
    self.events_.push(std::move(event));
  }
};

Endpoint::Endpoint(session::Session& session, EndpointConfig config)
    : session_(session), config_(config), budget_(std::make_shared<ReceiveBudget>(config.receive.session)) {}
Endpoint::~Endpoint() = default;

void Endpoint::drain_session() {
  session::Event event;
  while (session_.poll_event(event)) std::visit(Dispatch{*this}, event);
}

bool Endpoint::poll_event(EndpointEvent& event) {
  if (events_.empty()) return false;
  event = events_.pop();
  return true;
}

void Endpoint::forget_ended() {
  std::erase_if(readers_, [](const auto& entry) { return entry.second->state() == TrackReader::State::kEnded; });
  std::erase_if(publishing_, [this](const auto& entry) { return session_.published(entry.first) == nullptr; });
}

// ---- publish ----

SessionResult<std::shared_ptr<TrackWriter>> Endpoint::add_track(FullTrackName track, const TrackOptions& options) {
  if (!track.valid()) return base::Failure{SessionError::kInvalidName};
  if (writers_.contains(track)) return base::Failure{SessionError::kDuplicate};
  auto writer = std::make_shared<TrackWriter>(session_, track, options);
  writers_.emplace(std::move(track), writer);
  return writer;
}

SessionResult<RequestHandle> Endpoint::publish(const std::shared_ptr<TrackWriter>& writer, bool forward,
                                               MessageParameters parameters) {
  forget_ended();
  if (writer->finished()) return base::Failure{SessionError::kWrongState};
  parameters = describe(*writer, std::move(parameters));
  if (!forward) parameters.set_forward(false);
  auto request = session_.publish(writer->track(), std::move(parameters));
  if (!request.ok()) return request;
  publishing_[*request] = writer;
  writer->add_subscription(*request);
  return request;
}

SessionResult<void> Endpoint::accept_subscribe(RequestHandle request, const std::shared_ptr<TrackWriter>& writer) {
  forget_ended();
  if (writer->finished()) return base::Failure{SessionError::kWrongState};
  if (auto accepted = session_.accept(request, writer->track_parameters()); !accepted.ok()) return accepted;
  publishing_[request] = writer;
  writer->add_subscription(request);
  events_.push(WriterSubscribersChanged{writer});
  if (const auto* view = session_.published(request)) request_new_group(writer, view->new_group_request);
  return {};
}

void Endpoint::request_new_group(const std::shared_ptr<TrackWriter>& writer, std::optional<std::uint64_t> group) {
  if (group && writer->options().dynamic_groups) events_.push(NewGroupRequested{writer, *group});
}

void Endpoint::remove_track(const FullTrackName& track) {
  const auto found = writers_.find(track);
  if (found == writers_.end()) return;
  found->second->finish();
  writers_.erase(found);
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

}  // namespace msquic_py::moqt::pubsub
