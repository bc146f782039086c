#include "moqt/session/data/incoming_data.h"

#include <algorithm>
#include <utility>

#include "base/varint.h"
#include "moqt/wire/datagram.h"
#include "moqt/wire/extensions.h"

namespace msquic_py::moqt::session {

// ---- transport ----

void IncomingData::on_data(Time now, IncomingStreamId id, base::SharedBytes bytes, bool fin) {
  now_ = now;
  auto& slot = streams_[id];
  if (slot == nullptr) {
    slot = std::make_unique<IncomingStream>(id, config_.draft);
    if (streams_.size() > config_.limits.max_incoming_streams) give_up(*slot, StreamResetCode::kInternalError);
  }
  IncomingStream& stream = *slot;
  stream.last_progress = now;
  switch (stream.state) {
    case State::kHeader: read_header(stream, std::move(bytes), fin); break;
    case State::kHeld: hold(stream, std::move(bytes), fin); break;
    case State::kObjects: read_objects(stream, std::move(bytes), fin); break;
    case State::kDiscarding:
      if (fin) streams_.erase(id);
      break;
  }
}

void IncomingData::on_reset(IncomingStreamId id, std::uint64_t code) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  IncomingStream& stream = *found->second;
  if (stream.opened()) context_.emit(SubgroupEnded{stream.subscription, id, false, code});
  end(stream);
}

void IncomingData::read_header(IncomingStream& stream, base::SharedBytes bytes, bool fin) {
  auto decoded = stream.header_decoder.feed(std::move(bytes));
  if (decoded.violated()) return violate(decoded.violation());
  if (decoded.needs_more()) {
    if (!fin) return arm_sweep();
    if (stream.header_decoder.started()) {
      return context_.close(static_cast<std::uint64_t>(SessionErrorCode::kProtocolViolation),
                            "FIN within a stream header (section 10.4)");
    }
    return end(stream);
  }
  if (std::holds_alternative<wire::FetchHeader>(*decoded)) {
    // No FETCH of ours is open: at best this answers one that was cancelled.
    give_up(stream, StreamResetCode::kCancelled);
    if (fin) end(stream);
    return;
  }
  stream.header = std::get<wire::SubgroupHeader>(*decoded);
  base::SharedBytes rest = stream.header_decoder.rest();
  if (ReceivedTrack* track = find_track(stream.header.track_alias)) {
    open(stream, *track);
    return read_objects(stream, std::move(rest), fin);
  }
  if (retired(stream.header.track_alias) || held_streams_ >= config_.limits.max_unknown_alias_streams) {
    give_up(stream, StreamResetCode::kCancelled);
    if (fin) end(stream);
    return;
  }
  stream.state = State::kHeld;
  ++held_streams_;
  arm_sweep();
  hold(stream, std::move(rest), fin);
}

void IncomingData::hold(IncomingStream& stream, base::SharedBytes bytes, bool fin) {
  if (held_bytes_ + bytes.size() > config_.limits.max_unknown_alias_bytes) {
    give_up(stream, StreamResetCode::kCancelled);
    if (fin) end(stream);
    return;
  }
  stream.held_fin = fin;
  held_bytes_ += bytes.size();
  stream.held_bytes += bytes.size();
  if (!bytes.empty()) stream.held.push_back(std::move(bytes));
}

void IncomingData::open(IncomingStream& stream, ReceivedTrack& track) {
  const wire::SubgroupHeader& header = stream.header;
  stream.state = State::kObjects;
  stream.track = &track;
  stream.subscription = track.subscriptions.front();
  stream.decoder.emplace(config_.draft, header.has_extensions,
                         wire::ObjectStreamLimits{.max_extensions_size = config_.limits.max_object_header_bytes});
  SubgroupProperties& properties = stream.properties;
  properties.group = header.group_id;
  properties.subgroup = header.subgroup_id_mode == wire::SubgroupIdMode::kFirstObject
                            ? std::nullopt
                            : std::optional(header.subgroup_id);
  properties.publisher_priority = header.publisher_priority.value_or(track.publisher_priority());
  properties.extensions = header.has_extensions;
  properties.end_of_group = header.contains_end_of_group;
  ++track.streams_seen;
  ++track.streams_open;
  context_.emit(SubgroupOpened{stream.subscription, stream.id, properties});
}

void IncomingData::read_objects(IncomingStream& stream, base::SharedBytes bytes, bool fin) {
  const base::SharedBytes chunk = bytes;
  if (!bytes.empty()) {
    stream.decoder->feed(std::move(bytes));
    for (;;) {
      auto next = stream.decoder->next();
      if (next.violated()) return violate(next.violation());
      if (next.needs_more()) break;
      if (auto* start = std::get_if<wire::ObjectStart>(&*next)) {
        if (!deliver(stream, chunk, std::move(*start))) return;
      } else {
        auto& payload = std::get<wire::ObjectPayload>(*next);
        stream.payload_left -= payload.bytes.size();
        context_.emit(ObjectPayload{stream.subscription, stream.id, std::move(payload.bytes), stream.payload_left});
      }
    }
  }
  if (fin) return finish(stream);
  stream.mid_header = stream.payload_left == 0 && stream.decoder->finish().has_value();
  if (stream.mid_header || stream.payload_left > 0) arm_sweep();
}

bool IncomingData::deliver(IncomingStream& stream, const base::SharedBytes& chunk, wire::ObjectStart start) {
  const Location location{stream.properties.group, start.object_id};
  if (!stream.properties.subgroup) stream.properties.subgroup = start.object_id;

  auto malformed = stream.track->on_object(location, start.status, ForwardingPreference::kSubgroup);
  if (!malformed && start.extensions_size > 0) {
    const auto known = wire::inspect_extensions(config_.draft, start.extensions(), location);
    if (!known.ok()) malformed = known.error();
  }
  if (malformed) {
    context_.on_malformed(stream.subscription, *malformed);
    return false;
  }

  ObjectReceived event;
  event.subscription = stream.subscription;
  event.stream = stream.id;
  event.location = location;
  event.subgroup = *stream.properties.subgroup;
  event.payload_length = stream.payload_left = start.payload_length;
  event.delta_size = start.delta_size;
  event.header_size = static_cast<std::uint32_t>(start.header.size());
  event.extensions_offset = start.extensions_offset;
  event.extensions_size = start.extensions_size;
  event.publisher_priority = *stream.properties.publisher_priority;
  event.status = start.status;

  // The payload usually lies right behind the header in the same chunk: one event, and one slice to forward.
  if (start.payload_length > 0) {
    auto next = stream.decoder->next();
    if (next.violated()) return violate(next.violation()), false;
    if (next.ok()) {
      auto& payload = std::get<wire::ObjectPayload>(*next);
      stream.payload_left -= payload.bytes.size();
      const std::uint8_t* header_end = start.header.data() + start.header.size();
      const bool in_chunk = start.header.data() >= chunk.data() && header_end <= chunk.data() + chunk.size();
      if (in_chunk && header_end == payload.bytes.data()) {
        const auto offset = static_cast<std::size_t>(start.header.data() - chunk.data());
        event.wire = chunk.slice(offset, start.header.size() + payload.bytes.size());
        context_.emit(std::move(event));
      } else {
        event.wire = std::move(start.header);
        const IncomingStreamId id = stream.id;
        context_.emit(std::move(event));
        context_.emit(ObjectPayload{stream.subscription, id, std::move(payload.bytes), stream.payload_left});
      }
      return true;
    }
  }
  event.wire = std::move(start.header);
  context_.emit(std::move(event));
  return true;
}

void IncomingData::finish(IncomingStream& stream) {
  if (const auto violation = stream.decoder->finish()) return violate(*violation);
  if (const auto last = stream.decoder->last_object_id(); last && stream.properties.end_of_group) {
    stream.track->on_group_end(stream.properties.group, *last);
  }
  context_.emit(SubgroupEnded{stream.subscription, stream.id, true, 0});
  end(stream);
}

/// Forgets the stream. It must not be touched afterwards.
void IncomingData::end(IncomingStream& stream) {
  if (stream.state == State::kHeld) {
    --held_streams_;
    held_bytes_ -= stream.held_bytes;
  }
  const RequestHandle subscription = stream.opened() ? stream.subscription : RequestHandle{};
  if (stream.opened()) --stream.track->streams_open;
  streams_.erase(stream.id);
  if (subscription) context_.on_stream_ended(subscription);
}

void IncomingData::give_up(IncomingStream& stream, StreamResetCode code) {
  if (stream.state == State::kHeld) {
    --held_streams_;
    held_bytes_ -= stream.held_bytes;
  }
  if (stream.opened()) --stream.track->streams_open;
  const bool finished = stream.held_fin;
  stream.state = State::kDiscarding;
  stream.track = nullptr;
  stream.held.clear();
  stream.held_bytes = 0;
  stream.held_fin = false;
  stream.decoder.reset();
  if (finished) {
    streams_.erase(stream.id);
  } else {
    context_.stop_sending(stream.id, code);
  }
}

void IncomingData::stop(IncomingStreamId id, StreamResetCode code) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || !found->second->opened()) return;
  const RequestHandle subscription = found->second->subscription;
  context_.emit(SubgroupEnded{subscription, id, false, static_cast<std::uint64_t>(code)});
  give_up(*found->second, code);
  context_.on_stream_ended(subscription);
}

// ---- datagrams ----

void IncomingData::on_datagram(Time now, const base::SharedBytes& bytes) {
  now_ = now;
  const auto decoded = wire::decode_object_datagram(config_.draft, bytes);
  if (decoded.violated()) return violate(decoded.violation());
  if (!decoded.ok()) return;
  const std::uint64_t alias = decoded->track_alias;
  if (ReceivedTrack* track = find_track(alias)) return deliver_datagram(*track, bytes);
  const Limits& limits = config_.limits;
  if (retired(alias) || held_datagrams_.size() >= limits.max_unknown_alias_datagrams ||
      held_bytes_ + bytes.size() > limits.max_unknown_alias_bytes) {
    return;
  }
  held_bytes_ += bytes.size();
  held_datagrams_.push_back({alias, bytes, now});
  arm_sweep();
}

void IncomingData::deliver_datagram(ReceivedTrack& track, const base::SharedBytes& bytes) {
  auto decoded = wire::decode_object_datagram(config_.draft, bytes);
  if (!decoded.ok()) return;
  const wire::ObjectDatagram& datagram = *decoded;
  const RequestHandle subscription = track.subscriptions.front();
  const ObjectStatus status = datagram.status.value_or(ObjectStatus::kNormal);
  auto malformed = track.on_object(datagram.location, status, ForwardingPreference::kDatagram);
  if (!malformed && !datagram.extensions.empty()) {
    const auto known = wire::inspect_extensions(config_.draft, datagram.extensions, datagram.location);
    if (!known.ok()) malformed = known.error();
  }
  if (malformed) return context_.on_malformed(subscription, *malformed);
  if (datagram.end_of_group) track.on_group_end(datagram.location.group, datagram.location.object);

  DatagramReceived event;
  event.subscription = subscription;
  event.location = datagram.location;
  const auto type = base::decode_varint(bytes);
  const auto alias = base::decode_varint(bytes.view().subspan(type->size));
  event.type = type->value;
  event.after_alias = bytes.from(type->size + alias->size);
  event.payload_offset = static_cast<std::uint32_t>(event.after_alias.size() - datagram.payload.size());
  if (!datagram.extensions.empty()) {
    event.extensions_offset = static_cast<std::uint32_t>(datagram.extensions.data() - event.after_alias.data());
    event.extensions_size = static_cast<std::uint32_t>(datagram.extensions.size());
  }
  event.publisher_priority = datagram.publisher_priority.value_or(track.publisher_priority());
  event.status = status;
  event.end_of_group = datagram.end_of_group;
  context_.emit(std::move(event));
}

// ---- tracks ----

bool IncomingData::add_track(RequestHandle subscription, const FullTrackName& name, std::uint64_t alias,
                             std::uint8_t publisher_priority) {
  if (ReceivedTrack* track = find_track(alias)) {
    if (track->name() != name) return false;
    track->subscriptions.push_back(subscription);
    return true;
  }
  auto track = std::make_unique<ReceivedTrack>(name, alias, publisher_priority);
  track->subscriptions.push_back(subscription);
  tracks_.emplace(alias, std::move(track));
  std::erase(retired_, alias);
  next_retired_ = std::min(next_retired_, retired_.size());
  return true;
}

void IncomingData::release_held(RequestHandle subscription) {
  ReceivedTrack* track = track_of(subscription);
  if (track == nullptr) return;
  const std::uint64_t alias = track->alias();
  std::vector<IncomingStreamId> waiting;
  for (const auto& [id, stream] : streams_) {
    if (stream->state == State::kHeld && stream->header.track_alias == alias) waiting.push_back(id);
  }
  std::sort(waiting.begin(), waiting.end());  // the order in which the peer opened them
  for (const IncomingStreamId id : waiting) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) continue;
    IncomingStream& stream = *found->second;
    track = find_track(alias);
    if (track == nullptr || stream.state != State::kHeld) return;  // the first of them made the track malformed
    --held_streams_;
    held_bytes_ -= stream.held_bytes;
    stream.held_bytes = 0;
    const std::vector<base::SharedBytes> held = std::exchange(stream.held, {});
    const bool fin = std::exchange(stream.held_fin, false);
    open(stream, *track);
    for (std::size_t i = 0; i < held.size() && stream.opened(); ++i) {
      const bool last = i + 1 == held.size();
      read_objects(stream, held[i], fin && last);
      if (fin && last) break;  // the stream is gone
    }
    if (held.empty() && fin) read_objects(stream, {}, true);
  }
  for (std::size_t i = 0; i < held_datagrams_.size();) {
    if (held_datagrams_[i].alias != alias) {
      ++i;
      continue;
    }
    const HeldDatagram held = std::move(held_datagrams_[i]);
    held_datagrams_.erase(held_datagrams_.begin() + static_cast<std::ptrdiff_t>(i));
    held_bytes_ -= held.bytes.size();
    if (ReceivedTrack* still = find_track(alias)) deliver_datagram(*still, held.bytes);
  }
}

void IncomingData::remove_track(RequestHandle subscription) {
  ReceivedTrack* track = track_of(subscription);
  if (track == nullptr) return;
  std::erase(track->subscriptions, subscription);
  if (!track->subscriptions.empty()) {
    for (const auto& [id, stream] : streams_) {
      if (stream->track == track) stream->subscription = track->subscriptions.front();
    }
    return;
  }
  for (const auto& [id, stream] : streams_) {
    if (stream->opened() && stream->track == track) give_up(*stream, StreamResetCode::kCancelled);
  }
  const std::uint64_t alias = track->alias();
  tracks_.erase(alias);
  retire_alias(alias);
}

void IncomingData::retire_alias(std::uint64_t alias) {
  if (find_track(alias) != nullptr || retired(alias)) return;
  if (retired_.size() < kRetiredAliases) {
    retired_.push_back(alias);
  } else {
    retired_[next_retired_] = alias;
    next_retired_ = (next_retired_ + 1) % kRetiredAliases;
  }
  std::vector<IncomingStreamId> waiting;
  for (const auto& [id, stream] : streams_) {
    if (stream->state == State::kHeld && stream->header.track_alias == alias) waiting.push_back(id);
  }
  for (const IncomingStreamId id : waiting) give_up(*streams_.at(id), StreamResetCode::kCancelled);
}

std::uint64_t IncomingData::streams_seen(RequestHandle subscription) const noexcept {
  const ReceivedTrack* track = track_of(subscription);
  return track == nullptr ? 0 : track->streams_seen;
}

std::size_t IncomingData::streams_open(RequestHandle subscription) const noexcept {
  const ReceivedTrack* track = track_of(subscription);
  return track == nullptr ? 0 : track->streams_open;
}

bool IncomingData::uses_datagrams(RequestHandle subscription) const noexcept {
  const ReceivedTrack* track = track_of(subscription);
  return track != nullptr && track->preference() == ForwardingPreference::kDatagram;
}

ReceivedTrack* IncomingData::find_track(std::uint64_t alias) const noexcept {
  const auto found = tracks_.find(alias);
  return found == tracks_.end() ? nullptr : found->second.get();
}

ReceivedTrack* IncomingData::track_of(RequestHandle subscription) const noexcept {
  for (const auto& [alias, track] : tracks_) {
    if (std::find(track->subscriptions.begin(), track->subscriptions.end(), subscription) != track->subscriptions.end()) {
      return track.get();
    }
  }
  return nullptr;
}

bool IncomingData::retired(std::uint64_t alias) const noexcept {
  return std::find(retired_.begin(), retired_.end(), alias) != retired_.end();
}

// ---- timeouts ----

Duration IncomingData::sweep_period() const noexcept {
  Duration shortest = config_.timeouts.unknown_alias;
  if (const Duration data = config_.timeouts.data_stream; data > Duration::zero()) {
    shortest = shortest > Duration::zero() ? std::min(shortest, data) : data;
  }
  return shortest / 4;
}

void IncomingData::arm_sweep() {
  if (sweep_armed_ || sweep_period() <= Duration::zero()) return;
  sweep_armed_ = true;
  context_.sweep_streams_after(sweep_period());
}

void IncomingData::sweep(Time now) {
  now_ = now;
  sweep_armed_ = false;
  const Duration unknown_alias = config_.timeouts.unknown_alias;
  const Duration data_stream = config_.timeouts.data_stream;
  bool unsettled = false;
  std::vector<IncomingStreamId> stalled;
  std::vector<IncomingStreamId> unknown;
  for (const auto& [id, stream] : streams_) {
    const Duration idle = now - stream->last_progress;
    switch (stream->state) {
      case State::kHeld:
        unsettled = true;
        if (unknown_alias > Duration::zero() && idle >= unknown_alias) unknown.push_back(id);
        break;
      case State::kHeader:
        unsettled = true;
        if (data_stream > Duration::zero() && idle >= data_stream) {
          return context_.close(static_cast<std::uint64_t>(SessionErrorCode::kDataStreamTimeout),
                                "a stream header stays incomplete");
        }
        break;
      case State::kObjects:
        if (!stream->mid_header && stream->payload_left == 0) break;
        unsettled = true;
        if (data_stream <= Duration::zero() || idle < data_stream) break;
        if (stream->mid_header) {
          return context_.close(static_cast<std::uint64_t>(SessionErrorCode::kDataStreamTimeout),
                                "an object header stays incomplete");
        }
        stalled.push_back(id);
        break;
      case State::kDiscarding: break;
    }
  }
  for (const IncomingStreamId id : unknown) give_up(*streams_.at(id), StreamResetCode::kCancelled);
  for (const IncomingStreamId id : stalled) stop(id, StreamResetCode::kDeliveryTimeout);
  std::erase_if(held_datagrams_, [&](const HeldDatagram& held) {
    if (now - held.since < unknown_alias) return false;
    held_bytes_ -= held.bytes.size();
    return true;
  });
  if (unsettled || !held_datagrams_.empty()) arm_sweep();
}

void IncomingData::clear() {
  streams_.clear();
  tracks_.clear();
  held_datagrams_.clear();
  held_streams_ = held_bytes_ = 0;
}

}  // namespace msquic_py::moqt::session
