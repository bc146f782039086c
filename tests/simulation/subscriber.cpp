#include "simulation/subscriber.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace msquic_py::simulation {

bool expects(const ReceivedTrack& subscription, moqt::Location location) {
  return location >= subscription.start && (!subscription.largest || location > *subscription.largest);
}

void Subscriber::session_over() {
  end_ = nullptr;
  listening_.reset();
  for (auto& [request, subscription] : live_) subscription->cancelled = true;
  live_.clear();
  streams_.clear();
  fetches_.clear();
  fetch_streams_.clear();
}

void Subscriber::fetch(std::size_t track, std::uint64_t first_group, std::uint64_t last_group) {
  if (end_ == nullptr) return;
  journal_.track(track).fetched = true;
  const moqt::FetchRange range{{first_group, 0}, {last_group, 0}};
  const auto request = end_->session().fetch(journal_.track(track).name, range.start, range.end);
  if (!request) return;
  FetchedRange& fetch = fetches_[*request];
  fetch.track = track;
  fetch.range = range;
  end_->make_ready();
}

void Subscriber::on_fetched(const ms::FetchObjectReceived& event) {
  const auto found = fetches_.find(event.fetch);
  if (found == fetches_.end()) return;
  FetchedRange& fetch = found->second;
  fetch_streams_[event.stream] = event.fetch;
  const std::string what = "subscriber " + std::to_string(number_) + ", fetch of track " + std::to_string(fetch.track) +
                           ": " + text(event.location);
  if (!fetch.range.covers(event.location)) journal_.fault(what + " is outside of the range");
  if (fetch.latest && event.location <= *fetch.latest) journal_.fault(what + " comes after " + text(*fetch.latest));
  fetch.latest = event.location;
  fetch.size = event.payload_length;
  fetch.payload.clear();
  on_fetched_payload(fetch, event.payload);
}

void Subscriber::on_fetched_payload(FetchedRange& fetch, base::Bytes bytes) {
  fetch.payload.insert(fetch.payload.end(), bytes.begin(), bytes.end());
  if (fetch.payload.size() != fetch.size) return;
  const auto& objects = journal_.track(fetch.track).objects;
  const auto published = objects.find(*fetch.latest);
  const std::string what = "subscriber " + std::to_string(number_) + ", fetch of track " + std::to_string(fetch.track) +
                           ": " + text(*fetch.latest);
  if (published == objects.end() || !published->second.whole) return journal_.fault(what + " was not published");
  if (fetch.payload != Journal::payload(fetch.track, *fetch.latest, published->second.size)) {
    return journal_.fault(what + " has another payload");
  }
  fetch.received.insert(*fetch.latest);
}

void Subscriber::on_fetch_end(const ms::FetchEnded& event) {
  const auto found = fetches_.find(event.fetch);
  if (found == fetches_.end()) return;
  const FetchedRange fetch = std::move(found->second);
  fetches_.erase(found);
  std::erase_if(fetch_streams_, [&](const auto& entry) { return entry.second == event.fetch; });
  if (!event.finished) return;
  // What did not come does not exist, up to the end that FETCH_OK names [d15 §9.16.3].
  for (const auto& [location, object] : journal_.track(fetch.track).objects) {
    if (!object.whole || !fetch.range.covers(location) || fetch.received.contains(location)) continue;
    journal_.fault("subscriber " + std::to_string(number_) + ", fetch of track " + std::to_string(fetch.track) + ": " +
                   text(location) + " counts as not existing");
  }
}

ReceivedTrack& Subscriber::add(std::size_t track, ms::RequestHandle request) {
  all_.push_back(std::make_unique<ReceivedTrack>());
  ReceivedTrack& subscription = *all_.back();
  subscription.track = track;
  subscription.request = request;
  subscription.ordinal = all_.size() - 1;
  live_.emplace(request, &subscription);
  return subscription;
}

void Subscriber::subscribe(std::size_t track, std::uint8_t priority, std::uint64_t filter, std::uint64_t timeout) {
  if (end_ == nullptr || live_of_track(track) != nullptr) return;
  moqt::MessageParameters parameters;
  parameters.set_subscriber_priority(priority);
  std::optional<moqt::SubscriptionFilter> wanted;
  if (filter == 0) wanted = moqt::SubscriptionFilter::largest_object();
  if (filter == 1) wanted = moqt::SubscriptionFilter::next_group_start();
  if (filter == 2) wanted = moqt::SubscriptionFilter::absolute_start({1, 0});
  if (wanted) parameters.set_filter(*wanted);
  if (timeout != 0) parameters.set_delivery_timeout(timeout);
  const auto request = end_->session().subscribe(journal_.track(track).name, std::move(parameters));
  if (!request) return;
  ReceivedTrack& subscription = add(track, *request);
  subscription.filter = wanted;
  subscription.times_out = timeout != 0;
  end_->make_ready();
}

void Subscriber::on_accepted(ReceivedTrack& subscription, std::optional<moqt::Location> largest) {
  subscription.accepted = true;
  subscription.largest = largest;
  if (subscription.filter) subscription.start = subscription.filter->resolve_start(largest);
  subscription.losses = journal_.track(subscription.track).losses;
}

void Subscriber::listen_or_not() {
  if (end_ == nullptr) return;
  if (listening_) {
    (void)end_->session().cancel(*std::exchange(listening_, std::nullopt));
  } else if (const auto request = end_->session().subscribe_namespace({"offered"})) {
    listening_ = *request;
  }
  end_->make_ready();
}

void Subscriber::on_offer(const ms::PublishReceived& event) {
  const auto track = journal_.find(event.track);
  if (!track || live_of_track(*track) != nullptr) {
    (void)end_->session().reject(event.request, moqt::RequestErrorCode::kInternalError, "subscribed already");
  } else if (end_->session().accept(event.request)) {
    on_accepted(add(*track, event.request), event.parameters.largest_object());
  }
}

void Subscriber::unsubscribe(std::size_t track) {
  ReceivedTrack* subscription = live_of_track(track);
  if (end_ == nullptr || subscription == nullptr) return;
  (void)end_->session().cancel(subscription->request);
  subscription->cancelled = true;
  live_.erase(subscription->request);
  std::erase_if(streams_, [&](const auto& entry) { return entry.second.subscription == subscription; });
  end_->make_ready();
}

void Subscriber::unsubscribe_all() {
  if (listening_) listen_or_not();
  while (end_ != nullptr && !live_.empty()) unsubscribe(live_.begin()->second->track);
}

void Subscriber::reprioritize(std::size_t track, std::uint8_t priority) {
  ReceivedTrack* subscription = live_of_track(track);
  if (end_ == nullptr || subscription == nullptr || !subscription->accepted) return;
  moqt::MessageParameters parameters;
  parameters.set_subscriber_priority(priority);
  (void)end_->session().update(subscription->request, std::move(parameters));
  end_->make_ready();
}

void Subscriber::forward(std::size_t track, bool on) {
  ReceivedTrack* subscription = live_of_track(track);
  if (end_ == nullptr || subscription == nullptr || !subscription->accepted) return;
  moqt::MessageParameters parameters;
  parameters.set_forward(on);
  subscription->forwards = false;  // from here on only what comes is checked, not what does not
  (void)end_->session().update(subscription->request, std::move(parameters));
  end_->make_ready();
}

ReceivedTrack* Subscriber::live(ms::RequestHandle request) {
  const auto found = live_.find(request);
  return found == live_.end() ? nullptr : found->second;
}

ReceivedTrack* Subscriber::live_of_track(std::size_t track) {
  const auto found =
      std::find_if(live_.begin(), live_.end(), [&](const auto& entry) { return entry.second->track == track; });
  return found == live_.end() ? nullptr : found->second;
}

void Subscriber::fault(const ReceivedTrack& subscription, const std::string& what) {
  journal_.fault("subscriber " + std::to_string(number_) + ", track " + std::to_string(subscription.track) +
                 ", subscription " + std::to_string(subscription.ordinal) + ": " + what);
}

bool Subscriber::on_events() {
  return take_events(end_, [this](const ms::Event& event) { handle(event); });
}

void Subscriber::handle(const ms::Event& event) {
  if (const auto* accepted = std::get_if<ms::RequestAccepted>(&event)) {
    ReceivedTrack* subscription = live(accepted->request);
    if (subscription == nullptr) return;  // of an update
    on_accepted(*subscription, accepted->parameters.largest_object());
  } else if (const auto* offered = std::get_if<ms::PublishReceived>(&event)) {
    on_offer(*offered);
  } else if (const auto* rejected = std::get_if<ms::RequestRejected>(&event)) {
    if (listening_ == rejected->request) listening_.reset();
    fetches_.erase(rejected->request);
    if (ReceivedTrack* subscription = live(rejected->request)) {
      subscription->cancelled = true;
      live_.erase(rejected->request);
    }
  } else if (const auto* done = std::get_if<ms::SubscriptionDone>(&event)) {
    if (ReceivedTrack* subscription = live(done->subscription)) {
      subscription->done = *done;
      live_.erase(done->subscription);
      const bool cut_off = end_->session().state() == ms::SessionState::kClosed;  // then it waits for nothing
      for (const auto& [id, stream] : streams_) {
        if (stream.subscription == subscription && !cut_off)
          fault(*subscription, "it is done although a stream of it is open");
      }
    }
  } else if (const auto* malformed = std::get_if<ms::TrackMalformed>(&event)) {
    if (ReceivedTrack* subscription = live(malformed->subscription)) {
      fault(*subscription,
            "the track counts as malformed, rule " + std::to_string(static_cast<int>(malformed->reason)));
    }
  } else if (const auto* opened = std::get_if<ms::SubgroupOpened>(&event)) {
    ReceivedTrack* subscription = live(opened->subscription);
    if (subscription == nullptr) return;
    Incoming& stream = streams_[opened->stream];
    stream.subscription = subscription;
    stream.name = {opened->properties.group, opened->properties.subgroup.value_or(0)};
  } else if (const auto* object = std::get_if<ms::ObjectReceived>(&event)) {
    on_object(*object);
  } else if (const auto* payload = std::get_if<ms::ObjectPayload>(&event)) {
    const auto found = streams_.find(payload->stream);
    if (found != streams_.end()) on_payload(found->second, payload->bytes);
    const auto fetching = fetch_streams_.find(payload->stream);
    if (fetching != fetch_streams_.end()) on_fetched_payload(fetches_.at(fetching->second), payload->bytes);
  } else if (const auto* fetched = std::get_if<ms::FetchAccepted>(&event)) {
    const auto found = fetches_.find(fetched->request);
    if (found != fetches_.end()) found->second.range.end = fetched->end;
  } else if (const auto* fetch_object = std::get_if<ms::FetchObjectReceived>(&event)) {
    on_fetched(*fetch_object);
  } else if (const auto* fetch_ended = std::get_if<ms::FetchEnded>(&event)) {
    on_fetch_end(*fetch_ended);
  } else if (const auto* ended = std::get_if<ms::SubgroupEnded>(&event)) {
    on_end(*ended);
  } else if (const auto* datagram = std::get_if<ms::DatagramReceived>(&event)) {
    on_datagram(*datagram);
  } else if (const auto* closed = std::get_if<ms::Closed>(&event)) {
    if (!closed->by_peer && closed->code != 0 &&
        closed->reason.find("nothing has come from the peer") == std::string::npos && closed->reason != "no SETUP") {
      journal_.fault("subscriber " + std::to_string(number_) + " closed its session: " + closed->reason);
    }
  }
}

void Subscriber::on_object(const ms::ObjectReceived& event) {
  const auto found = streams_.find(event.stream);
  if (found == streams_.end()) return;
  Incoming& stream = found->second;
  if (!stream.whole) fault(*stream.subscription, "an object begins before " + text(*stream.latest) + " has ended");
  if (stream.latest && event.location <= *stream.latest) {
    fault(*stream.subscription, text(event.location) + " comes after " + text(*stream.latest));
  }
  stream.name = {event.location.group, event.subgroup};
  if (stream.latest) check_next(*stream.subscription, stream.name, *stream.latest, event.location);
  if (!stream.first) stream.first = event.location;
  stream.latest = event.location;
  stream.size = event.payload_length;
  stream.payload.clear();
  stream.whole = false;
  on_payload(stream, event.payload());
}

// On one stream an object is followed by the next one of its subgroup [d15 §10.4.3].
void Subscriber::check_next(const ReceivedTrack& subscription, SubgroupName name, moqt::Location before,
                            moqt::Location location) {
  const auto& objects = journal_.track(subscription.track).objects;
  for (auto each = objects.upper_bound(before); each != objects.end() && each->first < location; ++each) {
    if (each->second.subgroup != name.second || !each->second.whole || each->second.denied) continue;
    fault(subscription,
          text(location) + " comes behind " + text(before) + " on a stream, without " + text(each->first));
  }
}

void Subscriber::on_payload(Incoming& stream, base::Bytes bytes) {
  stream.payload.insert(stream.payload.end(), bytes.begin(), bytes.end());
  if (stream.payload.size() == stream.size) complete(stream);
}

void Subscriber::complete(Incoming& stream) {
  stream.whole = true;
  check_object(*stream.subscription, *stream.latest, stream.name.second, /*datagram=*/false, stream.payload);
}

void Subscriber::check_object(ReceivedTrack& subscription, moqt::Location location, std::uint64_t subgroup,
                              bool datagram, base::Bytes payload) {
  const TrackJournal& track = journal_.track(subscription.track);
  const auto published = track.objects.find(location);
  if (published == track.objects.end()) return fault(subscription, text(location) + " was never published");
  if (!published->second.whole)
    return fault(subscription, text(location) + " is whole although its publisher reset it");
  if (datagram != track.plan.datagrams)
    return fault(subscription, text(location) + " came in another way than it was sent");
  if (published->second.subgroup != subgroup) return fault(subscription, text(location) + " is of another subgroup");
  const base::ByteVector right = Journal::payload(subscription.track, location, published->second.size);
  if (!std::equal(payload.begin(), payload.end(), right.begin(), right.end())) {
    return fault(subscription, text(location) + " has another payload");
  }
  if (location < subscription.start) fault(subscription, text(location) + " is before what the filter asks for");
  if (!subscription.received.insert(location).second) fault(subscription, text(location) + " came twice");
}

void Subscriber::on_end(const ms::SubgroupEnded& event) {
  const auto found = streams_.find(event.stream);
  if (found == streams_.end()) return;
  const Incoming stream = std::move(found->second);
  streams_.erase(found);
  ReceivedTrack& subscription = *stream.subscription;
  if (!event.finished) {
    subscription.unfinished.insert({stream.name, stream.first, stream.latest});
    return;
  }
  if (!stream.whole) fault(subscription, "a stream is finished in the middle of " + text(*stream.latest));
  // FIN promises every object of the subgroup since the beginning of the subscription [d15 §10.4.2].
  for (const auto& [location, object] : journal_.track(subscription.track).objects) {
    if (location.group != stream.name.first || object.subgroup != stream.name.second) continue;
    if (!expects(subscription, location) || subscription.received.contains(location) || object.denied) continue;
    fault(subscription, text(location) + " is missing although its subgroup's stream was finished");
  }
}

void Subscriber::on_datagram(const ms::DatagramReceived& event) {
  ReceivedTrack* subscription = live(event.subscription);
  if (subscription != nullptr) check_object(*subscription, event.location, 0, /*datagram=*/true, event.payload());
}

}  // namespace msquic_py::simulation
