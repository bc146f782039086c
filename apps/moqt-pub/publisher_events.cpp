// What the session tells a publisher.

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "base/one_of.h"
#include "command_line/logging.h"
#include "moqt-pub/publisher.h"

namespace msquic_py::apps {

namespace pubsub = moqt::pubsub;
namespace session = moqt::session;

/// One overload per event: an event without one does not compile.
struct Publisher::Events {
  Publisher& self;
  Time now;

  void operator()(const session::Established&) const {
    self.established_ = true;
    self.loc_version_ = self.options_.loc_version.value_or(loc::version_for(self.driver_->session().draft()));
    if (self.comeback() != nullptr) self.comeback()->established();
    if (self.comeback() != nullptr && self.comeback()->came_back()) return self.go_on(now);
    log_info("connected; reading the input");
    self.report_.event("connected",
                       {{"host", self.options_.client.host}, {"port", std::uint64_t{self.options_.client.port}}});
  }
  void operator()(const session::GoawayReceived& goaway) const {
    if (goaway.request) return;
    log_info("the server is going away");
    if (self.comeback() != nullptr) {
      const bool goes = self.comeback()->go_to(goaway.new_session_uri);
      if (goes) self.driver_->close(moqt::SessionErrorCode::kNoError, "");
      return;  // otherwise it is served for as long as it likes
    }
    self.leave_a_server_that_goes();
  }
  void operator()(const session::RequestRejected& rejected) const {
    self.fail("the server refused the " +
              std::string(self.options_.offer_with_publish ? "PUBLISH" : "PUBLISH_NAMESPACE") + ": " +
              std::string(name(static_cast<moqt::RequestErrorCode>(rejected.code))) + " (" + rejected.reason + ")");
    self.close();
  }
  void operator()(const session::NamespaceCancelled& cancelled) const {
    self.fail("the server no longer takes this namespace: " + cancelled.reason);
    self.close();
  }

  // ---- what the server asks or offers ----

  void operator()(const session::NamespaceSubscribed& asked) const {
    (void)self.driver_->session().accept(asked.request);  // what there is has been announced already
  }
  void operator()(const session::NamespaceUpdateReceived&) const {}  // the same
  void operator()(const session::NamespacePublished& echo) const { (void)self.driver_->session().accept(echo.request); }
  void operator()(const session::PublishReceived& offered) const {
    (void)self.endpoint_->reject(offered.request, moqt::RequestErrorCode::kUninterested, "this client only publishes");
  }

  // ---- subscribers ----

  [[nodiscard]] bool is_catalog(const std::shared_ptr<pubsub::TrackWriter>& writer) const {
    return self.catalog_ && writer == self.catalog_->shared_writer();
  }
  void operator()(const pubsub::WriterSubscribersChanged& changed) const {
    const bool here = self.driver_->session().state() == session::Session::State::kEstablished;
    if (here && (changed.writer->subscribers() > 0 || changed.writer->finished())) {
      self.subscriber_came(now);
    } else if (here) {
      const auto all = self.writers();
      self.has_subscribers_ = std::ranges::any_of(all, [](const auto& each) { return each->subscribers() > 0; });
    }
    if (is_catalog(changed.writer)) {
      if (self.catalog_->writer().wanted() && !self.finishing_) (void)self.catalog_->publish(now);
      return;
    }
    std::size_t most = 0;
    for (const OutgoingTrack& track : self.tracks_) most = std::max(most, track.writer().subscribers());
    if (changed.writer->finished()) return;
    log_info(std::to_string(most) + " subscriber(s)");
    self.report_.event("subscribers", {{"count", std::uint64_t{most}}});
  }
  void operator()(const pubsub::NewGroupRequested& request) const {
    if (is_catalog(request.writer) && !self.finishing_) (void)self.catalog_->publish(now);
  }

  /// Of no consequence: answers that say yes, namespaces of others, the end of the session, of which on_finished()
  /// hears.
  template <class Event>
  requires base::OneOf<Event, std::monostate, session::Closed, session::RequestAccepted, session::NamespaceDone,
                       session::NamespaceUnsubscribed>
  void operator()(const Event&) const {}
  /// Never: nothing is subscribed to or fetched here, the endpoint refuses what is asked of tracks that are not there,
  /// FETCH is answered out of what is kept, and the session does not ask for leave.
  template <class Event>
  requires base::OneOf<
      Event, pubsub::ReaderEstablished, pubsub::ReaderReadable, pubsub::ReaderEnded, pubsub::ReaderExpiring,
      pubsub::ReaderChanged, pubsub::FetchReaderAccepted, pubsub::FetchReaderReadable, pubsub::FetchReaderEnded,
      pubsub::FetchRequested, pubsub::FetchWritable, pubsub::FetchWithdrawn, session::SubscribeReceived,
      session::TrackStatusReceived, session::AuthorizationRequested, session::AuthorizationWithdrawn,
      session::NamespaceFound, session::NamespaceLost, session::NamespaceSubscriptionEnded, session::PublishSkipped>
  void operator()(const Event&) const {}
};

void Publisher::handle(const pubsub::EndpointEvent& event, Time now) { std::visit(Events{*this, now}, event); }

}  // namespace msquic_py::apps
