#include "relay/intake.h"

#include <utility>

#include "moqt/objects/datagram_writer.h"

namespace msquic_py::relay {

namespace objects = moqt::objects;
namespace session = moqt::session;

void Intake::count(const Peer& peer, std::uint64_t objects, std::size_t bytes) noexcept {
  (peer.inner ? counters_.objects_between_loops : counters_.objects_received) += objects;
  (peer.inner ? counters_.bytes_between_loops : counters_.bytes_received) += bytes;
}

void Intake::on_subgroup(Peer& peer, const session::SubgroupOpened& event) {  // [d15 §8.5-11]
  const auto* role = peer.role<UpstreamRole>(event.subscription);
  if (role == nullptr) return;
  const auto known = peer.subgroups.find(event.stream);
  if (known != peer.subgroups.end() && known->second.track == role->track) {
    known->second.others.push_back(event.subscription);
    return;
  }
  const moqt::Draft draft = peer.session.draft();
  peer.subgroups.erase(event.stream);
  peer.subgroups.emplace(event.stream, IncomingSubgroup{event.subscription, role->track,
                                                        objects::SubgroupWriter(role->track->publisher(), draft,
                                                                                event.properties, role->start)});
  back_pressure_.stream_begun(peer, event.stream, *role->track);
}

void Intake::on_object(Peer& peer, const session::ObjectReceived& event, session::Time now) {  // [d15 §8.4-4]
  const auto found = peer.subgroups.find(event.stream);
  if (found == peer.subgroups.end()) return;
  IncomingSubgroup& incoming = found->second;
  if (!incoming.others.empty() && std::exchange(incoming.latest, event.location) == event.location) return;
  incoming.bringer = event.subscription;
  count(peer, 1, event.wire.size());
  if (incoming.track->unproven()) supply_.on_first_object(peer, *incoming.track, event.location);
  const auto taken = incoming.writer.object(event, now);  // [d15 §2.1-2, §8.6-3]
  if (!taken.ok()) {
    supply_.end_malformed(peer, *incoming.track);
    return;
  }
  if (taken->fresh) {
    incoming.track->note(event.location);
  } else {
    ++counters_.duplicates_dropped;  // [d15 §8.3-2]
  }
  back_pressure_.track_grew(*incoming.track, now);
}

bool Intake::on_payload(Peer& peer, const session::ObjectPayload& event, session::Time now) {  // [d15 §5.1-6, §8.6-2]
  const auto found = peer.subgroups.find(event.stream);
  if (found == peer.subgroups.end()) return false;
  IncomingSubgroup& incoming = found->second;
  if (incoming.bringer != event.subscription) return true;
  count(peer, 0, event.bytes.size());
  if (incoming.writer.payload(event.bytes, now)) {
    supply_.end_malformed(peer, *incoming.track);
    return true;
  }
  back_pressure_.track_grew(*incoming.track, now);
  return true;
}

void Intake::on_subgroup_end(Peer& peer, const session::SubgroupEnded& event, session::Time now) {
  const auto found = peer.subgroups.find(event.stream);
  if (found == peer.subgroups.end()) return;
  IncomingSubgroup ended = std::move(found->second);
  peer.subgroups.erase(found);
  if (!event.finished) {
    ended.writer.reset(event.reset_code, now);
  } else if (ended.writer.finish(now)) {
    supply_.end_malformed(peer, *ended.track);
  }
}

void Intake::on_datagram(Peer& peer, const session::DatagramReceived& event, session::Time now) {
  const auto* role = peer.role<UpstreamRole>(event.subscription);
  if (role == nullptr) return;
  Track& track = *role->track;
  count(peer, 1, event.after_alias.size());
  if (track.unproven()) supply_.on_first_object(peer, track, event.location);
  const auto fresh = objects::write_datagram(track.publisher(), peer.session.draft(), event, now);
  if (!fresh.ok()) {
    supply_.end_malformed(peer, track);
  } else if (*fresh) {
    track.note(event.location);
  } else {
    ++counters_.duplicates_dropped;
  }
}

}  // namespace msquic_py::relay
