#include <utility>

#include "base/one_of.h"
#include "moqt/pubsub/endpoint.h"

// What becomes of the session's events.
namespace msquic_py::moqt::pubsub {

using session::RequestHandle;

/// One overload per event of the session: an event without one does not compile.
struct Endpoint::Dispatch {
  Endpoint& self;

  void operator()(std::monostate) const {}

  // ---- objects ----

  template <class Event>
  void to_reader(RequestHandle subscription, Event& event) const {
    const auto found = self.readers_.find(subscription);
    if (found == self.readers_.end()) return;
    const std::shared_ptr<TrackReader>& reader = found->second;
    const std::uint64_t repeated = reader->objects_repeated();
    reader->on(event);
    const bool news = reader->became_readable() || reader->objects_repeated() != repeated;
    // A reader that its application does not have yet is read when it does.
    if (news && reader->state() == TrackReader::State::kEstablished) {
      self.events_.push(ReaderReadable{reader});
    }
  }
  void operator()(session::SubgroupOpened& event) const { to_reader(event.subscription, event); }
  void operator()(session::ObjectReceived& event) const { to_reader(event.subscription, event); }
  void operator()(session::ObjectPayload& event) const {
    if (self.readers_.contains(event.subscription)) return to_reader(event.subscription, event);
    to_fetch_reader(event.subscription, event);
  }
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
  void operator()(session::SubscriptionExpiring& event) const {
    const auto found = self.readers_.find(event.subscription);
    if (found != self.readers_.end()) self.events_.push(ReaderExpiring{found->second});
  }
  void operator()(session::SubscriptionChanged& event) const {
    const auto found = self.readers_.find(event.subscription);
    if (found == self.readers_.end()) return;
    if (const auto largest = event.parameters.largest_object()) found->second->know_group(largest->group);
    self.events_.push(ReaderChanged{found->second, std::move(event.parameters)});
  }
  void operator()(session::TrackMalformed& event) const {
    if (self.fetch_readers_.contains(event.subscription)) {
      return end_fetch_reader(event.subscription,
                              {FetchEnd::Cause::kMalformed, 0, std::string(moqt::describe(event.reason))});
    }
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
      self.request_new_group(found->second.writer, event.parameters.new_group_request());
    }
    self.events_.push(std::move(event));
  }
  void operator()(session::RequestRejected& event) const {
    if (self.readers_.contains(event.request)) {
      return end_reader(event.request, {TrackEnd::Cause::kRejected, event.code, std::move(event.reason), 0, 0,
                                        event.retry_after_ms, std::move(event.redirect)});
    }
    if (self.fetch_readers_.contains(event.request)) {
      return end_fetch_reader(event.request, {FetchEnd::Cause::kRejected, event.code, std::move(event.reason),
                                              event.retry_after_ms, std::move(event.redirect)});
    }
    end_publishing(event.request);
    self.events_.push(std::move(event));
  }

  // ---- publishing ----

  /// Finished or not: what it keeps still answers FETCH.
  [[nodiscard]] std::shared_ptr<TrackWriter> writer_for(const FullTrackName& track) const {
    const auto found = self.writers_.find(track);
    return found == self.writers_.end() ? nullptr : found->second.writer;
  }
  void operator()(session::SubscribeReceived& event) const {
    const auto writer = writer_for(event.track);
    if (writer != nullptr && (!writer->finished() || self.is_over(*writer))) {
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
    if (const auto writer = writer_for(event.track); writer != nullptr && !writer->finished()) {
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
    const std::shared_ptr<TrackWriter> writer = found == self.publishing_.end() ? nullptr : found->second.writer;
    if (writer != nullptr && writer->largest()) answer.set_largest_object(*writer->largest());
    if (!self.session_.accept(event.update, std::move(answer)).ok() || writer == nullptr) return;
    self.request_new_group(writer, event.parameters.new_group_request());
    self.events_.push(WriterSubscribersChanged{writer});  // Forward State may have changed who wants objects
  }
  void end_publishing(RequestHandle subscription) const {
    const auto found = self.publishing_.find(subscription);
    if (found == self.publishing_.end()) return;
    const Publication publication = std::move(found->second);
    self.publishing_.erase(found);
    publication.writer->publisher_.remove(*publication.subscription);
    const std::shared_ptr<TrackWriter>& writer = publication.writer;
    self.events_.push(WriterSubscribersChanged{writer});
  }
  void operator()(session::Unsubscribed& event) const { end_publishing(event.subscription); }
  void operator()(session::SubscriptionExpired& event) const {
    const auto found = self.publishing_.find(event.subscription);
    if (found != self.publishing_.end()) {
      found->second.subscription->end(PublishDoneCode::kExpired, "its time is over", /*abandon=*/true);
    }
  }
  void operator()(session::OutgoingStreamStopped& event) const {
    if (const auto found = self.publishing_.find(event.subscription); found != self.publishing_.end()) {
      found->second.subscription->on_stream_stopped(event, self.now_);
    }
  }

  void operator()(session::FetchReceived& event) const {
    const auto writer = writer_for(event.track);
    if (writer == nullptr) {
      if (!self.config_.reject_unknown_tracks) return self.request_fetch(event, nullptr);
      (void)self.session_.reject(event.request, RequestErrorCode::kDoesNotExist, "no such track");
    } else if (!FetchResponse::resolve(self.session_, event, writer->largest()).ok()) {
      return;  // it has been refused
    } else if (writer->options().answers_fetch && !FetchAnswers::complete(*writer, event, self.now_)) {
      self.request_fetch(event, writer);
    } else {
      self.answers_.answer(event, writer, self.now_);
    }
  }
  void operator()(session::FetchCancelled& event) const {
    self.answers_.on_cancelled(event.request);
    withdraw(event.request);
  }
  void withdraw(RequestHandle request) const {
    const auto found = self.responses_.find(request);
    if (found == self.responses_.end()) return;
    const auto response = found->second.lock();
    self.responses_.erase(found);
    if (response == nullptr || !response->open()) return;
    response->detach();
    self.events_.push(FetchWithdrawn{response});
  }

  // ---- fetches of ours ----

  template <class Event>
  void to_fetch_reader(RequestHandle fetch, Event& event) const {
    const auto found = self.fetch_readers_.find(fetch);
    if (found == self.fetch_readers_.end()) return;
    found->second->on(event);
    if (found->second->became_readable()) self.events_.push(FetchReaderReadable{found->second});
  }
  void end_fetch_reader(RequestHandle fetch, FetchEnd end) const {
    const auto found = self.fetch_readers_.find(fetch);
    if (found == self.fetch_readers_.end()) return;
    const std::shared_ptr<FetchReader> reader = std::move(found->second);
    self.fetch_readers_.erase(found);
    reader->on_end(std::move(end));
    self.events_.push(FetchReaderEnded{reader});
  }
  void operator()(session::FetchAccepted& event) const {
    const auto found = self.fetch_readers_.find(event.request);
    if (found == self.fetch_readers_.end()) return;
    found->second->on(event);
    self.events_.push(FetchReaderAccepted{found->second});
  }
  void operator()(session::FetchObjectReceived& event) const { to_fetch_reader(event.fetch, event); }
  void operator()(session::FetchGapReceived& event) const {
    const auto found = self.fetch_readers_.find(event.fetch);
    if (found != self.fetch_readers_.end()) found->second->on(event);
  }
  void operator()(session::FetchEnded& event) const {
    if (event.finished) return end_fetch_reader(event.fetch, {FetchEnd::Cause::kFinished, 0, {}});
    end_fetch_reader(event.fetch, {event.fin ? FetchEnd::Cause::kGaps : FetchEnd::Cause::kReset, event.reset_code, {}});
  }

  // ---- namespaces ----

  /// draft-18 section 10.9.2, draft-22 section 9.5.2. What the application had told of is forgotten where the prefix is
  /// another one.
  void operator()(session::NamespaceUpdateReceived& event) const {
    if (!self.session_.accept(event.update).ok()) return;
    if (event.parameters.track_namespace_prefix() != nullptr) self.events_.push(std::move(event));
  }

  // ---- the session ----

  void operator()(session::RequestsPossible&) const {}  // whoever was refused a request tries again by itself
  void operator()(session::Closed& event) const {
    while (!self.readers_.empty()) {
      end_reader(self.readers_.begin()->first, {TrackEnd::Cause::kSessionClosed, event.code, event.reason, 0});
    }
    while (!self.fetch_readers_.empty()) {
      end_fetch_reader(self.fetch_readers_.begin()->first, {FetchEnd::Cause::kSessionClosed, event.code, event.reason});
    }
    self.answers_.clear();
    while (!self.responses_.empty()) withdraw(self.responses_.begin()->first);
    while (!self.publishing_.empty()) end_publishing(self.publishing_.begin()->first);
    self.events_.push(std::move(event));
  }
  /// What the application answers or reads by itself.
  template <class Event>
  requires base::OneOf<Event, session::Established, session::GoawayReceived, session::NamespacePublished,
                       session::NamespaceSubscribed, session::NamespaceDone, session::NamespaceCancelled,
                       session::NamespaceUnsubscribed, session::NamespaceFound, session::NamespaceLost,
                       session::NamespaceSubscriptionEnded, session::PublishSkipped, session::AuthorizationRequested,
                       session::AuthorizationWithdrawn>
  void operator()(Event& event) const { self.events_.push(std::move(event)); }
};

void Endpoint::drain_session(session::Time now) {
  now_ = now;
  for (const auto& [name, track] : writers_) track.writer->settle(now);
  session::Event event;
  while (session_.poll_event(event)) std::visit(Dispatch{*this}, event);
  settle();
}

}  // namespace msquic_py::moqt::pubsub
