// What a publisher does between two sessions (--resume): its tracks live on, and are offered to the next one.

#include <algorithm>
#include <utility>

#include "command_line/logging.h"
#include "moqt-pub/publisher.h"

namespace msquic_py::apps {

namespace pubsub = moqt::pubsub;

void Publisher::suspend() {
  missed_ = missed_ || has_subscribers_;
  has_subscribers_ = false;
  driver_ = nullptr;
  established_ = false;
  endpoint_.reset();
  report_.event("lost", {});
  loop_.ready(*this);  // the media go on
}

std::vector<std::shared_ptr<pubsub::TrackWriter>> Publisher::writers() const {
  std::vector<std::shared_ptr<pubsub::TrackWriter>> all = ended_;
  if (catalog_ && !finishing_) all.push_back(catalog_->shared_writer());
  if (!finishing_) {
    for (const OutgoingTrack& track : tracks_) all.push_back(track.shared_writer());
  }
  return all;
}

void Publisher::go_on(Time now) {
  for (const auto& writer : writers()) {
    if (auto added = endpoint_->add_track(writer); !added) return give_up("the track can't be added", added.error());
  }
  const std::chrono::duration<double> tail(options_.tail);
  tail_until_ = now + (missed_ ? std::max(kTail, std::chrono::duration_cast<Time::duration>(tail)) : kTail);
  loop_.ready(*this);
  if (!std::exchange(announced_, false)) return;  // nothing has been announced yet
  (void)announce();
  report_.event("resumed", {{"host", comeback()->options().host}, {"port", std::uint64_t{comeback()->options().port}}});
  make_ready();
}

void Publisher::subscriber_came(Time now) {
  has_subscribers_ = true;
  missed_ = false;
  if (!tail_until_) return;
  tail_until_ = now + kTail;
  loop_.ready(*this);
}

bool Publisher::holds_input() const {
  if (comeback() == nullptr) return false;
  if (driver_ == nullptr) return true;
  return comeback()->came_back() &&
         !std::ranges::any_of(tracks_, [](const OutgoingTrack& track) { return track.writer().wanted(); });
}

void Publisher::make_ready() {
  if (driver_ != nullptr && driver_->has_session()) driver_->make_ready();
}

}  // namespace msquic_py::apps
