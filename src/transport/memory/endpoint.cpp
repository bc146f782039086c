#include "transport/memory/endpoint.h"

#include <algorithm>
#include <utility>

namespace msquic_py::transport::memory {

Endpoint::Endpoint(std::shared_ptr<Link> link, bool server, std::shared_ptr<ConnectionHandler> handler)
    : link_(std::move(link)),
      server_(server),
      handler_(std::move(handler)),
      congestion_(link_->options()),
      round_trip_(link_->round_trip()),
      connection_limit_(peer_admission().connection_window),
      connection_admitted_(admission().connection_window),
      path_datagram_size_(peer_admission().datagram_size) {
  peer_count_ = {peer_admission().bidirectional_streams, peer_admission().unidirectional_streams};
  own_count_ = {admission().bidirectional_streams, admission().unidirectional_streams};
}

const Path& Endpoint::path() const noexcept {
  return server_ ? link_->options().to_client : link_->options().to_server;
}
const Path& Endpoint::back() const noexcept {
  return server_ ? link_->options().to_server : link_->options().to_client;
}
const Admission& Endpoint::admission() const noexcept {
  return server_ ? link_->options().server : link_->options().client;
}
const Admission& Endpoint::peer_admission() const noexcept {
  return server_ ? link_->options().client : link_->options().server;
}

void Endpoint::later(std::function<void(Endpoint&)> task, Duration delay) {
  link_->timeline().after(delay, [self = shared_from_this(), task = std::move(task)] {
    if (!self->closed_) task(*self);
  });
}

void Endpoint::tell_peer(std::function<void(Endpoint&)> task) {
  Duration delay = path().latency + link_->random().up_to(path().jitter);
  for (int again = 0; again < 16 && link_->random().chance(path().loss_per_million); ++again)
    delay += round_trip_ * 3 / 2;
  const auto peer = peer_.lock();
  if (!peer) return;
  peer->later(
      [task = std::move(task)](Endpoint& there) {
        if (there.link_->is_cut()) return;
        // What overtook the end of the handshake waits for it.
        if (!there.connected_) return there.later(task, there.round_trip_);
        task(there);
      },
      delay);
}

void Endpoint::connect_after(Duration delay) {
  later(
      [](Endpoint& self) {
        if (self.link_->is_cut() || self.closing_) return;
        self.connected_ = true;
        Capabilities capabilities;
        capabilities.protocol = self.link_->options().protocol;
        capabilities.priorities = true;
        capabilities.datagrams = self.datagram_size() > 0;
        capabilities.reports = true;
        self.reports_ = self.handler_->wants_reports();
        self.handler_->on_datagram_size(self.datagram_size());
        self.handler_->on_connected(capabilities);
        self.tell_streams_admitted();
        self.pump_later();
      },
      delay);
}

Endpoint::StreamPointer Endpoint::open(Direction direction, StreamKey key) {
  auto stream = std::make_shared<StreamState>();
  stream->direction = direction;
  stream->local = true;
  stream->number = next_number_++;
  stream->key = key;
  stream->out.emplace(peer_admission().stream_window);
  if (direction == Direction::Bidirectional) stream->in.emplace(admission().stream_window);
  streams_.emplace(stream->number, stream);
  return stream;
}

void Endpoint::abandon(StreamState& stream) {
  if (closing_ || stream.closed) return;
  if (stream.local && !stream.id) {  // the peer never heard of it
    streams_.erase(stream.number);
    return;
  }
  if (stream.out && !stream.out->ended()) reset(stream, 0);
  if (stream.in && !stream.in->done()) stop(stream, 0);
}

std::size_t Endpoint::datagram_size() const noexcept {
  return std::min(path_datagram_size_, peer_admission().datagram_size);
}

void Endpoint::tell_datagram_size() {
  path_datagram_size_ = link_->options().client.datagram_size;
  path_datagram_size_ = std::min(path_datagram_size_, link_->options().server.datagram_size);
  later([](Endpoint& self) {
    if (self.connected_) self.handler_->on_datagram_size(self.datagram_size());
  });
}

void Endpoint::time_out() {
  later(
      [](Endpoint& self) {
        CloseReason reason;
        reason.cause = CloseReason::Cause::Transport;
        reason.message = "nothing has come from the peer for too long";
        self.finish(reason);
      },
      link_->options().idle_timeout);
}

void Endpoint::close(std::uint64_t code, std::string_view reason) {
  if (closing_) return;
  closing_ = true;
  CloseReason told;
  told.cause = CloseReason::Cause::PeerApplication;
  told.remote = true;
  told.code = code;
  told.reason = std::string(reason);
  told.message = "the peer closed the connection";
  tell_peer([told](Endpoint& there) {
    there.closing_ = true;
    there.finish(told);
  });
  told.cause = CloseReason::Cause::LocalApplication;
  told.remote = false;
  told.message = "the connection was closed here";
  later([told](Endpoint& self) { self.finish(told); });
}

void Endpoint::finish(const CloseReason& why) {
  closing_ = true;
  const auto streams = std::move(streams_);
  streams_.clear();
  const auto handler = handler_;
  for (const auto& [number, stream] : streams) {
    if (!stream->id || stream->closed) continue;
    if (stream->in && stream->key) deliver(stream, /*last=*/true);
    if (stream->out && stream->key) report_sent(*stream->key, stream->out->abandon(), /*canceled=*/true);
    stream->closed = true;
    if (stream->key) handler->on_stream_closed(*stream->key, /*with_connection=*/true);
  }
  for (const Datagram& datagram : datagrams_) handler->on_datagram_sent(datagram.token, /*canceled=*/true);
  closed_ = true;
  streams_by_id_.clear();
  datagrams_.clear();
  in_flight_.clear();
  CloseReason reason = why;
  reason.handshake_completed = connected_;
  handler->on_closed(reason);
  handler_.reset();
}

bool Endpoint::held_up(StreamKey key) const {
  return std::any_of(streams_.begin(), streams_.end(), [&](const auto& entry) {
    const StreamState& stream = *entry.second;
    return stream.key == key && stream.local && stream.out &&
           (!stream.admitted || stream.out->held_up() || credit() == 0);
  });
}

void Link::join(const std::shared_ptr<Endpoint>& client, const std::shared_ptr<Endpoint>& server) {
  client_ = client;
  server_ = server;
}

void Link::set_datagram_size(std::size_t largest) {
  options_.client.datagram_size = options_.server.datagram_size = largest;
  for (const auto& end : {client_.lock(), server_.lock()}) {
    if (end) end->tell_datagram_size();
  }
}

void Link::cut() {
  if (std::exchange(cut_, true)) return;
  for (const auto& end : {client_.lock(), server_.lock()}) {
    if (end) end->time_out();
  }
}

}  // namespace msquic_py::transport::memory
