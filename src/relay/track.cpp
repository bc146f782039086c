#include "relay/track.h"

#include <algorithm>

#include "relay/peer.h"

namespace msquic_py::relay {

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

void Track::remove_upstream(const Peer& peer, moqt::session::RequestHandle request) {
  std::erase_if(upstreams_, [&](const Upstream& upstream) {
    if (upstream.peer != &peer || upstream.request != request) return false;
    if (upstream.established) requested_group_.reset();  // perhaps nobody else has heard of it
    return true;
  });
}

bool Track::established() const noexcept {
  return std::any_of(upstreams_.begin(), upstreams_.end(),
                     [](const Upstream& upstream) { return upstream.established; });
}

Downstream& Track::add_downstream(Peer& peer, moqt::session::RequestHandle request) {
  auto free = std::find(downstreams_.begin(), downstreams_.end(), nullptr);
  if (free == downstreams_.end()) free = downstreams_.insert(free, nullptr);
  *free = std::make_unique<Downstream>(next_serial_++, peer, request);
  ++subscribers_;
  return **free;
}

Downstream* Track::downstream(const Peer& peer, moqt::session::RequestHandle request) noexcept {
  for (const auto& downstream : downstreams_) {
    if (downstream && &downstream->peer() == &peer && downstream->request() == request) return downstream.get();
  }
  return nullptr;
}

bool Track::has_downstream_at(const Peer& peer) const noexcept {
  return std::any_of(downstreams_.begin(), downstreams_.end(),
                     [&](const auto& downstream) { return downstream && &downstream->peer() == &peer; });
}

void Track::remove_downstream(const Peer& peer, moqt::session::RequestHandle request) {
  for (auto& downstream : downstreams_) {
    if (!downstream || &downstream->peer() != &peer || downstream->request() != request) continue;
    downstream.reset();
    --subscribers_;
  }
}

void Track::learn(const moqt::MessageParameters& parameters) {
  if (const auto largest = parameters.largest_object()) {
    if (requested_group_ && !requested_group_->above) {
      // The request went out before anything was known of the track: this is where the largest group stood. A publisher
      // does nothing about one that it has reached.
      requested_group_->above = largest->group;
      if (requested_group_->value != 0 && requested_group_->value <= largest->group) requested_group_.reset();
    }
    note(*largest);
  }
  // The first publisher's word counts; a second one has to agree, being the same track.
  if (!properties_.empty()) return;
  if (const auto value = parameters.delivery_timeout()) properties_.set_delivery_timeout(*value);
  if (const auto value = parameters.max_cache_duration()) properties_.set_max_cache_duration(*value);
  if (const auto value = parameters.publisher_priority()) properties_.set_publisher_priority(*value);
  if (const auto value = parameters.group_order()) properties_.set_group_order(*value);
  if (const auto value = parameters.dynamic_groups()) properties_.set_dynamic_groups(*value);
}

moqt::MessageParameters Track::description() const {
  moqt::MessageParameters parameters = properties_;
  if (largest_) parameters.set_largest_object(*largest_);
  return parameters;
}

void Track::note(moqt::Location location) noexcept {
  if (!largest_ || *largest_ < location) largest_ = location;
  if (requested_group_ && (!requested_group_->above || location.group > *requested_group_->above)) {
    requested_group_.reset();
  }
}

bool Track::admit(moqt::Location location, std::uint64_t subgroup) {
  note(location);
  // With a single publisher there is nothing to compare with, and nothing is remembered.
  ever_several_publishers_ = ever_several_publishers_ || upstreams_.size() > 1;
  return !ever_several_publishers_ || duplicates_.admit(location, subgroup);
}

bool Track::admit_datagram(moqt::Location location) {
  note(location);
  ever_several_publishers_ = ever_several_publishers_ || upstreams_.size() > 1;
  return !ever_several_publishers_ || duplicates_.admit_datagram(location);
}

bool Track::needs_new_group(std::uint64_t value) const noexcept {
  if (!dynamic_groups() || (requested_group_ && requested_group_->value >= value)) return false;
  return value == 0 || !largest_ || value > largest_->group;
}

void Track::note_new_group_request(std::uint64_t value) noexcept {
  requested_group_ = RequestedGroup{value, largest_ ? std::optional(largest_->group) : std::nullopt};
}

}  // namespace msquic_py::relay
