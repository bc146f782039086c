// What MsQuic tells about a connection, turned into calls of its handler.
#include <vector>

#include "quic/background.h"
#include "quic/callback_scope.h"
#include "quic/configuration_state.h"
#include "quic/connection_state.h"
#include "quic/library.h"
#include "quic/platform_address.h"
#include "quic/resumption_ticket.h"
#include "quic/transport_close.h"

namespace msquic_py::quic {
namespace {

/// The datagram that fits in any case: into the 1200 bytes that every path carries (RFC 9000 section 14), beside the
/// longest short header, frame type and length, and the authentication tag (RFC 9000 section 17.3.1, RFC 9221 section
/// 4).
constexpr std::uint16_t kDatagramForAnyPath = 1200 - (1 + 20 + 4) - (1 + 2) - 16;

}  // namespace

QUIC_STATUS QUIC_API ConnectionState::callback(HQUIC, void* context, QUIC_CONNECTION_EVENT* event) noexcept {
  auto& state = *static_cast<ConnectionState*>(context);
  const CallbackScope scope(state);
  return state.on_event(*event);
}

ConnectionHandler* ConnectionState::listener() const noexcept {
  return Library::finalizing() ? nullptr : handler_.get();
}

QUIC_STATUS ConnectionState::on_event(QUIC_CONNECTION_EVENT& event) noexcept {
  announce_close();
  ConnectionHandler* const handler = listener();
  switch (event.Type) {
    case QUIC_CONNECTION_EVENT_CONNECTED: on_connected(event); break;
    case QUIC_CONNECTION_EVENT_SHUTDOWN_INITIATED_BY_TRANSPORT: on_shutdown_by_transport(event); break;
    case QUIC_CONNECTION_EVENT_SHUTDOWN_INITIATED_BY_PEER: on_shutdown_by_peer(event); break;
    case QUIC_CONNECTION_EVENT_SHUTDOWN_COMPLETE:
      on_shutdown_complete(event);  // may destroy this
      break;
    case QUIC_CONNECTION_EVENT_LOCAL_ADDRESS_CHANGED: {
      const Address address = from_msquic(*event.LOCAL_ADDRESS_CHANGED.Address);
      {
        const std::lock_guard lock(mutex_);
        local_ = address;
      }
      if (handler != nullptr) handler->on_local_address_changed(address);
      break;
    }
    case QUIC_CONNECTION_EVENT_PEER_ADDRESS_CHANGED: {
      const Address address = from_msquic(*event.PEER_ADDRESS_CHANGED.Address);
      {
        const std::lock_guard lock(mutex_);
        remote_ = address;
      }
      if (handler != nullptr) handler->on_peer_address_changed(address);
      break;
    }
    case QUIC_CONNECTION_EVENT_PEER_STREAM_STARTED: on_peer_stream(event); break;
    case QUIC_CONNECTION_EVENT_STREAMS_AVAILABLE:
      if (handler != nullptr) {
        handler->on_streams_available(event.STREAMS_AVAILABLE.BidirectionalCount,
                                      event.STREAMS_AVAILABLE.UnidirectionalCount);
      }
      break;
    case QUIC_CONNECTION_EVENT_PEER_NEEDS_STREAMS:
      if (handler != nullptr) {
        handler->on_peer_needs_streams(event.PEER_NEEDS_STREAMS.Bidirectional != FALSE
                                           ? StreamDirection::Bidirectional
                                           : StreamDirection::Unidirectional);
      }
      break;
    case QUIC_CONNECTION_EVENT_DATAGRAM_STATE_CHANGED: {
      const bool enabled = event.DATAGRAM_STATE_CHANGED.SendEnabled != FALSE;
      const std::uint16_t size = enabled ? event.DATAGRAM_STATE_CHANGED.MaxSendLength : std::uint16_t{0};
      max_datagram_.store(size, std::memory_order_release);
      if (handler != nullptr) handler->on_datagram_state(enabled, size);
      tell_datagram_room();  // what is too large now was refused
      break;
    }
    case QUIC_CONNECTION_EVENT_DATAGRAM_RECEIVED:
      // Nobody sends a datagram twice, so one that came too early counts as lost.
      if (handler != nullptr && !holds_early_data()) {
        const QUIC_BUFFER& buffer = *event.DATAGRAM_RECEIVED.Buffer;
        handler->on_datagram_received(
            {buffer.Buffer, buffer.Length},
            takes_early_data() && (event.DATAGRAM_RECEIVED.Flags & QUIC_RECEIVE_FLAG_0_RTT) != 0);
      }
      break;
    case QUIC_CONNECTION_EVENT_DATAGRAM_SEND_STATE_CHANGED: on_datagram_send_state(event); break;
    case QUIC_CONNECTION_EVENT_NETWORK_STATISTICS:
      if (handler != nullptr) {
        const auto& network = event.NETWORK_STATISTICS;
        handler->on_network_statistics({.posted_bytes = network.PostedBytes,
                                        .smoothed_rtt_us = network.SmoothedRTT,
                                        .bytes_in_flight = network.BytesInFlight,
                                        .congestion_window = network.CongestionWindow});
      }
      break;
    case QUIC_CONNECTION_EVENT_RESUMED:
      return on_resumed({event.RESUMED.ResumptionState, event.RESUMED.ResumptionStateLength});
    case QUIC_CONNECTION_EVENT_RESUMPTION_TICKET_RECEIVED: on_ticket(event); break;
    case QUIC_CONNECTION_EVENT_PEER_CERTIFICATE_RECEIVED: return on_certificate(event);
    default: break;
  }
  return QUIC_STATUS_SUCCESS;
}

void ConnectionState::refresh_addresses() noexcept {
  QUIC_ADDR local{};
  QUIC_ADDR remote{};
  std::uint32_t size = sizeof(local);
  const bool has_local = QUIC_SUCCEEDED(api().GetParam(handle_, QUIC_PARAM_CONN_LOCAL_ADDRESS, &size, &local));
  size = sizeof(remote);
  const bool has_remote = QUIC_SUCCEEDED(api().GetParam(handle_, QUIC_PARAM_CONN_REMOTE_ADDRESS, &size, &remote));
  const std::lock_guard lock(mutex_);
  if (has_local) local_ = from_msquic(local);
  if (has_remote) remote_ = from_msquic(remote);
}

// MsQuic reads the client's transport parameters before it offers the connection, so what it reports about them finds
// no handler yet. The exact size of a datagram can't be asked for; the next event about it comes when the path's MTU is
// known.
void ConnectionState::report_what_came_before() noexcept {
  const CallbackScope scope(*this);
  ConnectionHandler* const handler = listener();
  std::uint16_t streams[2] = {};
  for (const auto& [parameter, to] : {std::pair{std::uint32_t{QUIC_PARAM_CONN_LOCAL_BIDI_STREAM_COUNT}, &streams[0]},
                                      {QUIC_PARAM_CONN_LOCAL_UNIDI_STREAM_COUNT, &streams[1]}}) {
    std::uint32_t size = sizeof(*to);
    static_cast<void>(api().GetParam(handle_, parameter, &size, to));
  }
  if (handler != nullptr) handler->on_streams_available(streams[0], streams[1]);

  BOOLEAN enabled = FALSE;
  std::uint32_t size = sizeof(enabled);
  if (QUIC_FAILED(api().GetParam(handle_, QUIC_PARAM_CONN_DATAGRAM_SEND_ENABLED, &size, &enabled))) return;
  const std::uint16_t limit = enabled != FALSE ? kDatagramForAnyPath : std::uint16_t{0};
  max_datagram_.store(limit, std::memory_order_release);
  if (handler != nullptr) handler->on_datagram_state(enabled != FALSE, limit);
}

void ConnectionState::on_connected(const QUIC_CONNECTION_EVENT& event) noexcept {
  connected_.store(true, std::memory_order_release);
  deadline_.reset();
  write_key_log();
  if (!server_ && event.CONNECTED.SessionResumed == FALSE && !certificate_checked_) {
    // Cannot happen with the MsQuic that this was written for; nothing may be sent to whom nobody has checked.
    set_certificate_cause({Status::NoCertificate, std::string(status_text(Status::NoCertificate))});
    closing_.store(true, std::memory_order_release);
    api().ConnectionShutdown(handle_, QUIC_CONNECTION_SHUTDOWN_FLAG_NONE, 0);
    return;
  }
  refresh_addresses();
  read_handshake();
  read_original_destination_cid();
  const std::string_view alpn(reinterpret_cast<const char*>(event.CONNECTED.NegotiatedAlpn),
                              event.CONNECTED.NegotiatedAlpnLength);
  {
    const std::lock_guard lock(mutex_);
    alpn_ = alpn;
  }
  if (ConnectionHandler* const handler = listener()) {
    if (handler->wants_network_statistics()) {
      QUIC_SETTINGS settings{};
      settings.NetStatsEventEnabled = 1;
      settings.IsSet.NetStatsEventEnabled = 1;
      static_cast<void>(api().SetParam(handle_, QUIC_PARAM_CONN_SETTINGS, sizeof(settings), &settings));
    }
    handler->on_connected(event.CONNECTED.SessionResumed != FALSE, alpn);
  }
  // Without the session there is no early data. Whether a server that resumed it took the data is not said here.
  if (!server_ && event.CONNECTED.SessionResumed == FALSE && early_data_sent_.load(std::memory_order_acquire))
    settle_early_data(false);
  hand_out_held_streams();
}

// MsQuic doesn't say which side began, but it answers a request for a stream differently: ABORTED when only the peer
// has closed, INVALID_STATE when this side has. Nothing is allocated for a request that is refused.
bool ConnectionState::closed_by_peer() const noexcept {
  const auto ignore = [](HQUIC, void*, QUIC_STREAM_EVENT*) noexcept -> QUIC_STATUS { return QUIC_STATUS_SUCCESS; };
  HQUIC stream = nullptr;
  const QUIC_STATUS status = api().StreamOpen(handle_, QUIC_STREAM_OPEN_FLAG_NONE, ignore, nullptr, &stream);
  if (QUIC_SUCCEEDED(status)) api().StreamClose(stream);
  return status == QUIC_STATUS_ABORTED;
}

/// The peer in words: the name that was dialled, its address behind it, and the port.
std::string ConnectionState::where() const {
  const std::lock_guard lock(mutex_);
  const std::string host = remote_.host();
  const bool literal = server_name_.empty() || Address::parse(server_name_, 0).has_value();
  return (server_ || literal ? host : server_name_ + " (" + host + ")") + " port " + std::to_string(remote_.port());
}

void ConnectionState::on_shutdown_by_transport(const QUIC_CONNECTION_EVENT& event) noexcept {
  const auto& in = event.SHUTDOWN_INITIATED_BY_TRANSPORT;
  // After a Retry the client showed its token (RFC 9000 section 8.1.2); MsQuic keeps none for another connection.
  QUIC_STATISTICS_V2 statistics{};
  std::uint32_t size = sizeof(statistics);
  const bool showed_token =
      !server_ && QUIC_SUCCEEDED(api().GetParam(handle_, QUIC_PARAM_CONN_STATISTICS_V2, &size, &statistics)) &&
      statistics.StatelessRetry != 0;
  const bool by_peer = closed_by_peer();
  CloseReason cause =
      transport_close(static_cast<std::int64_t>(in.Status), in.ErrorCode, by_peer, showed_token, where());
  if (by_peer) return await_reason_phrase(std::move(cause));
  set_cause(std::move(cause));
  closing_.store(true, std::memory_order_release);
  if (ConnectionHandler* const handler = listener()) handler->on_shutdown_initiated(close_reason());
}

void ConnectionState::on_shutdown_by_peer(const QUIC_CONNECTION_EVENT& event) noexcept {
  CloseReason cause;
  cause.cause = CloseReason::Cause::PeerApplication;
  cause.remote = true;
  cause.code = event.SHUTDOWN_INITIATED_BY_PEER.ErrorCode;
  cause.message = "the peer's application closed the connection with code " + std::to_string(cause.code);
  await_reason_phrase(std::move(cause));
}

// MsQuic says that the peer closed before it takes the phrase out of the peer's frame. What comes next, at the latest
// SHUTDOWN_COMPLETE, finds it there, and nobody hears of the end without its reason. So that this is soon and not after
// the time in which the peer's last packets may still come, this side closes, too; the answer to the peer's frame is
// queued already.
void ConnectionState::await_reason_phrase(CloseReason cause) noexcept {
  peer_close_ = std::move(cause);
  retain();
  run_in_background([this] {
    {
      const Inside inside(*this);
      if (inside) api().ConnectionShutdown(handle_, QUIC_CONNECTION_SHUTDOWN_FLAG_NONE, 0);
    }
    release();
  });
}

void ConnectionState::announce_close() noexcept {
  if (!peer_close_) return;
  CloseReason cause = *std::exchange(peer_close_, std::nullopt);
  cause.reason = read_reason_phrase();
  set_cause(std::move(cause));
  closing_.store(true, std::memory_order_release);
  const CloseReason reason = close_reason();
  if (reason.cause == CloseReason::Cause::LocalApplication) return;  // this side was faster
  if (ConnectionHandler* const handler = listener()) handler->on_shutdown_initiated(reason);
}

std::string ConnectionState::read_reason_phrase() const {
  std::vector<char> text(Connection::kLongestReason + 1);
  auto size = static_cast<std::uint32_t>(text.size());
  QUIC_STATUS status = api().GetParam(handle_, QUIC_PARAM_CONN_CLOSE_REASON_PHRASE, &size, text.data());
  if (status == QUIC_STATUS_BUFFER_TOO_SMALL) {  // others than MsQuic send longer ones
    text.resize(size);
    status = api().GetParam(handle_, QUIC_PARAM_CONN_CLOSE_REASON_PHRASE, &size, text.data());
  }
  return QUIC_SUCCEEDED(status) ? std::string(text.data()) : std::string();
}

void ConnectionState::on_shutdown_complete(const QUIC_CONNECTION_EVENT& event) noexcept {
  deadline_.reset();
  write_key_log();  // the handshake failed
  closing_.store(true, std::memory_order_release);
  max_datagram_.store(0, std::memory_order_release);
  if (original_destination_cid().empty()) read_original_destination_cid();
  CloseReason reason = close_reason();
  if (reason.cause == CloseReason::Cause::Transport && reason.reason.empty()) {
    reason.reason = read_reason_phrase();
  }
  reason.handshake_completed = event.SHUTDOWN_COMPLETE.HandshakeCompleted != FALSE;
  reason.peer_acknowledged_shutdown = event.SHUTDOWN_COMPLETE.PeerAcknowledgedShutdown != FALSE;
  {
    const std::lock_guard lock(mutex_);
    reason_ = reason;
  }
  // Streams that were never started hear nothing from MsQuic; closing the connection before them is not allowed.
  for (;;) {
    StreamState* stream = nullptr;
    {
      const std::lock_guard lock(mutex_);
      streams_over_ = true;
      stream = streams_.front();
      if (stream == nullptr) break;
      stream->retain();
      streams_.remove(*stream);
    }
    stream->retire();
    stream->release();
  }
  give_up_datagrams(datagrams_.close());
  held_streams_.clear();  // of a handshake that was never completed: nobody hears of them
  const bool closes = gate_.shut();
  deliver_shutdown(reason);
  if (closes) close_now();
}

void ConnectionState::deliver_shutdown(const CloseReason& reason) noexcept {
  const std::shared_ptr<ConnectionHandler> handler = std::move(handler_);
  handler_ = nullptr;
  std::shared_ptr<ConnectionHandler> released;  // without the lock
  {
    const std::lock_guard lock(mutex_);
    released.swap(datagram_listener_);
  }
  if (!handler) return;
  if (Library::finalizing()) {
    keep_for_ever(handler);
    return;
  }
  handler->on_shutdown_complete(reason);
}

void ConnectionState::on_peer_stream(const QUIC_CONNECTION_EVENT& event) noexcept {
  const auto& in = event.PEER_STREAM_STARTED;
  const bool unidirectional = (in.Flags & QUIC_STREAM_OPEN_FLAG_UNIDIRECTIONAL) != 0;
  StreamState& state = *StreamState::accept(
      *this, in.Stream, unidirectional ? StreamDirection::Unidirectional : StreamDirection::Bidirectional);
  Stream stream(UserReference<StreamState>::adopt(state));
  if (holds_early_data()) {
    state.hold();
    held_streams_.push_back(std::move(stream));
    return;
  }
  const bool early_data = takes_early_data() && (in.Flags & QUIC_STREAM_OPEN_FLAG_0_RTT) != 0;
  if (early_data) state.mark_early_data();
  if (auto events = offer(stream, early_data)) state.set_handler(std::move(events));
}

std::shared_ptr<StreamHandler> ConnectionState::offer(Stream& stream, bool early_data) noexcept {
  ConnectionHandler* const handler = listener();
  std::shared_ptr<StreamHandler> events;
  if (handler != nullptr) events = handler->on_peer_stream(stream, early_data);
  if (!events) static_cast<void>(stream.abort(0));  // refused; a code given by the handler itself came first
  return events;
}

}  // namespace msquic_py::quic
