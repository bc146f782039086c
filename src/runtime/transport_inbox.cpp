#include "runtime/transport_inbox.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "moqt/session/action.h"
#include "runtime/stream_inbox.h"

namespace msquic_py::runtime {

using Kind = TransportEvent::Kind;

void TransportInbox::attach(EventLoop::Participant& participant) {
  const std::lock_guard lock(mutex_);
  participant_ = &participant;
  woken_ = !events_.empty();
  if (woken_) loop_.ready(participant);
}

void TransportInbox::detach() {
  const std::lock_guard lock(mutex_);
  participant_ = nullptr;
}

std::optional<quic::NetworkStatistics> TransportInbox::take(std::vector<TransportEvent>& batch) {
  batch.clear();
  const std::lock_guard lock(mutex_);
  batch.swap(events_);
  woken_ = false;
  queued_bytes_.store(0, std::memory_order_relaxed);
  return std::exchange(network_, std::nullopt);
}

void TransportInbox::report_sent_at_once(bool at_once) {
  const std::lock_guard lock(mutex_);
  sent_at_once_ = at_once;
  // What came before this was allowed to wait; it is not any more.
  if (at_once && (!events_.empty() || network_)) wake();
}

// Under the lock, so that the participant can't leave in between; the loop's locks are taken inside ours only here.
void TransportInbox::wake() noexcept {
  if (woken_ || participant_ == nullptr) return;
  woken_ = true;
  loop_.ready(*participant_);
}

void TransportInbox::push(TransportEvent&& event) noexcept {
  const std::lock_guard lock(mutex_);
  const bool sent = event.kind == Kind::StreamSent || event.kind == Kind::DatagramSent;
  if (sent && !events_.empty() && events_.back().kind == event.kind && events_.back().id == event.id) {
    events_.back().code += event.code;
  } else {
    events_.push_back(std::move(event));
  }
  if (!sent || sent_at_once_) wake();
}

void TransportInbox::pause(std::uint64_t stream) {
  const std::lock_guard lock(mutex_);
  paused_.push_back(stream);
  paused_streams_.store(paused_.size(), std::memory_order_relaxed);
}

void TransportInbox::resume(std::uint64_t stream) {
  if (paused_streams_.load(std::memory_order_relaxed) == 0) return;
  const std::lock_guard lock(mutex_);
  std::erase(paused_, stream);
  paused_streams_.store(paused_.size(), std::memory_order_relaxed);
}

bool TransportInbox::paused(std::uint64_t stream) noexcept {
  if (paused_streams_.load(std::memory_order_relaxed) == 0) return false;
  const std::lock_guard lock(mutex_);
  return std::find(paused_.begin(), paused_.end(), stream) != paused_.end();
}

bool TransportInbox::push_received(Kind kind, std::uint64_t id, const quic::ReceivedData& data) noexcept {
  const auto size = static_cast<std::size_t>(data.size);
  if (size > 0 && !data.last && paused(id)) return false;
  if (size > 0 && queued_bytes_.fetch_add(size, std::memory_order_relaxed) > kHighWater && !data.last) {
    push({.kind = Kind::ReceivePaused, .id = id});
    return false;
  }
  TransportEvent event{.kind = kind, .fin = data.fin, .id = id};
  if (size > 0) {
    std::uint8_t* to = arena_.reserve(size);
    for (const base::Bytes chunk : data.chunks) {
      std::memcpy(to, chunk.data(), chunk.size());
      to += chunk.size();
    }
    event.bytes = arena_.commit(size);
  }
  push(std::move(event));
  return true;
}

void TransportInbox::on_connected(bool resumed, std::string_view) noexcept {
  push({.kind = Kind::Connected, .code = resumed ? 1U : 0U});
}

void TransportInbox::on_shutdown_complete(const quic::CloseReason& reason) noexcept {
  {
    const std::lock_guard lock(mutex_);
    close_reason_ = reason;
  }
  push({.kind = Kind::ShutdownComplete});
}

std::shared_ptr<quic::StreamHandler> TransportInbox::on_peer_stream(quic::Stream stream, bool) noexcept {
  if (stream.direction() == quic::StreamDirection::Bidirectional) {
    if (control_stream_seen_) {
      push({.kind = Kind::BidiStreamOpened});
      return nullptr;
    }
    control_stream_seen_ = true;
    (void)stream.set_priority(moqt::session::kControlStreamPriority);
    push({.kind = Kind::ControlStreamOpened, .opened = std::move(stream)});
    return std::make_shared<ControlStreamInbox>(shared_from_this());
  }
  const std::uint64_t id = stream.id().value_or(0);
  push({.kind = Kind::UniStreamOpened, .id = id, .opened = std::move(stream)});
  return std::make_shared<IncomingStreamInbox>(shared_from_this(), id);
}

void TransportInbox::on_datagram_state(bool send_enabled, std::uint16_t max_size) noexcept {
  push({.kind = Kind::DatagramMaxSize, .code = send_enabled ? max_size : std::uint64_t{0}});
}

void TransportInbox::on_datagram_send_state(std::uint64_t size, quic::DatagramSendState state) noexcept {
  // What is canceled has not been sent, so this comes once for each.
  if (state == quic::DatagramSendState::Sent || state == quic::DatagramSendState::Canceled)
    push({.kind = Kind::DatagramSent, .code = size});
}

void TransportInbox::on_network_statistics(const quic::NetworkStatistics& statistics) noexcept {
  const std::lock_guard lock(mutex_);
  network_ = statistics;
  if (sent_at_once_) wake();
}

void TransportInbox::on_datagram_received(base::Bytes datagram, bool) noexcept {
  // Datagrams have no flow control: beyond the high-water mark they are dropped, as the network would.
  if (queued_bytes_.fetch_add(datagram.size(), std::memory_order_relaxed) > kHighWater) return;
  push({.kind = Kind::Datagram, .bytes = arena_.copy(datagram)});
}

quic::CertificateDecision TransportInbox::on_peer_certificate(const quic::PeerCertificate& certificate) noexcept {
  {
    const std::lock_guard lock(mutex_);
    certificate_ = ShownCertificate{certificate.chain, certificate.server_name, certificate.verdict};
  }
  push({.kind = Kind::CertificateShown});
  return quic::CertificateDecision::Pending;
}

std::optional<ShownCertificate> TransportInbox::take_certificate() {
  const std::lock_guard lock(mutex_);
  return std::exchange(certificate_, std::nullopt);
}

void TransportInbox::on_resumption_ticket(base::Bytes ticket) noexcept {
  push({.kind = Kind::TicketReceived, .bytes = base::SharedBytes::copy_of(ticket)});
}

}  // namespace msquic_py::runtime
