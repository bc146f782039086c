#include "hostile/peer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "hostile/messages.h"
#include "moqt/wire/datagram.h"
#include "moqt/wire/fetch_stream.h"
#include "moqt/wire/subgroup.h"

namespace msquic_py::hostile {

namespace session = moqt::session;
namespace wire = moqt::wire;

namespace {

session::SessionConfig config_for(const base::Ledger& ledger, moqt::Perspective perspective) {
  session::SessionConfig config;
  config.perspective = perspective;
  config.account = ledger.open_session();
  config.readers = ledger.readers();
  config.writers = ledger.writers();
  // Small, so that limits are met.
  config.limits.max_open_requests = 12;
  config.limits.max_waiting_requests = 12;
  config.limits.max_published_namespaces = 6;
  config.limits.max_namespace_subscriptions = 4;
  config.limits.max_fetches = 4;
  config.limits.max_incoming_streams = 8;
  config.limits.max_outgoing_streams = 8;
  config.limits.max_unknown_alias_streams = 4;
  config.limits.max_unknown_alias_bytes = 4096;
  config.limits.max_queued_datagrams = 4;
  config.limits.max_object_header_bytes = 4096;
  return config;
}

base::SharedBytes shared(base::Bytes bytes) { return base::SharedBytes::copy_of(bytes); }

}  // namespace

Peer::Peer(Host& host, moqt::Draft draft, moqt::Perspective session, session::Time now, const base::Ledger& ledger)
    : host_(host),
      draft_(draft),
      odd_(session == moqt::Perspective::kClient ? 1 : 0),
      request_streams_(moqt::has_request_streams(draft)),
      session_(draft, config_for(ledger, session)),
      next_request_(odd_) {
  session_.on_datagram_max_size(1200);
  session_.start(now);
  const auto other = odd_ == 0 ? moqt::Perspective::kClient : moqt::Perspective::kServer;
  base::ByteVector out;
  if (wire::encode_control_message(draft_, make_setup(draft_, other), out)) session_.on_control_data(now, out);
  host_.begin(session_, *this);
}

Peer::~Peer() { host_.end(); }

void Peer::move(Moves& moves, session::Time now) {
  if (gone_) return;
  if (closing_ > 0 && --closing_ == 0) return leave(now);
  switch (moves.choose(32)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: return ask(moves, now);
    case 5:
    case 6:
    case 7:
    case 8:
    case 9: return answer(moves, now);
    case 10:
    case 11: return go_on(moves, now);
    case 12: return end_request_stream(moves, now);
    case 13:
    case 14:
    case 15:
    case 16: return begin_subgroup(moves, now);
    case 17:
    case 18:
    case 19:
    case 20:
    case 21:
    case 22: return add_object(moves, now);
    case 23: return end_subgroup(moves, now);
    case 24: return send_datagram(moves, now);
    case 25:
      if (unacknowledged_.empty()) return;
      return session_.on_stop_sending(now, unacknowledged_[moves.choose(unacknowledged_.size())].first, moves.number());
    case 26:
    case 27: return acknowledge();
    case 28: return session_.set_send_window(moves.choose(4) == 0 ? 0 : 200 * moves.number());
    case 29:  // any bytes as a stream of objects
      if (moves.choose(4) != 0) return;
      return session_.on_uni_stream_data(now, new_stream(), shared(moves.bytes(32)), moves.flip());
    case 30:  // and as messages, which is the end as a rule
      if (moves.choose(16) != 15) return;
      if (moves.flip()) return session_.on_control_closed(now);
      return session_.on_control_data(now, moves.bytes(32));
    default:
      if (moves.choose(16) == 15) return send(make_any(moves), {}, moves, now);
      if (moves.choose(16) == 15) leave(now);
  }
}

void Peer::send(wire::ControlMessage message, session::RequestStreamId stream, Moves& moves, session::Time now) {
  base::ByteVector out;
  if (!wire::encode_control_message(draft_, message, out)) return;  // not of this draft
  if (moves.choose(64) == 63) out[moves.choose(out.size())] ^= static_cast<std::uint8_t>(1 + moves.choose(255));
  const auto put = [&](base::Bytes bytes, bool fin) {
    if (request_streams_) return session_.on_request_data(now, stream, bytes, fin);
    session_.on_control_data(now, bytes);
  };
  const std::size_t cut = moves.choose(8) == 1 ? moves.choose(out.size()) : 0;
  if (cut > 0) put(base::Bytes(out).first(cut), false);
  put(base::Bytes(out).subspan(cut), moves.choose(32) == 31);
}

void Peer::ask(Moves& moves, session::Time now) {
  wire::RequestReference joinable{moves.number()};
  for (const Request& each : own_) {
    if (std::holds_alternative<wire::Subscribe>(each.begun.body) && moves.flip()) joinable = each.begun.request;
  }
  // One in thirty-two has a number that is not its turn.
  const bool wrong = moves.choose(32) == 31;
  wire::ControlMessage message{{wrong ? moves.number() : next_request_}, make_request(moves, next_alias_, joinable)};
  base::ByteVector out;
  if (!wire::encode_control_message(draft_, message, out)) return;
  if (!wrong) next_request_ += 2;
  if (std::holds_alternative<wire::Publish>(message.body)) aliases_.push_back(next_alias_++);
  own_.push_back({message, new_request_stream()});
  send(std::move(message), own_.back().stream, moves, now);
}

void Peer::answer(Moves& moves, session::Time now) {
  std::vector<Request*> open;
  for (Request& each : asked_) {
    if (!each.answered) open.push_back(&each);
  }
  if (open.empty()) return ask(moves, now);
  Request& request = *open[moves.choose(open.size())];
  request.answered = true;
  wire::MessageBody body = make_answer(moves, request.begun.body, next_alias_);
  if (std::holds_alternative<wire::SubscribeOk>(body)) aliases_.push_back(next_alias_++);
  const bool fetch = std::holds_alternative<wire::FetchOk>(body);
  if (fetch && moves.flip()) send_fetched(request, moves, now);  // the stream may come before the answer
  send({request.begun.request, std::move(body)}, request.stream, moves, now);
  if (fetch && moves.flip()) send_fetched(request, moves, now);
}

void Peer::go_on(Moves& moves, session::Time now) {
  if (own_.empty()) return ask(moves, now);
  const Request& request = own_[moves.choose(own_.size())];
  wire::MessageBody body = make_sequel(moves, request.begun.body, request.begun.request);
  wire::RequestReference reference = request.begun.request;
  if (std::holds_alternative<wire::RequestUpdate>(body)) {
    reference = {next_request_};
    next_request_ += 2;
  }
  send({reference, std::move(body)}, request.stream, moves, now);
}

void Peer::end_request_stream(Moves& moves, session::Time now) {
  std::vector<Request>& whose = moves.flip() ? own_ : asked_;
  if (!request_streams_ || whose.empty()) return;
  const auto which = whose.begin() + static_cast<std::ptrdiff_t>(moves.choose(whose.size()));
  const session::RequestStreamId stream = which->stream;
  switch (moves.choose(4)) {
    case 0: return session_.on_request_reset(now, stream, moves.number());
    case 1: return session_.on_request_stopped(now, stream, moves.number());
    case 2: return session_.on_request_data(now, stream, {}, true);
    default:
      whose.erase(which);
      session_.on_request_reset(now, stream, 0);
      session_.on_request_stopped(now, stream, 0);
      session_.on_request_closed(stream);
  }
}

void Peer::send_fetched(const Request& fetch, Moves& moves, session::Time now) {
  base::ByteVector out;
  if (!wire::encode_fetch_header(draft_, {fetch.begun.request.id}, out)) return;
  std::optional<wire::FetchPriorObject> prior;
  moqt::Location at{};
  if (const auto* asked = std::get_if<wire::Fetch>(&fetch.begun.body)) {
    if (const auto* range = std::get_if<wire::StandaloneFetch>(&asked->range)) at = range->start;
  }
  for (std::size_t count = moves.choose(6); count > 0; --count) {
    wire::FetchObject object;
    object.location = at;
    object.payload = shared(base::as_bytes(std::string(moves.choose(32), 'f')));
    if (!wire::encode_fetch_object(draft_, object, prior, out)) break;
    prior = object.prior();
    at = moves.choose(3) == 1 ? moqt::Location{at.group + 1, 0}
                              : moqt::Location{at.group, at.object + 1 + moves.choose(2)};
  }
  session_.on_uni_stream_data(now, new_stream(), shared(out), moves.choose(4) != 0);
}

std::uint64_t Peer::alias(Moves& moves) noexcept {
  if (aliases_.empty() || moves.choose(32) == 31) return moves.number();
  return aliases_[aliases_.size() - 1 - std::min(aliases_.size() - 1, moves.choose(3))];
}

void Peer::begin_subgroup(Moves& moves, session::Time now) {
  if (aliases_.empty() && moves.choose(8) != 1) return answer(moves, now);
  wire::SubgroupHeader header;
  header.track_alias = alias(moves);
  header.group_id = moves.number();
  header.subgroup_id_mode = static_cast<wire::SubgroupIdMode>(moves.choose(3));
  if (header.subgroup_id_mode == wire::SubgroupIdMode::kExplicit) header.subgroup_id = moves.choose(3);
  if (moves.choose(4) == 1) header.publisher_priority = moves.byte();
  header.has_extensions = moves.choose(8) == 1;
  header.contains_end_of_group = moves.choose(8) == 1;
  base::ByteVector out;
  if (!wire::encode_subgroup_header(draft_, header, out)) return;
  streams_.push_back({.id = new_stream(), .has_extensions = header.has_extensions});
  session_.on_uni_stream_data(now, streams_.back().id, shared(out), false);
}

void Peer::add_object(Moves& moves, session::Time now) {
  if (streams_.empty()) return begin_subgroup(moves, now);
  Stream& stream = streams_[moves.choose(streams_.size())];
  wire::SubgroupObject object;
  object.object_id =
      stream.last_object ? *stream.last_object + 1 + (moves.choose(4) == 1 ? moves.choose(3) : 0) : moves.choose(3);
  if (moves.choose(16) == 1) {
    object.status = moves.choose(4) == 1 ? moqt::ObjectStatus::kEndOfTrack : moqt::ObjectStatus::kEndOfGroup;
  } else {
    object.payload = shared(base::as_bytes(std::string(moves.choose(64) * (moves.choose(16) == 1 ? 100 : 1), 'p')));
  }
  base::ByteVector out;
  if (!wire::encode_subgroup_object(draft_, object, stream.has_extensions, stream.last_object, out)) return;
  stream.last_object = object.object_id;
  const std::size_t cut = moves.choose(4) == 1 ? moves.choose(out.size()) : out.size();
  session_.on_uni_stream_data(now, stream.id, shared(base::Bytes(out).first(cut)), false);
  if (cut < out.size()) session_.on_uni_stream_data(now, stream.id, shared(base::Bytes(out).subspan(cut)), false);
}

void Peer::end_subgroup(Moves& moves, session::Time now) {
  if (streams_.empty()) return;
  const auto which = streams_.begin() + static_cast<std::ptrdiff_t>(moves.choose(streams_.size()));
  switch (moves.choose(8)) {
    case 0: session_.on_uni_stream_reset(now, which->id, moves.number()); break;
    case 1: session_.on_uni_stream_data(now, which->id, shared(moves.bytes(8)), true); break;
    default: session_.on_uni_stream_data(now, which->id, {}, true);
  }
  streams_.erase(which);
}

void Peer::send_datagram(Moves& moves, session::Time now) {
  if (moves.choose(16) == 15) return session_.on_datagram(now, shared(moves.bytes(32)));
  wire::ObjectDatagram datagram;
  datagram.track_alias = alias(moves);
  datagram.location = make_location(moves);
  if (moves.choose(4) == 1) datagram.publisher_priority = moves.byte();
  datagram.end_of_group = moves.choose(8) == 1;
  datagram.payload = shared(base::as_bytes(std::string(1 + moves.choose(30), 'd')));
  base::ByteVector out;
  if (!wire::encode_object_datagram(draft_, datagram, out)) return;
  session_.on_datagram(now, shared(out));
}

bool Peer::pump(session::Time now) {
  bool any = false;
  session::Action action;
  while (session_.poll_action(now, action)) {
    any = true;
    take(action);
  }
  return host_.on_events(now) || any;
}

void Peer::take(session::Action& action) {
  if (const auto* send = std::get_if<session::SendStream>(&action)) {
    unacknowledged_.emplace_back(send->stream, send->slices.bytes());
  } else if (const auto* datagram = std::get_if<session::SendDatagram>(&action)) {
    datagram_bytes_ += datagram->slices.bytes();
  } else if (const auto* reset = std::get_if<session::ResetStream>(&action)) {
    for (const auto& [stream, bytes] : unacknowledged_) {
      if (stream == reset->stream) session_.on_stream_bytes_sent(stream, bytes);
    }
    std::erase_if(unacknowledged_, [&](const auto& each) { return each.first == reset->stream; });
  } else if (const auto* control = std::get_if<session::SendControl>(&action)) {
    hear(control->bytes, {});
  } else if (const auto* request = std::get_if<session::SendRequest>(&action)) {
    hear(request->bytes, request->stream);
  } else if (std::holds_alternative<session::CloseSession>(action)) {
    closing_ = 3;
  }
}

void Peer::hear(base::Bytes bytes, session::RequestStreamId stream) {
  while (!bytes.empty()) {
    const auto decoded = wire::decode_control_message(draft_, bytes);
    if (!decoded) return;  // the kind of a control stream, in drafts where it has one
    bytes = bytes.subspan(decoded->size);
    const wire::MessageBody& body = decoded->message.body;
    const bool asks = std::holds_alternative<wire::Subscribe>(body) || std::holds_alternative<wire::Publish>(body) ||
                      std::holds_alternative<wire::PublishNamespace>(body) ||
                      std::holds_alternative<wire::SubscribeNamespace>(body) ||
                      std::holds_alternative<wire::SubscribeTracks>(body) ||
                      std::holds_alternative<wire::Fetch>(body) || std::holds_alternative<wire::TrackStatus>(body) ||
                      std::holds_alternative<wire::RequestUpdate>(body);
    if (asks) asked_.push_back({decoded->message, stream});
  }
}

void Peer::tick(session::Time now) {
  const auto due = session_.next_deadline();
  if (!gone_ && due && *due <= now) session_.on_deadline(now);
}

void Peer::acknowledge() {
  for (const auto& [stream, bytes] : std::exchange(unacknowledged_, {})) session_.on_stream_bytes_sent(stream, bytes);
  session_.on_datagram_sent(std::exchange(datagram_bytes_, 0));
}

void Peer::leave(session::Time now) {
  if (std::exchange(gone_, true)) return;
  session_.on_transport_closed(now, 0, "gone", true);
}

}  // namespace msquic_py::hostile
