#include "relay/track.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "relay/backfill.h"
#include "relay/peer.h"

namespace msquic_py::relay {

namespace {

moqt::objects::Retention retention_of(const RelayLimits& limits) {
  if (limits.cache_duration.count() == 0) return moqt::objects::Retention::none();
  return {limits.memory.track, std::numeric_limits<std::size_t>::max(), limits.cache_duration};
}

moqt::objects::SubscriptionLimits subscription_limits_of(const RelayLimits& limits) {
  // Publishers that are held send no more than QUIC's windows admit.
  const std::size_t most =
      limits.hold_publishers ? std::numeric_limits<std::size_t>::max() : limits.max_queued_bytes_per_subscription;
  const auto queued_time = limits.hold_publishers ? std::chrono::milliseconds(0) : limits.max_queued_time;
  return {most, limits.max_queue_age, queued_time, limits.max_consecutive_skips, limits.retired_stream_timeout};
}

std::size_t length(const moqt::FullTrackName& name) noexcept {
  std::size_t sum = name.track_name.size();
  // NOLINTNEXTLINE(bugprone-sizeof-container)
  for (const auto& field : name.track_namespace.fields()) sum += field.size() + sizeof(field);
  return sum;
}

}  // namespace

Track::Track(moqt::FullTrackName name, const RelayLimits& limits, RelayCounters& counters,
             const std::shared_ptr<base::Account>& account)
    : name_(std::move(name)),
      memory_(account, sizeof(Track) + 2 * length(name_)),  // the table has a copy of the name
      publisher_(retention_of(limits), moqt::objects::TrackStore::Knowledge::kWhatCame, subscription_limits_of(limits),
                 counters, account) {
  publisher_.takeover_timeout = limits.takeover_timeout;
}

Track::~Track() = default;

bool Track::ends_whole() const {
  const auto last = largest();
  const auto& groups = publisher_.store().groups();
  const auto group = last ? groups.find(last->group) : groups.end();
  if (group == groups.end()) return false;
  bool whole = true;
  group->second.for_each([&](const moqt::objects::StoredSubgroup& each) {
    // What was lost of datagrams nobody knows.
    whole = whole && !each.datagrams() && each.ended() != moqt::objects::StoredSubgroup::End::kReset;
  });
  return whole;
}

Track::Upstream& Track::add_upstream(const Upstream& upstream) {  // [d15 §8.3-1]
  upstreams_.push_back(upstream);
  publisher_.others_may_go_on = upstreams_.size() > 1;
  publisher_.several_writers = publisher_.several_writers || upstreams_.size() > 1;
  if (upstreams_.size() > 1) {
    for (Upstream& each : upstreams_) each.beside = each.beside || each.state != Upstream::State::kLive;
  }
  return upstreams_.back();
}

Track::Upstream* Track::upstream(const Peer& peer, moqt::session::RequestHandle request) noexcept {
  const auto found = std::find_if(upstreams_.begin(), upstreams_.end(), [&](const Upstream& upstream) {
    return upstream.peer == &peer && upstream.request == request;
  });
  return found == upstreams_.end() ? nullptr : &*found;
}

bool Track::has_upstream_at(const Peer& peer) const noexcept {
  return std::any_of(upstreams_.begin(), upstreams_.end(),
                     [&](const Upstream& upstream) { return upstream.peer == &peer; });
}

bool Track::may_lag(const Peer& peer) const noexcept {
  return peer.upstream != nullptr || upstreams_.size() > 1 ||
         std::any_of(upstreams_.begin(), upstreams_.end(),
                     [&](const Upstream& upstream) { return upstream.peer == &peer && upstream.beside; });
}

void Track::remove_upstream(const Peer& peer, moqt::session::RequestHandle request) {
  std::erase_if(upstreams_, [&](const Upstream& upstream) {
    if (upstream.peer != &peer || upstream.request != request) return false;
    if (upstream.state == Upstream::State::kLive) requested_group_.reset();  // perhaps nobody else has heard of it
    return true;
  });
  publisher_.others_may_go_on = upstreams_.size() > 1;
}

bool Track::established() const noexcept {
  return std::any_of(upstreams_.begin(), upstreams_.end(),
                     [](const Upstream& upstream) { return upstream.state == Upstream::State::kLive; });
}

Track::Search& Track::search() {
  if (!search_) search_ = Search{};
  return *search_;
}

bool Track::established_here() const noexcept {
  return std::any_of(upstreams_.begin(), upstreams_.end(), [](const Upstream& upstream) {
    return upstream.state == Upstream::State::kLive && upstream.peer->upstream == nullptr;
  });
}

bool Track::asking() const noexcept {
  return std::any_of(upstreams_.begin(), upstreams_.end(),
                     [](const Upstream& upstream) { return upstream.state == Upstream::State::kAsked; });
}

bool Track::wanted_here() const noexcept {
  return publisher_.subscribers() > upward || std::any_of(waiting_.begin(), waiting_.end(), [](const Waiting& each) {
           return each.peer->upstream == nullptr;
         });
}

void Track::forget() {
  publisher_.clear();
  properties_ = {};
  start = {};
}

bool Track::was_at(moqt::Location said) {
  return publisher_.store().look(said).kind == moqt::objects::TrackStore::Look::Kind::kObject || said.next() == start;
}

bool Track::prove(moqt::Location location, bool may_lag) {
  unproven_ = false;
  const bool goes_on = !largest() || location > *largest() || (may_lag && was_at(location));
  if (!goes_on) forget();
  return goes_on;
}

void Track::learn(const moqt::MessageParameters& parameters, bool sole_publisher, bool may_lag) {
  const auto said = parameters.largest_object();
  if (sole_publisher && largest() && (!said || *said < *largest())) {
    unproven_ = may_lag && !said;
    if (!may_lag || (said && !was_at(*said))) forget();
    // What has come may come again.
    publisher_.several_writers = publisher_.several_writers || may_lag;
  }
  if (said) note_largest(*said);
  take_properties(parameters);
}

bool Track::learn_on(const moqt::MessageParameters& parameters, bool may_lag) {
  const auto said = parameters.largest_object();
  bool same = true;
  if (said && largest() && *said < *largest()) {
    // One that has the latest object but a few is a little behind; one that has none of them is at another track.
    same = may_lag && was_at(*said);
    if (!same) forget();
  }
  unproven_ = !said && largest().has_value();
  // What has come and gone may come again.
  publisher_.several_writers = publisher_.several_writers || same;
  if (said) note_largest(*said);
  take_properties(parameters);
  return same;
}

void Track::learn_offered(const moqt::MessageParameters& parameters) {
  if (const auto said = parameters.largest_object()) note(*said);
  take_properties(parameters);
}

bool Track::learn_largest(moqt::Location said) {
  if (largest() && said <= *largest()) return false;
  note_largest(said);
  return true;
}

void Track::note_largest(moqt::Location said) {
  if (requested_group_ && !requested_group_->above) {
    // The request went out before anything was known of the track: this is where the largest group stood. A publisher
    // does nothing about one that it has reached.
    requested_group_->above = said.group;
    if (requested_group_->value != 0 && requested_group_->value <= said.group) requested_group_.reset();
  }
  note(said);
}

void Track::take_properties(const moqt::MessageParameters& parameters) {
  // The first publisher's word counts; a second one has to agree, being the same track.
  if (!properties_.empty()) return;
  // What a PUBLISH says of its subscription is not said of the track (draft-22 section 9.8).
  if (const auto value = parameters.track_delivery_timeout()) properties_.set_track_delivery_timeout(*value);
  // [d15 §9.2.1.2-3]
  if (const auto value = parameters.max_cache_duration()) properties_.set_max_cache_duration(*value);
  if (const auto value = parameters.publisher_priority()) properties_.set_publisher_priority(*value);  // [d15 §7.3-1]
  if (const auto value = parameters.track_group_order()) properties_.set_track_group_order(*value);
  if (const auto value = parameters.dynamic_groups()) properties_.set_dynamic_groups(*value);  // [d15 §9.2.1.11-2]
  // Properties of the track that nobody knows here are passed on all the same (section 9.6 of draft-18).
  for (const moqt::Parameter& parameter : parameters.items()) {
    const bool property = parameter.scope == moqt::ParameterScope::kTrack;
    if (property && !properties_.contains(parameter.type)) properties_.append(parameter);
  }
  const auto age = parameters.max_cache_duration();
  constexpr std::uint64_t kMonth = std::uint64_t{30} * 24 * 3600 * 1000;
  publisher_.store().limit_age(
      age ? std::optional<moqt::session::Duration>(std::chrono::milliseconds(std::min(*age, kMonth))) : std::nullopt);
}

moqt::MessageParameters Track::description() const {
  moqt::MessageParameters parameters = properties_;
  if (largest()) parameters.set_largest_object(*largest());  // [d15 §9.2.1.9-1]
  return parameters;
}

void Track::note(moqt::Location location) noexcept {
  publisher_.store().note(location);
  if (requested_group_ && (!requested_group_->above || location.group > *requested_group_->above)) {
    requested_group_.reset();
  }
}

bool Track::needs_new_group(std::uint64_t value) const noexcept {  // [d15 §9.2.1.12-4]
  if (!dynamic_groups() || (requested_group_ && requested_group_->value >= value)) return false;
  return value == 0 || !largest() || value > largest()->group;
}

void Track::note_new_group_request(std::uint64_t value) noexcept {
  requested_group_ = RequestedGroup{value, largest() ? std::optional(largest()->group) : std::nullopt};
}

}  // namespace msquic_py::relay
