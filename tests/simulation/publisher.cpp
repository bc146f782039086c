#include "simulation/publisher.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "moqt/session/data/object_encoding.h"

namespace msquic_py::simulation {

void Publisher::begin(SessionEnd& end) {
  end_ = &end;
  std::set<moqt::TrackNamespace> namespaces;
  for (std::size_t number = 0; number < journal_.size(); ++number) {
    const TrackPlan& plan = journal_.track(number).plan;
    if (!journal_.track(number).published_by(number_)) continue;
    Track& track = tracks_[number];
    if (end.session().config().perspective == moqt::Perspective::kServer) {
      journal_.track(number).connected.insert(number_);
      continue;
    }
    if (!plan.announced_by_publish) {
      namespaces.insert(journal_.track(number).name.track_namespace);
      continue;
    }
    const auto request = end.session().publish(journal_.track(number).name, parameters(number));
    if (request) track.subscriptions.push_back(*request);
  }
  for (const moqt::TrackNamespace& name : namespaces) {
    const auto request = end.session().publish_namespace(name);
    if (request) announced_.emplace(*request, name);
  }
  end.make_ready();
}

void Publisher::session_over() {
  end_ = nullptr;
  announced_.clear();
  owners_.clear();
  for (auto& [number, track] : tracks_) {
    TrackJournal& journal = journal_.track(number);
    journal.disconnect(number_);
    // What it has not sent, or what has not arrived of it, others may have.
    for (auto& [name, subgroup] : journal.subgroups) subgroup.cut.insert(number_);
    track.open.clear();
    track.subscriptions.clear();
  }
}

void Publisher::link_cut() {
  for (const auto& [number, track] : tracks_) journal_.track(number).disconnect(number_);
}

void Publisher::on_accepted(ms::RequestHandle request) {
  const auto announced = announced_.find(request);
  for (const auto& [number, track] : tracks_) {
    TrackJournal& journal = journal_.track(number);
    const bool offered =
        std::find(track.subscriptions.begin(), track.subscriptions.end(), request) != track.subscriptions.end();
    const bool named = announced != announced_.end() && !journal.plan.announced_by_publish &&
                       journal.name.track_namespace == announced->second;
    if (offered || named) journal.connected.insert(number_);
  }
}

moqt::MessageParameters Publisher::parameters(std::size_t track) {
  moqt::MessageParameters parameters;
  if (const auto largest = journal_.track(track).largest) parameters.set_largest_object(*largest);
  const std::uint8_t priority = journal_.track(track).plan.priority;
  if (priority != 128) parameters.set_publisher_priority(priority);
  return parameters;
}

bool Publisher::on_events() {
  return take_events(end_, [this](const ms::Event& event) { handle(event); });
}

void Publisher::handle(const ms::Event& event) {
  if (const auto* wanted = std::get_if<ms::SubscribeReceived>(&event)) {
    const auto number = journal_.find(wanted->track);
    if (!number || !journal_.track(*number).published_by(number_)) {
      (void)end_->session().reject(wanted->request, moqt::RequestErrorCode::kDoesNotExist, "no such track");
    } else if (end_->session().accept(wanted->request, parameters(*number))) {
      tracks_[*number].subscriptions.push_back(wanted->request);
    }
  } else if (const auto* fetch = std::get_if<ms::FetchReceived>(&event)) {
    answer(*fetch);
  } else if (const auto* update = std::get_if<ms::UpdateReceived>(&event)) {
    (void)end_->session().accept(update->update);
  } else if (const auto* accepted = std::get_if<ms::RequestAccepted>(&event)) {
    on_accepted(accepted->request);
  } else if (const auto* unsubscribed = std::get_if<ms::Unsubscribed>(&event)) {
    end_subscription(unsubscribed->subscription);
  } else if (const auto* rejected = std::get_if<ms::RequestRejected>(&event)) {
    end_subscription(rejected->request);
  } else if (const auto* stopped = std::get_if<ms::OutgoingStreamStopped>(&event)) {
    for (auto& [number, track] : tracks_) {
      for (auto& [name, subgroup] : track.open) {
        const auto found = subgroup.streams.find(stopped->subscription);
        if (found == subgroup.streams.end() || found->second != stopped->stream) continue;
        subgroup.gaps[stopped->subscription] = true;
        if (stopped->resumable()) {
          subgroup.streams.erase(found);
        } else {
          found->second = {};
        }
        journal_.track(number).subgroups[name].cut.insert(number_);
      }
      // The session may have given up a stream whose end it was told before.
      if (std::find(track.subscriptions.begin(), track.subscriptions.end(), stopped->subscription) !=
          track.subscriptions.end()) {
        for (auto& [name, subgroup] : journal_.track(number).subgroups) {
          if (!track.open.contains(name)) subgroup.cut.insert(number_);
        }
      }
    }
  } else if (const auto* closed = std::get_if<ms::Closed>(&event)) {
    if (!closed->by_peer && closed->code != 0 &&
        closed->reason.find("nothing has come from the peer") == std::string::npos &&
        closed->reason.find("GOAWAY") == std::string::npos && closed->reason != "no SETUP") {  // the relay was stalled
      journal_.fault("publisher " + std::to_string(number_) + " closed its session: " + closed->reason);
    }
  }
}

void Publisher::answer(const ms::FetchReceived& fetch) {
  ms::Session& session = end_->session();
  const auto number = journal_.find(fetch.track);
  const auto largest = number ? journal_.track(*number).largest : std::nullopt;
  if (!largest || fetch.range.start > *largest) {
    (void)session.reject(fetch.request, moqt::RequestErrorCode::kInvalidRange, "nothing of it has been published");
    return;
  }
  const auto accepted =
      session.accept_fetch(fetch.request, {.end = fetch.range.answered_end(*largest, /*group_complete=*/false)});
  if (!accepted && accepted.error() == ms::SessionError::kUnknownRequest) return;  // cancelled meanwhile
  if (!accepted) {
    return journal_.fault("a fetch could not be accepted: " + std::string(ms::describe(accepted.error())));
  }
  const auto stream = session.open_fetch(fetch.request);
  if (!stream) return;  // there are too many; FetchCancelled follows
  TrackJournal& track = journal_.track(*number);
  for (auto& [location, object] : track.objects) {
    if (!fetch.range.covers(location)) continue;
    object.denied = !object.whole;
    if (object.denied) continue;
    ms::FetchObject out;
    out.location = location;
    out.subgroup = track.plan.datagrams ? location.object : object.subgroup;
    out.datagram = track.plan.datagrams;  // said from draft 18 on: another way than before makes the track malformed
    out.publisher_priority = track.plan.priority;
    out.payload_length = object.size;
    out.payload = arena_.copy(Journal::payload(*number, location, object.size));
    if (!session.append_fetch_object(*stream, out)) return;
  }
  (void)session.finish_stream(*stream);
  end_->make_ready();
}

void Publisher::end_subscription(ms::RequestHandle subscription) {
  for (auto& [number, track] : tracks_) {
    std::erase(track.subscriptions, subscription);
    for (auto& [name, subgroup] : track.open) {
      subgroup.streams.erase(subscription);
      subgroup.gaps.erase(subscription);
    }
  }
}

void Publisher::write(const NewObject& object, std::uint64_t sent) {
  Track& track = tracks_[object.track];
  TrackJournal& journal = journal_.track(object.track);
  if (journal.plan.datagrams) return write_datagram(object);
  if (end_ == nullptr) journal.subgroups[object.subgroup].cut.insert(number_);
  if (end_ == nullptr) return;
  ms::Session& session = end_->session();
  const auto block = journal.plan.extensions ? std::optional(base::Bytes{}) : std::nullopt;
  const moqt::Location location = object.location;
  const base::ByteVector payload = Journal::payload(object.track, location, object.size);
  Subgroup& subgroup = track.open[object.subgroup];
  const auto encoded = ms::encode_object(session.draft(), arena_, location.object, block, payload.size());
  if (!encoded.ok()) return journal_.fault("an object could not be encoded");
  bool offered = false;
  for (const ms::RequestHandle subscription : std::vector(track.subscriptions)) {
    const auto* view = session.published(subscription);
    if (view == nullptr || !view->covers(location)) continue;
    if (!view->wants(location)) {
      subgroup.gaps[subscription] = true;
      continue;
    }
    auto [stream, is_new] = subgroup.streams.try_emplace(subscription);
    if (is_new) {
      ms::SubgroupProperties properties;
      properties.group = object.subgroup.first;
      properties.subgroup = object.subgroup.second;
      properties.publisher_priority = journal.plan.priority;
      properties.extensions = journal.plan.extensions;
      const auto opened = session.open_subgroup(subscription, properties);
      if (opened) {
        stream->second = *opened;
        owners_[*opened] = subscription;
      }
    }
    const auto appended = stream->second ? session.append_object(stream->second, location.object, encoded->wire,
                                                                 encoded->delta_size, payload.size())
                                         : ms::SessionResult<void>(base::Failure{ms::SessionError::kUnknownStream});
    if (!appended) {
      subgroup.gaps[subscription] = true;
      journal.subgroups[object.subgroup].cut.insert(number_);
      continue;
    }
    if (sent != 0)
      (void)session.append_payload(stream->second,
                                   arena_.copy(base::Bytes(payload).first(static_cast<std::size_t>(sent))));
    journal.objects[location].offered = offered = true;
  }
  // Another publisher may be alone with it.
  if (!offered && journal.plan.publishers.size() > 1) journal.subgroups[object.subgroup].cut.insert(number_);
  end_->make_ready();
}

void Publisher::write_datagram(const NewObject& object) {
  if (end_ == nullptr) return;
  ms::Session& session = end_->session();
  ms::DatagramFields fields;
  const base::ByteVector payload = Journal::payload(object.track, object.location, object.size);
  fields.location = object.location;
  fields.payload = payload;
  const auto encoded = ms::encode_datagram(session.draft(), arena_, fields);
  if (!encoded.ok()) return journal_.fault("a datagram could not be encoded");
  for (const ms::RequestHandle subscription : tracks_[object.track].subscriptions) {
    const auto* view = session.published(subscription);
    if (view == nullptr || !view->wants(object.location)) continue;
    const auto sent = session.send_datagram(subscription, encoded->properties, encoded->after_alias);
    if (sent && *sent) journal_.track(object.track).objects[object.location].offered = true;
  }
  end_->make_ready();
}

void Publisher::finish(std::size_t number, SubgroupName name) {
  Track& track = tracks_[number];
  const auto found = track.open.find(name);
  if (found == track.open.end()) return;
  for (const auto& [subscription, stream] : found->second.streams) {
    if (!stream || end_ == nullptr) continue;
    if (found->second.gaps[subscription]) {
      (void)end_->session().retire_stream(stream, moqt::StreamResetCode::kCancelled);
    } else {
      (void)end_->session().finish_stream(stream);
    }
    end_->make_ready();
  }
  track.open.erase(found);
}

void Publisher::reset(std::size_t number, SubgroupName name) {
  Track& track = tracks_[number];
  const auto found = track.open.find(name);
  if (found == track.open.end()) return;
  for (const auto& [subscription, stream] : found->second.streams) {
    if (!stream || end_ == nullptr) continue;
    (void)end_->session().reset_stream(stream, moqt::StreamResetCode::kCancelled);
    end_->make_ready();
  }
  journal_.track(number).subgroups[name].cut.insert(number_);
  track.open.erase(found);
}

void Publisher::watch(const ms::SendStream& send) {
  // Whatever the others have, every subscription may have this much in the carrier's hands.
  constexpr std::size_t kShare = 12 * 1024;
  constexpr std::size_t kOneSend = 4 * 1024;
  if (end_->report()) {
    // Little more than the window; but what is more urgent is not held up by what is less, nor an earlier stream of a
    // subscription by its later ones, and a fetch is one more that may have its share.
    const std::size_t streams = std::max<std::size_t>(1, end_->unsent_streams());
    const auto window = static_cast<std::size_t>(end_->report()->congestion_window);
    if (end_->unsent_bytes() > (window + window / 4 + kShare) * streams) {
      journal_.fault("publisher " + std::to_string(number_) + " has given the carrier " +
                     std::to_string(end_->unsent_bytes()) + " bytes, which has room for " + std::to_string(window));
    }
  }
  const auto owner = owners_.find(send.stream);
  const auto* own = owner == owners_.end() ? nullptr : end_->session().published(owner->second);
  if (own == nullptr || own->outstanding_bytes <= kShare + kOneSend + send.slices.bytes()) return;
  for (const auto& [number, track] : tracks_) {
    for (const ms::RequestHandle subscription : track.subscriptions) {
      const auto* other = end_->session().published(subscription);
      if (other == nullptr || !other->established || other->queued_bytes == 0 || other->open_streams == 0) continue;
      const bool sooner = std::pair(other->subscriber_priority, other->publisher_priority) <
                          std::pair(own->subscriber_priority, own->publisher_priority);
      if (!sooner) continue;
      journal_.fault("publisher " + std::to_string(number_) + ": track " + own->track.to_text() + " has " +
                     std::to_string(own->outstanding_bytes) + " bytes at the carrier and gets more while " +
                     std::to_string(other->queued_bytes) + " of the more urgent " + other->track.to_text() + " wait");
    }
  }
}

void Publisher::withdraw() {
  if (end_ == nullptr) return;
  for (auto& [number, track] : tracks_) {
    for (const ms::RequestHandle subscription : std::exchange(track.subscriptions, {})) {
      (void)end_->session().publish_done(subscription, moqt::PublishDoneCode::kTrackEnded);
    }
  }
  for (const auto& [request, name] : std::exchange(announced_, {})) (void)end_->session().cancel(request);
  end_->make_ready();
}

}  // namespace msquic_py::simulation
