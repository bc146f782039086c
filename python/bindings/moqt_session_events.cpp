// What happens on a session, told to its Python object.
#include <utility>

#include "moqt_session_link.h"
#include "moqt_session_thread.h"
#include "runtime/quic_watch.h"

namespace msquic_py::python {

namespace pubsub = moqt::pubsub;
namespace session_ns = moqt::session;
using Kind = Notice::Kind;

/// One overload per event: an event without one does not compile.
struct SessionLink::Events {
  SessionLink& self;
  runtime::EventLoop::Time now;

  // ---- what Python does not hear of ----
  void operator()(std::monostate&) const {}
  void operator()(session_ns::NamespaceUnsubscribed&) const {
  }  // the application never hears of the subscription either

  void operator()(session_ns::Established& event) const {
    self.established_ = true;
    Notice notice{.kind = Kind::Established, .parameters = std::move(event.peer)};
    if (self.options_.server != 0) {
      notice.kind = Kind::Accepted;
      notice.target = self.options_.server;
      notice.session = self.shared_from_this();
      notice.connection = runtime::quic_connection(*self.driver_);
      notice.flag = self.driver_->resumed();
    }
    self.notify(std::move(notice));
  }
  // ---- what Python has to allow ----

  void operator()(session_ns::AuthorizationRequested& event) const {
    self.notify({.target = self.options_.server,
                 .kind = Kind::Authorize,
                 .flag = self.driver_->resumed(),
                 .ticket = event.request.value,
                 .code = self.target_,
                 .parameters = *self.session().peer_setup(),
                 .connection = runtime::quic_connection(*self.driver_),
                 .question = std::make_shared<session_ns::AuthorizationRequested>(std::move(event))});
  }
  void operator()(session_ns::AuthorizationWithdrawn& event) const {
    self.notify({.target = self.options_.server,
                 .kind = Kind::Authorized,
                 .ticket = event.request.value,
                 .code = self.target_});
  }

  void operator()(session_ns::Closed& event) const { self.closed_ = std::move(event); }
  void operator()(session_ns::GoawayReceived& event) const {
    Notice notice{.kind = Kind::Going, .text = std::move(event.new_session_uri)};
    if (!event.request) return self.notify(std::move(notice));
    notice.target = self.target_of(event.request);
    if (notice.target == 0) notice.ticket = take_ticket(event.request);
    if (notice.target != 0 || notice.ticket != 0) self.notify(std::move(notice));
  }

  // ---- answers ----

  [[nodiscard]] std::uint64_t take_ticket(session_ns::RequestHandle request) const {
    const auto found = self.tickets_.find(request);
    return found == self.tickets_.end() ? 0 : found->second;
  }
  void operator()(session_ns::RequestAccepted& event) const {
    for (const auto& [writer, track] : self.tracks_) self.tell_subscribers(*track);
    for (const auto& [reader, link] : self.readers_) self.look_at_expiry(*link);  // it may be an update's
    const std::uint64_t ticket = take_ticket(event.request);
    if (ticket == 0) return;
    self.notify({.kind = Kind::Answered, .ticket = ticket, .largest = event.parameters.largest_object()});
  }
  void operator()(session_ns::RequestRejected& event) const {
    const std::uint64_t ticket = take_ticket(event.request);
    if (ticket == 0) return;
    self.tickets_.erase(event.request);
    self.requests_.erase(ticket);
    self.notify({.kind = Kind::Refused,
                 .ticket = ticket,
                 .code = event.code,
                 .text = std::move(event.reason),
                 .retry_after_ms = event.retry_after_ms,
                 .redirect = std::move(event.redirect)});
  }
  void operator()(session_ns::NamespaceCancelled& event) const {
    const std::uint64_t ticket = take_ticket(event.request);
    if (ticket == 0) return;
    self.tickets_.erase(event.request);
    self.requests_.erase(ticket);
    self.notify({.kind = Kind::Cancelled, .ticket = ticket, .code = event.code, .text = std::move(event.reason)});
  }

  // ---- tracks that we receive ----

  [[nodiscard]] std::shared_ptr<ReaderLink> link_of(const pubsub::TrackReader& reader) const {
    const auto found = self.readers_.find(&reader);
    return found == self.readers_.end() ? nullptr : found->second;
  }
  void operator()(pubsub::ReaderEstablished& event) const {
    const std::uint64_t ticket = take_ticket(event.reader->subscription());
    if (ticket != 0) self.established(ticket, *event.reader);
    if (const auto link = link_of(*event.reader)) link->look();
  }
  void operator()(pubsub::ReaderExpiring& event) const {
    const auto link = link_of(*event.reader);
    if (link != nullptr && link->renews()) (void)event.reader->update({});
  }
  void operator()(pubsub::ReaderChanged& event) const {
    const auto link = link_of(*event.reader);
    if (!link) return;  // an offer that nobody has accepted
    self.notify({.target = link->target(),
                 .kind = Kind::Changed,
                 .largest = event.parameters.largest_object(),
                 .properties = std::move(event.parameters)});
  }
  void operator()(pubsub::ReaderReadable& event) const {
    if (const auto link = link_of(*event.reader)) link->look();
  }
  void operator()(pubsub::ReaderEnded& event) const {
    const auto link = link_of(*event.reader);
    if (!link) {  // an offer that nobody has accepted
      self.notify({.kind = Kind::Ended, .ticket = event.reader->subscription().value});
      return;
    }
    const std::uint64_t ticket = take_ticket(event.reader->subscription());
    self.tickets_.erase(event.reader->subscription());
    const auto& end = event.reader->end();
    if (end && end->cause == pubsub::TrackEnd::Cause::kRejected) {
      self.notify({.kind = Kind::Refused,
                   .ticket = ticket,
                   .code = end->code,
                   .text = end->reason,
                   .retry_after_ms = end->retry_after_ms,
                   .redirect = end->redirect});
    }
    link->look();
    self.readers_.erase(event.reader.get());
  }

  // ---- fetches ----

  /// Python may go on when the fetch is accepted, or when an object comes before that.
  void answer(const pubsub::FetchReader& reader) const {
    const auto found = self.fetches_.find(&reader);
    if (found == self.fetches_.end()) return;
    found->second->look();
    if (const std::uint64_t ticket = std::exchange(found->second->ticket, 0)) self.answered(ticket);
  }
  void operator()(pubsub::FetchReaderAccepted& event) const { answer(*event.reader); }
  void operator()(pubsub::FetchReaderReadable& event) const { answer(*event.reader); }
  void operator()(pubsub::FetchReaderEnded& event) const {
    const auto found = self.fetches_.find(event.reader.get());
    if (found == self.fetches_.end()) return;
    const std::shared_ptr<FetchLink> link = std::move(found->second);
    self.fetches_.erase(found);
    link->look();
    const std::uint64_t ticket = std::exchange(link->ticket, 0);
    if (ticket == 0) return;
    const auto& end = event.reader->end();
    if (end->cause == pubsub::FetchEnd::Cause::kRejected) {
      self.notify({.kind = Kind::Refused,
                   .ticket = ticket,
                   .code = end->code,
                   .text = end->reason,
                   .retry_after_ms = end->retry_after_ms,
                   .redirect = end->redirect});
    } else if (end->cause != pubsub::FetchEnd::Cause::kSessionClosed) {
      self.answered(ticket);
    }
  }
  void operator()(pubsub::FetchRequested& event) const {
    if (event.writer == nullptr) {
      const auto& asked = event.response->request();
      self.held_.push_back(
          {asked.request, asked.track, now + self.options_.unknown_track_grace, false, event.response});
      return self.look_at_deadlines();
    }
    const auto found = self.tracks_.find(event.writer.get());
    if (found != self.tracks_.end()) self.ask(*found->second, event.response);
  }
  void operator()(pubsub::FetchWritable& event) const {
    const auto found = self.responses_.find(event.response.get());
    if (found != self.responses_.end()) self.drained(*found->second);
  }
  void operator()(pubsub::FetchWithdrawn& event) const {
    std::erase_if(self.held_, [&](const Held& held) { return held.fetch == event.response; });
    const auto found = self.responses_.find(event.response.get());
    if (found == self.responses_.end()) return;
    const auto link = std::move(found->second);
    self.responses_.erase(found);
    self.drained(*link);
    // The track has gone when the session has: then Python hears of that.
    for (const auto& [writer, track] : self.tracks_) {
      if (writer->track() != event.response->request().track) continue;
      self.notify(
          {.target = track->target, .kind = Kind::FetchGone, .ticket = event.response->request().request.value});
    }
  }

  // ---- tracks that we publish ----

  void operator()(pubsub::WriterSubscribersChanged& event) const {
    const auto found = self.tracks_.find(event.writer.get());
    if (found != self.tracks_.end()) self.tell_subscribers(*found->second);
  }
  void operator()(pubsub::NewGroupRequested& event) const {
    const auto found = self.tracks_.find(event.writer.get());
    if (found == self.tracks_.end()) return;
    self.notify({.target = found->second->target, .kind = Kind::NewGroup, .code = event.group});
  }
  void hold(session_ns::RequestHandle request, moqt::FullTrackName& track, bool status) const {
    self.held_.push_back({request, std::move(track), now + self.options_.unknown_track_grace, status});
    self.look_at_deadlines();
  }
  void operator()(session_ns::SubscribeReceived& event) const { hold(event.request, event.track, false); }
  void operator()(session_ns::TrackStatusReceived& event) const { hold(event.request, event.track, true); }

  // ---- what the peer announces ----

  void operator()(session_ns::NamespacePublished& event) const {
    if (!self.options_.asks_namespaces) {
      return self.accept_namespace(event.request, std::move(event.track_namespace));
    }
    self.asked_namespaces_[event.request] = event.track_namespace;
    self.notify(
        {.kind = Kind::Asked, .ticket = event.request.value, .track_namespace = std::move(event.track_namespace)});
  }
  void operator()(session_ns::NamespaceDone& event) const {
    self.asked_namespaces_.erase(event.request);
    const auto found = self.peer_namespaces_.find(event.request);
    if (found == self.peer_namespaces_.end()) return;
    self.notify({.kind = Kind::Namespace, .flag = false, .track_namespace = std::move(found->second)});
    self.peer_namespaces_.erase(found);
  }
  void operator()(session_ns::NamespaceSubscribed& event) const { (void)self.session().accept(event.request); }
  void operator()(session_ns::NamespaceUpdateReceived&) const {}  // what there is has been announced already
  // Where the peer is asked about namespaces, it does not ask whether it may tell of them.
  void operator()(session_ns::NamespaceFound& event) const {
    self.found_namespaces_[event.subscription].insert(event.track_namespace);
    self.notify({.kind = Kind::Namespace, .flag = true, .track_namespace = std::move(event.track_namespace)});
  }
  void operator()(session_ns::NamespaceLost& event) const {
    self.found_namespaces_[event.subscription].erase(event.track_namespace);
    self.notify({.kind = Kind::Namespace, .flag = false, .track_namespace = std::move(event.track_namespace)});
  }
  void operator()(session_ns::NamespaceSubscriptionEnded& event) const {
    const auto found = self.found_namespaces_.find(event.subscription);
    if (found != self.found_namespaces_.end()) {
      for (const moqt::TrackNamespace& each : found->second) {
        self.notify({.kind = Kind::Namespace, .flag = false, .track_namespace = each});
      }
      self.found_namespaces_.erase(found);
    }
    const std::uint64_t ticket = take_ticket(event.subscription);
    if (ticket == 0) return;
    self.tickets_.erase(event.subscription);
    self.requests_.erase(ticket);
    self.notify({.kind = Kind::Cancelled, .ticket = ticket, .code = event.code, .text = std::move(event.reason)});
  }
  void operator()(session_ns::PublishSkipped& event) const {
    self.notify({.kind = Kind::Skipped,
                 .track_namespace = std::move(event.track.track_namespace),
                 .track_name = std::move(event.track.track_name)});
  }
  void operator()(session_ns::PublishReceived& event) const {
    self.notify({.kind = Kind::Offer,
                 .ticket = event.request.value,
                 .largest = event.parameters.largest_object(),
                 .track_namespace = std::move(event.track.track_namespace),
                 .track_name = std::move(event.track.track_name),
                 .properties = std::move(event.parameters)});
  }
};

void SessionLink::accept_namespace(session_ns::RequestHandle request, moqt::TrackNamespace track_namespace) {
  if (!session().accept(request).ok()) return;
  peer_namespaces_[request] = track_namespace;
  notify({.kind = Kind::Namespace, .flag = true, .track_namespace = std::move(track_namespace)});
}

void SessionLink::answer_namespace(std::uint64_t request, std::optional<moqt::RequestErrorCode> refusal,
                                   const std::string& reason) {
  const auto found = asked_namespaces_.find({request});
  if (found == asked_namespaces_.end()) return;
  moqt::TrackNamespace track_namespace = std::move(found->second);
  asked_namespaces_.erase(found);
  if (!refusal) return accept_namespace({request}, std::move(track_namespace));
  (void)session().reject({request}, *refusal, reason);
}

bool SessionLink::on_events(runtime::EventLoop::Time now) {
  if (!connected_ && driver_->connected()) {
    connected_ = true;
    if (options_.server == 0) {
      notify({.kind = Kind::Connected, .flag = driver_->resumed(), .connection = runtime::quic_connection(*driver_)});
    }
  }
  if (!endpoint_) begin();
  endpoint_->drain_session(now);
  bool any = false;
  pubsub::EndpointEvent event;
  while (endpoint_->poll_event(event)) {
    any = true;
    std::visit(Events{*this, now}, event);
  }
  look_after_tracks();
  const bool open_ended = closing_ && closing_->deadline != runtime::EventLoop::Time::max();
  if (open_ended && busy_.empty() && !endpoint_->has_unsent() && driver_->flushed()) {
    closing_->deadline = runtime::EventLoop::Time::max();
    driver_->close(static_cast<moqt::SessionErrorCode>(closing_->code), closing_->reason);
  }
  return any;
}

}  // namespace msquic_py::python
