// The streams that answer our FETCHes (sections 9.16.3, 10.4.4).
#include <utility>

#include "moqt/session/data/incoming_data.h"
#include "moqt/wire/code_numbers.h"
#include "moqt/wire/extensions.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::session {

namespace {

constexpr auto kProtocolViolation = static_cast<std::uint64_t>(SessionErrorCode::kProtocolViolation);

}  // namespace

ReceivedFetch& IncomingData::add_fetch(std::uint64_t request_id, RequestHandle fetch, GroupOrder order) {
  return fetches_.insert_or_assign(request_id, ReceivedFetch(fetch, order)).first->second;
}

ReceivedFetch* IncomingData::fetch(std::uint64_t request_id) noexcept {
  const auto found = fetches_.find(request_id);
  return found == fetches_.end() ? nullptr : &found->second;
}

void IncomingData::remove_fetch(std::uint64_t request_id, StreamResetCode code) {
  const auto found = fetches_.find(request_id);
  if (found == fetches_.end()) return;
  if (const auto stream = found->second.stream) {
    const auto its = streams_.find(*stream);
    if (its != streams_.end() && its->second->fetch == &found->second) give_up(*its->second, code);
  }
  fetches_.erase(found);
}

void IncomingData::open_fetch(IncomingStream& stream, std::uint64_t request_id, base::SharedBytes rest) {
  ReceivedFetch* const its = fetch(request_id);
  // At best it answers a FETCH that was cancelled or refused meanwhile.
  if (its == nullptr) return void(give_up(stream, StreamResetCode::kCancelled));  // [d15 §10.4.4-3]
  // [d15 §9.16.3-6]
  if (its->stream) return context_.close(kProtocolViolation, "a second stream for one FETCH (section 9.16.3)");
  its->stream = stream.id;
  stream.state = State::kFetch;
  stream.fetch = its;
  stream.fetch_decoder.emplace(codec_, its->order(),
                               wire::ObjectStreamLimits{.max_extensions_size = config_.limits.max_object_header_bytes});
  context_.on_fetch_stream(its->request());
  read_fetch(stream, std::move(rest));
}

void IncomingData::read_fetch(IncomingStream& stream, base::SharedBytes bytes) {
  if (!bytes.empty()) {
    stream.fetch_decoder->feed(std::move(bytes));
    for (;;) {
      auto next = stream.fetch_decoder->next();
      if (next.violated()) {
        return wire::is_receiver_limit(next.violation()) ? stop(stream.id, StreamResetCode::kInternalError)
                                                         : violate(next.violation());
      }
      if (next.needs_more()) break;
      if (auto* start = std::get_if<wire::FetchObjectStart>(&*next)) {
        if (!deliver(stream, std::move(*start))) return;
      } else if (auto* payload = std::get_if<wire::ObjectPayload>(&*next)) {
        stream.payload_left -= payload->bytes.size();
        context_.emit(
            ObjectPayload{stream.fetch->request(), stream.id, std::move(payload->bytes), stream.payload_left});
      } else if (std::get<wire::FetchRangeEnd>(*next).gap != wire::FetchGap::kNonExistent) {
        const auto& range = std::get<wire::FetchRangeEnd>(*next);
        stream.fetch->has_unknown = true;
        context_.emit(FetchGapReceived{stream.fetch->request(), stream.id, range.end, range.gap});
      }
    }
  }
  const auto cut = stream.fetch_decoder->finish();
  if (!stream.fin) return keep(stream, stream.fetch_decoder->kept_bytes(), cut.has_value());
  if (cut) return violate(*cut);
  // Of a part of the range nobody can say what was there, as if the stream had been broken off there.
  const bool unknown = stream.fetch->has_unknown;
  stream.fetch->fin = true;
  end_fetch(stream, !unknown, unknown ? static_cast<std::uint64_t>(StreamResetCode::kUnknownObjectStatus) : 0);
}

bool IncomingData::deliver(IncomingStream& stream, wire::FetchObjectStart start) {
  ReceivedFetch& fetch = *stream.fetch;
  const Location location = start.location();
  if (fetch.range && !fetch.range->covers(location)) {
    // [d15 §9.16.3-6]
    context_.close(kProtocolViolation, "an object outside of what the FETCH asks for (section 9.16.3)");
    return false;
  }
  wire::KnownExtensions known;
  std::optional<MalformedTrack> malformed;
  if (start.object.extensions_size > 0) {
    const auto inspected = codec_.inspect_extensions(start.object.extensions(), location);
    if (inspected.ok()) {
      known = *inspected;
    } else {
      malformed = inspected.error();
    }
  }
  if (!malformed) malformed = fetch.on_object(location, start.object.status, known);
  if (malformed) {
    context_.on_malformed(fetch.request(), *malformed);
    return false;
  }
  stream.properties.publisher_priority = start.publisher_priority;

  FetchObjectReceived event;
  event.fetch = fetch.request();
  event.stream = stream.id;
  event.location = location;
  event.subgroup = start.subgroup_id;
  event.payload_length = stream.payload_left = start.object.payload_length;
  if (start.object.extensions_size > 0) event.extensions = start.object.shared_extensions();
  event.publisher_priority = start.publisher_priority;
  event.status = start.object.status;
  event.datagram = start.datagram;
  if (event.payload_length > 0) {
    auto next = stream.fetch_decoder->next();
    if (next.violated()) return violate(next.violation()), false;
    if (next.ok()) {
      auto& payload = std::get<wire::ObjectPayload>(*next);
      stream.payload_left -= payload.bytes.size();
      event.payload = std::move(payload.bytes);
    }
  }
  context_.emit(std::move(event));
  return true;
}

/// Forgets the stream. It must not be touched afterwards.
void IncomingData::end_fetch(IncomingStream& stream, bool finished, std::uint64_t code) {
  const RequestHandle fetch = stream.fetch->request();
  note_kept(stream, 0);
  streams_.erase(stream.id);
  context_.on_fetch_stream_ended(fetch, finished, code);
}

}  // namespace msquic_py::moqt::session
