// What a subscriber asks of its session, and what the session tells it.

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "base/one_of.h"
#include "command_line/exit_code.h"
#include "command_line/logging.h"
#include "moqt-sub/subscriber.h"

namespace msquic_py::apps {

namespace pubsub = moqt::pubsub;
namespace session = moqt::session;

bool Subscriber::on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time now) {
  if (!endpoint_) endpoint_.emplace(driver.session());
  endpoint_->drain_session(now);
  bool any = false;
  pubsub::EndpointEvent event;
  while (endpoint_->poll_event(event)) {
    any = true;
    if (!leaving_) handle(event);
  }
  return any;
}

/// One overload per event: an event without one does not compile.
struct Subscriber::Events {
  Subscriber& self;

  static bool is_lost(const std::unique_ptr<TrackFeed>& feed) { return !feed->ended() && feed->lost(); }

  void operator()(const session::Established&) const {
    self.report_.event("connected",
                       {{"host", self.options_.client.host}, {"port", std::uint64_t{self.options_.client.port}}});
    if (self.comeback() != nullptr) self.comeback()->established();
    const bool has_begun = std::ranges::any_of(self.feeds_, is_lost);
    has_begun ? self.go_on() : self.subscribe();
  }
  void operator()(const session::GoawayReceived& goaway) const {
    if (goaway.request) return;
    log_info("the server is going away");
    if (self.comeback() != nullptr && self.comeback()->go_to(goaway.new_session_uri)) {
      self.driver_->close(moqt::SessionErrorCode::kNoError, "");
    }
  }
  void operator()(const session::RequestRejected& rejected) const {
    self.fail("the server refused SUBSCRIBE_NAMESPACE for " + self.options_.track.track_namespace.to_text() + ": " +
                  std::string(name(static_cast<moqt::RequestErrorCode>(rejected.code))),
              kFailure);
  }

  // ---- subscriptions and fetches ----

  void operator()(const pubsub::ReaderEstablished& established) const {
    if (established.reader == self.catalog_) return;
    log_info("subscribed to " + established.reader->track().to_text());
    if (std::ranges::none_of(self.feeds_, is_lost)) self.lost_at_.reset();
  }
  void operator()(const pubsub::ReaderReadable& readable) const {
    readable.reader == self.catalog_ ? self.read_catalog() : self.pump();
  }
  void operator()(const pubsub::ReaderExpiring& expiring) const {
    if (auto renewed = expiring.reader->update({}); !renewed) {
      self.warn("the subscription to " + expiring.reader->track().to_text() +
                " is about to expire and can't be renewed: " + std::string(session::describe(renewed.error())));
    }
  }
  void operator()(const pubsub::ReaderEnded& ended) const { self.on_reader_ended(ended.reader); }
  void operator()(const pubsub::FetchReaderReadable&) const { self.pump(); }
  void operator()(const pubsub::FetchReaderEnded& ended) const { self.on_past_ended(ended.reader); }

  // ---- what the server offers or asks ----

  void operator()(const session::NamespacePublished& published) const {
    (void)self.driver_->session().accept(published.request);
    self.on_namespace(published.track_namespace, published.request);
  }
  void operator()(const session::NamespaceFound& found) const {
    self.on_namespace(found.track_namespace, found.subscription);
  }
  void operator()(const session::NamespaceLost& lost) const {
    if (lost.track_namespace == self.options_.track.track_namespace) self.announcement_.reset();
  }
  void operator()(const session::NamespaceSubscriptionEnded&) const {
    self.fail("the server tells no more of " + self.options_.track.track_namespace.to_text(), kFailure);
  }
  void operator()(const session::NamespaceDone& done) const {
    if (self.announcement_ == done.request) self.announcement_.reset();
  }
  void operator()(const session::PublishReceived& offered) const { self.on_offer(offered); }
  void operator()(const session::NamespaceSubscribed& asked) const {
    (void)self.driver_->session().accept(asked.request);  // nothing is published here
  }

  /// Of no consequence: answers that say yes, and the end of the session, of which on_finished() hears.
  template <class Event>
  requires base::OneOf<Event, std::monostate, session::Closed, session::RequestAccepted, pubsub::FetchReaderAccepted,
                       pubsub::ReaderChanged, session::NamespaceUnsubscribed, session::NamespaceUpdateReceived,
                       session::PublishSkipped>
  void operator()(const Event&) const {}
  /// Never: nothing is published here, the endpoint refuses what is asked of tracks that are not there, and the session
  /// does not ask for leave.
  template <class Event>
  requires base::OneOf<Event, pubsub::WriterSubscribersChanged, pubsub::NewGroupRequested, pubsub::FetchRequested,
                       pubsub::FetchWritable, pubsub::FetchWithdrawn, session::SubscribeReceived,
                       session::TrackStatusReceived, session::NamespaceCancelled, session::AuthorizationRequested,
                       session::AuthorizationWithdrawn>
  void operator()(const Event&) const {}
};

void Subscriber::handle(const pubsub::EndpointEvent& event) { std::visit(Events{*this}, event); }

Subscriber::Reader Subscriber::request(const moqt::FullTrackName& track, moqt::SubscriptionFilter filter) {
  moqt::MessageParameters parameters;
  parameters.set_filter(filter);
  parameters.set_subscriber_priority(options_.priority);
  auto reader = endpoint_->subscribe(track, std::move(parameters));
  if (!reader) {
    fail("cannot subscribe to " + track.to_text() + ": " + std::string(session::describe(reader.error())), kFailure);
    return nullptr;
  }
  return *reader;
}

Subscriber::Past Subscriber::request_past(const moqt::FullTrackName& track) {
  return request_past_from(track, std::nullopt);
}

Subscriber::Past Subscriber::request_past_from(const moqt::FullTrackName& track, std::optional<moqt::Location> start) {
  moqt::MessageParameters parameters;
  parameters.set_subscriber_priority(options_.priority);
  const auto& [first, last] = *options_.fetch;
  auto past = endpoint_->fetch(track, start.value_or(moqt::Location{first, 0}), {last, 0}, std::move(parameters));
  if (!past) {
    fail("cannot fetch " + track.to_text() + ": " + std::string(session::describe(past.error())), kFailure);
    return nullptr;
  }
  return *past;
}

void Subscriber::on_fetch_ended(TrackFeed& feed, const pubsub::FetchEnd& end) {
  using Cause = pubsub::FetchEnd::Cause;
  if (end.cause == Cause::kRejected && feed.had_a_session() &&
      comes_back({pubsub::TrackEnd::Cause::kRejected, end.code, end.reason, 0, 0})) {
    return feed.lose(objects_left());
  }
  const bool answered = end.cause == Cause::kFinished || end.cause == Cause::kGaps;
  if (auto ended = feed.end(answered, objects_left()); !ended) return fail(ended.error(), kFailure);
  if (end.cause == Cause::kRejected) {
    const auto code = static_cast<moqt::RequestErrorCode>(end.code);
    return fail(
        "the groups of " + feed.name() + " are not to be had: " + std::string(name(code)) + " (" + end.reason + ")",
        kFailure);
  }
  if (end.cause == Cause::kGaps) {
    take_warnings();
    return fail(feed.name() + ": the publisher does not keep all of the groups any more", kIncomplete);
  }
  if (end.cause != Cause::kFinished) {
    return fail(feed.name() + ": the publisher broke the answer off", kIncomplete);
  }
  report_.event("track_end", {{"name", feed.name()}, {"complete", true}, {"reason", std::string("fetched")}});
  conclude_when_ended();
}

Subscriber::Past Subscriber::join(const Reader& reader) {
  if (!options_.join || !reader) return nullptr;
  moqt::MessageParameters parameters;
  parameters.set_subscriber_priority(options_.priority);
  auto past = endpoint_->join(*reader, session::JoiningStart::relative(*options_.join), std::move(parameters));
  return past ? *past : nullptr;
}

Subscriber::Past Subscriber::request_missing(const moqt::FullTrackName& track, moqt::Location start,
                                             moqt::Location end) {
  moqt::MessageParameters parameters;
  // Before what comes after it, which has to wait for it.
  parameters.set_subscriber_priority(static_cast<std::uint8_t>(std::max<int>(options_.priority, 1) - 1));
  auto asked = endpoint_->fetch(track, start, end, std::move(parameters));
  return asked ? *asked : nullptr;
}

void Subscriber::on_past_ended(const Past& past) {
  const pubsub::FetchEnd end = *past->end();
  if (end.cause == pubsub::FetchEnd::Cause::kSessionClosed) return;  // on_finished() knows why
  const auto all = std::find_if(feeds_.begin(), feeds_.end(),
                                [&](const auto& feed) { return feed->past() == past && feed->reader() == nullptr; });
  if (all != feeds_.end()) return on_fetch_ended(**all, end);
  pump();
  conclude_lost_feeds();
  // A track may have been over before its past had come, or what was missing of it.
  for (std::size_t i = 0; i < feeds_.size() && !leaving_; ++i) {
    TrackFeed& feed = *feeds_[i];
    const Reader reader = feed.reader();
    const bool waits = feed.repair() || (feed.past() && !feed.past()->end());
    if (feed.ended() || waits || !reader || reader->state() != pubsub::TrackReader::State::kEnded) continue;
    if (reader->end()->cause == pubsub::TrackEnd::Cause::kDone) on_feed_end(feed, *reader->end());
  }
}

void Subscriber::conclude_lost_feeds() {
  for (std::size_t i = 0; i < feeds_.size() && !leaving_; ++i) {
    TrackFeed& feed = *feeds_[i];
    if (feed.ended() || !feed.lost() || feed.repair()) continue;
    if (!feed.has_the_rest()) {  // the track goes on, or nobody knows
      ask_again_soon();
      continue;
    }
    on_feed_end(feed, {pubsub::TrackEnd::Cause::kDone, static_cast<std::uint64_t>(moqt::PublishDoneCode::kTrackEnded),
                       "while there was no session", 0, 0});
  }
}

void Subscriber::subscribe() {
  if (options_.single) return subscribe_single();
  catalog_ =
      request({options_.track.track_namespace, msf::kCatalogTrackName}, moqt::SubscriptionFilter::largest_object());
}

void Subscriber::subscribe_single() {
  Reader reader;
  if (options_.fetch) {
    Past past = request_past(options_.track);
    if (!past) return;
    if (slots_.empty()) slots_.push_back({"", recording_->add_single()});
    return add_feed(track_name_, !options_.opaque, slots_.front().source, nullptr, std::move(past));
  }
  if (offer_) {
    moqt::MessageParameters parameters;
    parameters.set_filter(options_.filter);
    auto accepted = endpoint_->accept_publish(*std::exchange(offer_, std::nullopt), std::move(parameters));
    if (accepted) reader = *accepted;
  }
  if (!reader) reader = request(options_.track, options_.filter);
  if (!reader) return;
  if (slots_.empty()) slots_.push_back({"", recording_->add_single()});
  Past past = join(reader);
  add_feed(track_name_, !options_.opaque, slots_.front().source, std::move(reader), std::move(past));
}

void Subscriber::on_offer(const session::PublishReceived& offer) {
  const bool catalog = offer.track.track_namespace == options_.track.track_namespace &&
                       offer.track == moqt::FullTrackName(options_.track.track_namespace, msf::kCatalogTrackName);
  if (catalog && !options_.single && !catalog_) {
    if (auto accepted = endpoint_->accept_publish(offer.request)) catalog_ = *accepted;
  } else if (offer.track == options_.track && feeds_.empty()) {
    offer_ = offer.request;
    if (options_.single) {
      subscribe_single();
    } else if (!catalog_) {
      subscribe();  // a catalog comes first, where there is one
    }
  } else {
    (void)driver_->session().reject(offer.request, moqt::RequestErrorCode::kUninterested);
  }
}

void Subscriber::wait_for_namespace() {
  if (std::exchange(waiting_for_namespace_, true)) return;
  log_info("waiting for " + options_.track.track_namespace.to_text() + " to be published");
  report_.event("waiting", {{"namespace", options_.client.track_namespace}});
  if (auto asked = driver_->session().subscribe_namespace(options_.track.track_namespace); !asked) {
    fail("cannot wait for " + options_.track.track_namespace.to_text() + ": " +
             std::string(session::describe(asked.error())),
         kFailure);
  }
}

void Subscriber::on_namespace(const moqt::TrackNamespace& track_namespace, session::RequestHandle told_by) {
  if (track_namespace != options_.track.track_namespace) return;
  announcement_ = told_by;
  if (!subscribed()) subscribe();
}

void Subscriber::on_reader_ended(const Reader& reader) {
  const pubsub::TrackEnd end = *reader->end();
  if (end.cause == pubsub::TrackEnd::Cause::kSessionClosed) return;  // on_finished() knows why
  if (reader == catalog_) {
    read_catalog();
    if (!leaving_ && !feeds_.empty() && comes_back(end)) {
      catalog_.reset();
    } else if (!leaving_) {
      on_catalog_end(end);
    }
  } else if (TrackFeed* feed = feed_of(reader)) {
    const bool waits = feed->past() != nullptr && !feed->past()->end() && end.cause == pubsub::TrackEnd::Cause::kDone;
    if (!waits) on_feed_end(*feed, end);  // otherwise on_past_ended() does
  }
}

void Subscriber::on_catalog_end(const pubsub::TrackEnd& end) {
  catalog_.reset();
  if (!feeds_.empty()) return conclude_when_ended();  // its tracks go on until they end themselves
  const std::string where = options_.track.track_namespace.to_text();
  if (end.cause == pubsub::TrackEnd::Cause::kRejected) {
    const auto code = static_cast<moqt::RequestErrorCode>(end.code);
    const bool absent = code == moqt::RequestErrorCode::kDoesNotExist || code == moqt::RequestErrorCode::kNotSupported;
    if (!absent) {
      return fail("the catalog of " + where + " was refused: " + std::string(name(code)) + " (" + end.reason + ")",
                  kFailure);
    }
    // Only of a publisher that is there it is known that it has no catalog.
    if (options_.wait_for_publisher && !announcement_ && !offer_) return wait_for_namespace();
    if (!options_.list && options_.tracks.empty()) return subscribe_single();
    return fail(where + " has no catalog: its publisher offers a single track only, which --name takes", kFailure);
  }
  if (options_.follow) return subscribe();
  fail("the publisher of " + where + " left before it sent its catalog", kFailure);
}

void Subscriber::on_single_refused(const pubsub::TrackEnd& end) {
  const auto code = static_cast<moqt::RequestErrorCode>(end.code);
  const std::string where = options_.track.track_namespace.to_text();
  const std::string answer = ": " + std::string(name(code)) + (end.reason.empty() ? "" : " (" + end.reason + ")");
  feeds_.clear();
  if (code != moqt::RequestErrorCode::kDoesNotExist) {
    return fail("the subscription to " + options_.track.to_text() + " was refused" + answer, kFailure);
  }
  const bool began = before_.objects > 0;
  if (announcement_ && !began && !options_.follow) {
    return fail("the publisher of " + where + " has " + (options_.single ? "" : "neither a catalog nor ") +
                    (options_.single ? "no track '" : "a track '") + track_name_ + "'" + answer + "; check --name",
                kFailure);
  }
  if (options_.wait_for_publisher || began) return wait_for_namespace();
  fail("nobody publishes " + options_.track.to_text() + answer +
           "; check --namespace and --name, or leave --no-wait out",
       kFailure);
}

void Subscriber::on_feed_end(TrackFeed& feed, const pubsub::TrackEnd& end) {
  using Cause = pubsub::TrackEnd::Cause;
  const std::string track = feed.track().to_text();
  if (feed.had_a_session() && comes_back(end)) {
    feed.lose(objects_left());
    const bool unknown = end.cause == Cause::kRejected &&
                         static_cast<moqt::RequestErrorCode>(end.code) == moqt::RequestErrorCode::kDoesNotExist;
    if (unknown) (void)feed.ask_for_the_rest();
    return;
  }
  // A publisher that is followed may have left between its catalog and the answer.
  const bool left = options_.follow && known_.has_value() &&
                    static_cast<moqt::RequestErrorCode>(end.code) == moqt::RequestErrorCode::kDoesNotExist;
  const bool given_up = end.cause == Cause::kRejected && (left || (feed.had_a_session() && comeback() != nullptr));
  if (end.cause == Cause::kRejected && !given_up) {
    const auto code = static_cast<moqt::RequestErrorCode>(end.code);
    if (!known_) return on_single_refused(end);
    return fail(
        "the catalog names " + track + ", but it is refused: " + std::string(name(code)) + " (" + end.reason + ")",
        kFailure);
  }
  const auto code = static_cast<moqt::PublishDoneCode>(end.code);
  const bool complete = end.cause == Cause::kDone && (code == moqt::PublishDoneCode::kTrackEnded ||
                                                      code == moqt::PublishDoneCode::kSubscriptionEnded);
  if (complete && feed.repairs_before_the_end(objects_left())) return;  // on_past_ended() comes back here
  if (auto ended = feed.end(complete, objects_left()); !ended) return fail(ended.error(), kFailure);
  if (end.cause == Cause::kMalformed) return fail(track + ": the publisher broke the rules of the track", kIncomplete);
  if (end.cause == Cause::kDone || given_up) {
    const std::string why(given_up ? name(static_cast<moqt::RequestErrorCode>(end.code)) : name(code));
    const std::string text = track + (complete ? " has ended: " : " was lost: ") + why + " " + end.reason;
    report_.event("track_end", {{"name", feed.name()}, {"complete", complete}, {"reason", end.reason}});
    if (complete) {
      log_info(text);
    } else if (options_.follow) {
      warn(text);
    } else {
      // The other tracks of a lost publisher are lost as well, in a moment; what they hold is still written.
      if (!failure_) failure_ = text + "; the recording ends in the middle of the track";
      exit_code_ = kIncomplete;
      log_warning(text);
    }
  }
  begin_successors();
  conclude_when_ended();
}

}  // namespace msquic_py::apps
