#include "runtime/transport_inbox.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "moqt/model/draft.h"
#include "moqt/session/action.h"

namespace msquic_py::runtime {

using Kind = TransportEvent::Kind;

namespace {

/// What is larger than a slab of the arena gets one of its own, an allocation for so many bytes. What fills at least
/// half of one is kept where it is, and the rest copied by whoever keeps it.
constexpr std::size_t kOwnSlab = base::SlabArena::kCapacity;

}  // namespace

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

std::optional<transport::Report> TransportInbox::take(std::vector<TransportEvent>& batch) {
  batch.clear();
  const std::lock_guard lock(mutex_);
  batch.swap(events_);
  woken_ = false;
  queued_bytes_.store(0, std::memory_order_relaxed);
  return std::exchange(network_, std::nullopt);
}

template <class Change>
void TransportInbox::update(Change change) {
  bool rings = false;
  {
    const std::lock_guard lock(mutex_);
    // Under the lock, so that the participant can't leave in between; the loop's locks are taken inside ours only here.
    if (change() && !woken_ && participant_ != nullptr) {
      woken_ = true;
      rings = loop_.prepare(*participant_);
    }
  }
  // Behind it: the first thing that the loop's thread does is to take what is here, and it would wait for the lock.
  if (rings) alarm_->ring();
}

void TransportInbox::report_sent_at_once(bool at_once) {
  update([&] {
    sent_at_once_ = at_once;
    // What came before this was allowed to wait; it is not any more.
    return at_once && (!events_.empty() || network_);
  });
}

void TransportInbox::push(TransportEvent&& event) noexcept {
  update([&] {
    const bool sent = event.kind == Kind::StreamSent || event.kind == Kind::DatagramSent;
    if (sent && !events_.empty() && events_.back().kind == event.kind && events_.back().id == event.id) {
      events_.back().code += event.code;
    } else {
      events_.push_back(std::move(event));
    }
    return !sent || sent_at_once_;
  });
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

bool TransportInbox::push_received(Kind kind, std::uint64_t id, const transport::ReceivedData& data) noexcept {
  const auto size = static_cast<std::size_t>(data.size);
  if (size > 0 && !data.last && paused(id)) return false;
  if (size > 0 && queued_bytes_.fetch_add(cost_of(size), std::memory_order_relaxed) > high_water_ && !data.last) {
    push({.kind = kind == Kind::RequestData ? Kind::RequestPaused : Kind::ReceivePaused, .id = id});
    return false;
  }
  TransportEvent event{.kind = kind, .fin = data.fin, .id = id};
  if (size > 0) event.bytes = copy(data);
  push(std::move(event));
  return true;
}

base::SharedBytes TransportInbox::copy(const transport::ReceivedData& data) {
  const auto size = static_cast<std::size_t>(data.size);
  const auto fill = [&](std::uint8_t* to) {
    for (const base::Bytes chunk : data.chunks) {
      std::memcpy(to, chunk.data(), chunk.size());
      to += chunk.size();
    }
  };
  if (size <= kOwnSlab) {
    fill(arena_.reserve(size));
    return arena_.commit(size);
  }
  base::Slab* const slab = base::Slab::create(size, account_);
  fill(slab->data());
  base::SharedBytes bytes(*slab, slab->data(), size);
  slab->release();
  return bytes;
}

void TransportInbox::push_aside(Aside aside) noexcept {
  update([&] {
    asides_.push_back(std::move(aside));
    events_.push_back({.kind = Kind::Aside});
    return true;
  });
}

TransportInbox::Aside TransportInbox::take_aside() {
  const std::lock_guard lock(mutex_);
  Aside aside = std::move(asides_.front());
  asides_.pop_front();
  return aside;
}

// ---- the connection ----

void TransportInbox::on_connected(const transport::Capabilities& capabilities) noexcept {
  const auto draft = moqt::draft_from_alpn(capabilities.protocol);
  request_streams_ = draft && moqt::has_request_streams(*draft);
  shared_control_stream_ = !draft || !moqt::has_own_control_streams(*draft);
  push({.kind = Kind::Connected,
        .id = draft ? static_cast<std::uint64_t>(*draft) : 0U,
        .code = capabilities.resumed ? 1U : 0U});
}

void TransportInbox::on_closed(const transport::CloseReason& reason) noexcept {
  {
    const std::lock_guard lock(mutex_);
    close_reason_ = reason;
  }
  push({.kind = Kind::Closed});
}

void TransportInbox::on_report(const transport::Report& report) noexcept {
  update([&] {
    network_ = report;
    return sent_at_once_;
  });
}

// ---- streams ----

void TransportInbox::on_streams_admitted(std::uint64_t bidirectional) noexcept {
  push({.kind = Kind::StreamsAdmitted, .code = bidirectional});
}

std::optional<transport::StreamKey> TransportInbox::on_peer_stream(transport::PeerStream stream) noexcept {
  if (stream.direction == transport::Direction::Unidirectional) {
    push({.kind = Kind::UniStreamOpened, .id = stream.id, .opened = std::move(stream.stream)});
    return stream.id;
  }
  const bool of_client = (stream.id & 1) == 0;
  if (of_client && std::exchange(shared_control_stream_, false)) {
    stream.stream->set_priority(moqt::session::kControlStreamPriority);
    push({.kind = Kind::ControlStreamOpened, .opened = std::move(stream.stream)});
    return kControlStream;
  }
  if (!request_streams_) {
    push({.kind = Kind::BidiStreamOpened});
    return std::nullopt;
  }
  stream.stream->set_priority(moqt::session::kRequestStreamPriority);
  push({.kind = Kind::RequestOpened, .id = stream.id, .opened = std::move(stream.stream)});
  return key_of(moqt::session::RequestStreamId{stream.id});
}

std::uint64_t TransportInbox::on_received(transport::StreamKey stream, const transport::ReceivedData& data) noexcept {
  if (carries_request(stream)) return push_received(Kind::RequestData, stream & ~kRequest, data) ? data.size : 0;
  if (stream != kControlStream) return push_received(Kind::UniStreamData, stream, data) ? data.size : 0;
  if (data.size > 0 && !push_received(Kind::ControlData, kControlStream, data)) return 0;
  if (data.fin) control_closed();
  return data.size;
}

// The driver uses the number of bytes as the token of a send.
void TransportInbox::on_sent(transport::StreamKey stream, std::uint64_t bytes, bool canceled) noexcept {
  // Given up with the connection, whose end follows: until then it must not look as if the peer had it. See
  // SessionDriver::flushed().
  if (stream == kControlStream && canceled) return;
  if (stream == kControlStream || carries_request(stream)) return push({.kind = Kind::ControlSent, .code = bytes});
  push({.kind = Kind::StreamSent, .id = stream & ~kOwn, .code = bytes});
}

void TransportInbox::on_peer_reset(transport::StreamKey stream, std::uint64_t code) noexcept {
  if (stream == kControlStream) return control_closed();
  if (carries_request(stream)) return push({.kind = Kind::RequestReset, .id = stream & ~kRequest, .code = code});
  push({.kind = Kind::UniStreamReset, .id = stream, .code = code});
}

void TransportInbox::on_peer_stop(transport::StreamKey stream, std::uint64_t code) noexcept {
  if (stream == kControlStream) return control_closed();
  if (carries_request(stream)) return push({.kind = Kind::RequestStopped, .id = stream & ~kRequest, .code = code});
  push({.kind = Kind::StreamStopped, .id = stream & ~kOwn, .code = code});
}

void TransportInbox::on_stream_closed(transport::StreamKey stream, bool with_connection) noexcept {
  if (stream == kControlStream) {
    if (!with_connection) control_closed();
  } else if (carries_request(stream)) {
    push({.kind = Kind::RequestClosed, .id = stream & ~kRequest});
  } else if ((stream & kOwn) != 0) {
    if (with_connection) return;  // as in on_sent(): the peer need not have all of it
    push({.kind = Kind::StreamClosed, .id = stream & ~kOwn});
  } else {
    push({.kind = Kind::UniStreamClosed, .id = stream});
  }
}

// The draft forbids closing the control stream, so every end of it is the same.
void TransportInbox::control_closed() noexcept {
  if (std::exchange(control_closed_, true)) return;
  push({.kind = Kind::ControlClosed});
}

// ---- datagrams ----

void TransportInbox::on_datagram_size(std::size_t largest) noexcept {
  push({.kind = Kind::DatagramMaxSize, .code = largest});
}

void TransportInbox::on_datagram_sent(std::uint64_t bytes, bool) noexcept {
  push({.kind = Kind::DatagramSent, .code = bytes});
}

void TransportInbox::on_datagram(base::Bytes datagram) noexcept {
  // Datagrams have no flow control: beyond the high-water mark they are dropped, as the network would.
  if (queued_bytes_.fetch_add(cost_of(datagram.size()), std::memory_order_relaxed) > high_water_) return;
  push({.kind = Kind::Datagram, .bytes = arena_.copy(datagram)});
}

}  // namespace msquic_py::runtime
