#include "moqt/session/data/incoming_data.h"

#include <utility>

#include "moqt/wire/datagram.h"
#include "moqt/wire/extensions.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::session {

namespace {

/// What the transport may have taken from the peer already when it is told to take no more of a stream.
constexpr std::size_t kTakenAlready = 4 * 1024 * 1024;

}  // namespace

// ---- transport ----

void IncomingData::on_data(Time now, IncomingStreamId id, base::SharedBytes bytes, bool fin) {
  now_ = now;
  auto& slot = streams_[id];
  if (slot == nullptr) {
    slot = std::make_unique<IncomingStream>(id, codec_);
    slot->fin = fin;
    if (streams_.size() > config_.limits.max_incoming_streams) make_room(*slot);
  }
  IncomingStream& stream = *slot;
  stream.fin = fin;
  stream.last_progress = now;
  switch (stream.state) {
    case State::kHeader: read_header(stream, std::move(bytes)); break;
    case State::kHeld: hold(stream, std::move(bytes)); break;
    case State::kObjects: read_objects(stream, std::move(bytes)); break;
    case State::kFetch: read_fetch(stream, std::move(bytes)); break;
    case State::kControl: context_.on_control_stream(bytes, fin); break;
    case State::kPadding:
    case State::kDiscarding: break;
  }
  if (fin) forget_finished(id);
}

void IncomingData::on_reset(IncomingStreamId id, std::uint64_t code) {  // [d15 §10.4.1-1]
  const auto found = streams_.find(id);
  if (found == streams_.end() || found->second->fin) return;  // after FIN a reset says nothing [d15 §10.4.3]
  IncomingStream& stream = *found->second;
  code = static_cast<std::uint64_t>(wire::code_of<StreamResetCode>(codec_.codes, code));
  if (stream.state == State::kFetch) return end_fetch(stream, false, code);
  if (stream.state == State::kControl) return context_.on_control_stream({}, true);
  if (stream.opened()) tell(stream, SubgroupEnded{{}, id, false, code}, /*to_all=*/true);
  end(stream);
}

void IncomingData::read_header(IncomingStream& stream, base::SharedBytes bytes) {
  auto decoded = stream.header_decoder.feed(std::move(bytes));
  if (decoded.violated()) return violate(decoded.violation());
  if (decoded.needs_more()) {
    if (!stream.fin) return arm_sweep();
    if (stream.header_decoder.started()) {
      return context_.close(static_cast<std::uint64_t>(SessionErrorCode::kProtocolViolation),
                            "FIN within a stream header (section 10.4)");
    }
    return end(stream);
  }
  if (const auto* fetch = std::get_if<wire::FetchHeader>(&*decoded)) {
    return open_fetch(stream, fetch->request_id, stream.header_decoder.rest());
  }
  if (std::holds_alternative<wire::ControlStreamHeader>(*decoded)) {
    return open_control(stream, stream.header_decoder.rest());
  }
  if (std::holds_alternative<wire::PaddingStreamHeader>(*decoded)) {
    stream.state = State::kPadding;
    return;
  }
  stream.header = std::get<wire::SubgroupHeader>(*decoded);
  base::SharedBytes rest = stream.header_decoder.rest();
  if (ReceivedTrack* track = tracks_.find(stream.header.track_alias)) {
    open(stream, *track);
    return read_objects(stream, std::move(rest));
  }
  // [d15 §9.15-7]
  const bool reserved = reserved_.contains(stream.header.track_alias);
  if ((!reserved && tracks_.retired(stream.header.track_alias)) ||
      held_streams_ >= config_.limits.max_unknown_alias_streams) {
    return void(give_up(stream, StreamResetCode::kCancelled));
  }
  stream.state = State::kHeld;  // [d15 §10.1-2]
  ++held_streams_;
  arm_sweep();
  hold(stream, std::move(rest));
}

void IncomingData::open_control(IncomingStream& stream, const base::SharedBytes& rest) {
  if (std::exchange(has_control_, true)) {
    return context_.close(static_cast<std::uint64_t>(SessionErrorCode::kProtocolViolation),
                          "a second control stream (section 3.3)");
  }
  stream.state = State::kControl;
  context_.on_control_stream(rest, stream.fin);
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): it is handed over, as to every state of a stream
void IncomingData::hold(IncomingStream& stream, base::SharedBytes bytes) {
  if (held_bytes_ + bytes.size() > config_.limits.max_unknown_alias_bytes + kTakenAlready) {
    return void(give_up(stream, StreamResetCode::kCancelled));
  }
  held_bytes_ += bytes.size();
  stream.held_bytes += bytes.size();
  // A copy: it may wait for long, and would hold on to everything that came beside it on the connection.
  if (!bytes.empty()) stream.held.push_back(base::SharedBytes::copy_of(bytes, config_.account));
  // The peer's flow control holds the rest until its alias is known, or unknown for too long.
  if (!has_held_room(1) || reserved_.contains(stream.header.track_alias)) hold_back(stream);
}

void IncomingData::hold_back(IncomingStream& stream) {
  if (stream.paused || stream.fin) return;
  stream.paused = true;
  context_.pause_stream(stream.id, true);
}

void IncomingData::open(IncomingStream& stream, ReceivedTrack& track) {
  const wire::SubgroupHeader& header = stream.header;
  stream.state = State::kObjects;
  stream.track = &track;
  stream.decoder.emplace(codec_, header.has_extensions,
                         wire::ObjectStreamLimits{.max_extensions_size = config_.limits.max_object_header_bytes});
  SubgroupProperties& properties = stream.properties;
  properties.group = header.group_id;
  properties.subgroup =
      header.subgroup_id_mode == wire::SubgroupIdMode::kFirstObject ? std::nullopt : std::optional(header.subgroup_id);
  properties.publisher_priority = header.publisher_priority.value_or(track.publisher_priority());  // [d15 §10.4.2-2]
  properties.extensions = header.has_extensions;
  properties.end_of_group = header.contains_end_of_group;
  properties.first_object = header.begins_with_first_object;
  stream.early = track.expected;
  ++track.streams_open;
  for (ReceivedTrack::Receiver& receiver : track.receivers) {
    const bool may_be_its = !(track.shared || stream.early) || receiver.wanted.wants_some_of(header.group_id);
    if (may_be_its && !receiver.closing) join(stream, receiver, properties);
  }
}

void IncomingData::read_objects(IncomingStream& stream, base::SharedBytes bytes) {
  const base::SharedBytes chunk = bytes;
  if (!bytes.empty()) {
    stream.decoder->feed(std::move(bytes));
    for (;;) {
      auto next = stream.decoder->next();
      if (next.violated()) {
        return wire::is_receiver_limit(next.violation()) ? stop(stream.id, StreamResetCode::kInternalError)
                                                         : violate(next.violation());
      }
      if (next.needs_more()) break;
      if (auto* start = std::get_if<wire::ObjectStart>(&*next)) {
        if (!deliver(stream, chunk, std::move(*start))) return;
      } else {
        auto& payload = std::get<wire::ObjectPayload>(*next);
        stream.payload_left -= payload.bytes.size();
        tell(stream, ObjectPayload{{}, stream.id, std::move(payload.bytes), stream.payload_left});
      }
    }
  }
  if (stream.fin) return finish(stream);
  keep(stream, stream.decoder->kept_bytes(), stream.decoder->finish().has_value());
}

void IncomingData::keep(IncomingStream& stream, std::size_t kept, bool mid_object) {
  note_kept(stream, kept);
  if (kept_bytes_ > config_.limits.max_object_header_bytes) return stop(stream.id, StreamResetCode::kInternalError);
  stream.mid_header = stream.payload_left == 0 && mid_object;
  if (stream.mid_header || stream.payload_left > 0) arm_sweep();
}

bool IncomingData::deliver(IncomingStream& stream, const base::SharedBytes& chunk, wire::ObjectStart start) {
  const Location location{stream.properties.group, start.object_id};
  if (!stream.properties.subgroup) stream.properties.subgroup = start.object_id;

  auto malformed = stream.track->on_object(location, start.status, ForwardingPreference::kSubgroup);
  if (!malformed && start.extensions_size > 0) {
    const auto known = codec_.inspect_extensions(start.extensions(), location);
    if (!known.ok()) malformed = known.error();
  }
  if (malformed) {
    tell_malformed(*stream.track, *malformed);
    return false;
  }
  if (stream.track->shared || stream.early) choose_takers(stream, location, start.extensions());

  ObjectReceived event;
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
        tell(stream, std::move(event));
      } else {
        event.wire = std::move(start.header);
        tell(stream, std::move(event));
        tell(stream, ObjectPayload{{}, stream.id, std::move(payload.bytes), stream.payload_left});
      }
      return true;
    }
  }
  event.wire = std::move(start.header);
  tell(stream, std::move(event));
  return true;
}

template <class ObjectEvent>
void IncomingData::tell(IncomingStream& stream, ObjectEvent event, bool to_all) {
  if (stream.early && stream.track->expected) keep_early(stream, event);
  if (stream.others.empty()) {
    if (!stream.taker.subscription || !(stream.taker.takes || to_all)) return;
    event.subscription = stream.taker.subscription;
    return context_.emit(std::move(event));
  }
  stream.for_each_taker([&](const IncomingStream::Taker& taker) {
    if (!taker.takes && !to_all) return;
    event.subscription = taker.subscription;
    context_.emit(ObjectEvent(event));
  });
}

void IncomingData::finish(IncomingStream& stream) {
  if (const auto violation = stream.decoder->finish()) return violate(*violation);
  if (const auto last = stream.decoder->last_object_id(); last && stream.properties.end_of_group) {
    if (const auto malformed = stream.track->on_group_end(stream.properties.group, *last + 1)) {
      return tell_malformed(*stream.track, *malformed);
    }
  }
  tell(stream, SubgroupEnded{{}, stream.id, true, 0}, /*to_all=*/true);
  end(stream);
}

/// Forgets the stream. It must not be touched afterwards.
void IncomingData::end(IncomingStream& stream) {
  leave_held(stream);
  note_kept(stream, 0);
  if (!stream.opened()) return void(streams_.erase(stream.id));
  const RequestHandle sole = stream.others.empty() ? stream.taker.subscription : RequestHandle{};
  if (!sole) {
    const std::vector<RequestHandle> left = leave_takers(stream);
    streams_.erase(stream.id);
    for (const RequestHandle each : left) context_.on_stream_ended(each);
    return;
  }
  if (ReceivedTrack::Receiver* const receiver = stream.track->receiver(sole)) --receiver->streams_open;
  --stream.track->streams_open;
  streams_.erase(stream.id);
  context_.on_stream_ended(sole);
}

void IncomingData::leave_held(IncomingStream& stream) noexcept {
  if (stream.state != State::kHeld) return;
  --held_streams_;
  held_bytes_ -= std::exchange(stream.held_bytes, 0);
}

void IncomingData::note_kept(IncomingStream& stream, std::size_t bytes) noexcept {
  kept_bytes_ = kept_bytes_ - stream.kept_bytes + bytes;
  stream.kept_bytes = bytes;
}

std::vector<RequestHandle> IncomingData::give_up(IncomingStream& stream, StreamResetCode code) {
  leave_held(stream);
  note_kept(stream, 0);
  std::vector<RequestHandle> left;
  if (stream.opened()) left = leave_takers(stream);
  stream.state = State::kDiscarding;
  stream.track = nullptr;
  stream.taker = {};
  stream.others.clear();
  stream.fetch = nullptr;
  stream.held.clear();
  stream.decoder.reset();
  stream.fetch_decoder.reset();
  stream.paused = false;
  if (!stream.fin) context_.stop_sending(stream.id, code);
  return left;
}

void IncomingData::forget_finished(IncomingStreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || !found->second->fin) return;
  const State state = found->second->state;
  if (state == State::kDiscarding || state == State::kPadding) streams_.erase(found);
}

void IncomingData::stop(IncomingStreamId id, StreamResetCode code) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || !found->second->attributed()) return;
  if (found->second->fetch != nullptr) return context_.on_fetch_given_up(found->second->fetch->request(), code);
  IncomingStream& stream = *found->second;
  tell(stream, SubgroupEnded{{}, id, false, static_cast<std::uint64_t>(code)}, /*to_all=*/true);
  for (const RequestHandle each : give_up(stream, code)) context_.on_stream_ended(each);
}

void IncomingData::pause(IncomingStreamId id, bool paused) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || !found->second->attributed() || found->second->paused == paused) return;
  if (found->second->fin) return;  // all of it is here
  found->second->paused = paused;
  context_.pause_stream(id, paused);
}

// ---- datagrams ----

void IncomingData::on_datagram(Time now, const base::SharedBytes& bytes) {
  now_ = now;
  const auto decoded = codec_.decode_object_datagram(bytes);
  if (decoded.violated()) return codec_.is_padding_datagram(bytes) ? void() : violate(decoded.violation());
  if (!decoded.ok()) return;
  const std::uint64_t alias = decoded->track_alias;
  if (ReceivedTrack* track = tracks_.find(alias)) return deliver_datagram(*track, bytes, *decoded);
  if ((tracks_.retired(alias) && !reserved_.contains(alias)) ||
      held_datagrams_.size() >= config_.limits.max_unknown_alias_datagrams || !has_held_room(bytes.size())) {
    return;
  }
  held_datagrams_.add(alias, base::SharedBytes::copy_of(bytes, config_.account), now);
  arm_sweep();
}

void IncomingData::deliver_datagram(ReceivedTrack& track, const base::SharedBytes& bytes,
                                    const wire::ObjectDatagram& datagram) {
  const ObjectStatus status = datagram.status.value_or(ObjectStatus::kNormal);
  auto malformed = track.on_object(datagram.location, status, ForwardingPreference::kDatagram);
  if (!malformed && !datagram.extensions.empty()) {
    const auto known = codec_.inspect_extensions(datagram.extensions, datagram.location);
    if (!known.ok()) malformed = known.error();
  }
  if (!malformed && datagram.end_of_group)
    malformed = track.on_group_end(datagram.location.group, datagram.location.object + 1);
  if (malformed) return tell_malformed(track, *malformed);

  const RequestHandle first = track.receivers.empty() ? RequestHandle{} : track.receivers.front().subscription;
  auto event = datagram_received(codec_, first, bytes, datagram, track.publisher_priority());
  if (track.expected) {
    early_.add(track.alias(), event, now_, early_room());
    arm_sweep();
  } else if (!track.shared) {
    return context_.emit(std::move(event));
  }
  const ObjectFilter::Object object{std::nullopt, event.location.object, event.publisher_priority};
  const auto property = [&](std::uint64_t type) { return codec_.find_number(datagram.extensions, type); };
  for (const ReceivedTrack::Receiver& receiver : track.receivers) {
    if (!receiver.wanted.wants(event.location, object, property)) continue;
    event.subscription = receiver.subscription;
    context_.emit(DatagramReceived(event));
  }
}

void IncomingData::clear() {
  streams_.clear();
  tracks_.clear();
  fetches_.clear();
  reserved_.clear();
  expected_.clear();
  early_.clear();
  held_datagrams_.clear();
  held_streams_ = held_bytes_ = kept_bytes_ = 0;
}

}  // namespace msquic_py::moqt::session
