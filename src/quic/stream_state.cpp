#include "quic/stream_state.h"

#include "quic/background.h"
#include "quic/callback_scope.h"
#include "quic/connection_state.h"
#include "quic/library.h"
#include "quic/send_record.h"

namespace msquic_py::quic {
namespace {

constexpr std::uint64_t kLargestCode = (std::uint64_t{1} << 62) - 1;

QUIC_SEND_FLAGS to_msquic(SendFlags flags) noexcept {
  unsigned out = QUIC_SEND_FLAG_NONE;
  if (has_flag(flags, SendFlags::Start)) out |= QUIC_SEND_FLAG_START;
  if (has_flag(flags, SendFlags::Fin)) out |= QUIC_SEND_FLAG_FIN;
  if (has_flag(flags, SendFlags::AllowZeroRtt)) out |= QUIC_SEND_FLAG_ALLOW_0_RTT;
  if (has_flag(flags, SendFlags::Delay)) out |= QUIC_SEND_FLAG_DELAY_SEND;
  return static_cast<QUIC_SEND_FLAGS>(out);
}

}  // namespace

Error StreamState::stream_error(QUIC_STATUS status, std::string_view doing) {
  Error error = Error::from_raw(static_cast<std::int64_t>(status), doing);
  if (status != QUIC_STATUS_ABORTED) return error;
  error.status = Status::StreamAborted;
  error.message = std::string(doing) + ": " + std::string(status_text(Status::StreamAborted)) + " [" +
                  std::string(status_name(Status::StreamAborted)) + ", status " + std::to_string(error.raw) + "]";
  return error;
}

StreamState::StreamState(ConnectionState& connection, StreamDirection direction, bool local, bool zero_rtt)
    : connection_(connection), direction_(direction), local_(local), zero_rtt_(zero_rtt) {
  connection_.retain();
  if (direction == StreamDirection::Unidirectional)
    done_.store(local ? kReceiveDone : kSendDone, std::memory_order_relaxed);
}

Result<StreamState*> StreamState::open(ConnectionState& connection, StreamDirection direction,
                                       std::shared_ptr<StreamHandler> handler, bool allow_zero_rtt) {
  if (connection.is_closing() || !connection.gate().enter()) {
    return base::Failure{
        Error::own(Status::ConnectionClosing, "no stream can be opened: the connection is being shut down")};
  }
  // From here the connection's gate is held for the stream, until its handle is closed.
  auto* const state = new StreamState(connection, direction, true, allow_zero_rtt);
  state->handler_ = std::move(handler);
  unsigned flags = QUIC_STREAM_OPEN_FLAG_NONE;
  if (direction == StreamDirection::Unidirectional) flags |= QUIC_STREAM_OPEN_FLAG_UNIDIRECTIONAL;
  if (allow_zero_rtt) flags |= QUIC_STREAM_OPEN_FLAG_0_RTT;
  const QUIC_STATUS status = api().StreamOpen(connection.handle(), static_cast<QUIC_STREAM_OPEN_FLAGS>(flags),
                                              &StreamState::callback, state, &state->handle_);
  if (QUIC_FAILED(status)) {
    static_cast<void>(state->gate_.shut());
    state->release();
    if (connection.gate().leave()) connection.close_handle();
    if (status == QUIC_STATUS_INVALID_STATE || status == QUIC_STATUS_ABORTED) {
      return base::Failure{
          Error::own(Status::ConnectionClosing, "no stream can be opened: the connection is being shut down")};
    }
    return base::Failure{Error::from_raw(status, "opening a stream")};
  }
  state->retain();  // MsQuic's
  connection.stream_opened();
  if (!connection.add(*state)) state->retire();
  return state;
}

StreamState* StreamState::accept(ConnectionState& connection, HQUIC handle, StreamDirection direction) {
  static_cast<void>(connection.gate().enter());  // cannot be shut: it is shut after the last callback
  auto* const state = new StreamState(connection, direction, false);
  state->handle_ = handle;
  state->started_.store(true, std::memory_order_relaxed);
  std::uint64_t id = 0;
  std::uint32_t size = sizeof(id);
  if (QUIC_SUCCEEDED(api().GetParam(handle, QUIC_PARAM_STREAM_ID, &size, &id)))
    state->id_.store(id, std::memory_order_relaxed);
  state->retain();  // MsQuic's
  connection.stream_opened();
  static_cast<void>(connection.add(*state));
  api().SetCallbackHandler(handle, reinterpret_cast<void*>(&StreamState::callback), state);
  return state;
}

void StreamState::release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  ConnectionState& connection = connection_;
  delete this;
  connection.release();
}

void StreamState::release_user() noexcept {
  if (users_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  abandon();
  release();
}

void StreamState::abandon() noexcept {
  if (Library::finalizing()) return;
  if (!started_.load(std::memory_order_acquire)) {
    retire();
    return;
  }
  const std::uint8_t done = done_.load(std::memory_order_acquire);
  unsigned flags = 0;
  if ((done & kSendDone) == 0) flags |= QUIC_STREAM_SHUTDOWN_FLAG_ABORT_SEND;
  if ((done & kReceiveDone) == 0) flags |= QUIC_STREAM_SHUTDOWN_FLAG_ABORT_RECEIVE;
  if (flags != 0) {
    static_cast<void>(
        shut_down(static_cast<QUIC_STREAM_SHUTDOWN_FLAGS>(flags), abandon_code_.load(std::memory_order_relaxed)));
  }
}

void StreamState::retire() noexcept {
  if (gate_.shut()) close_handle();
}

void StreamState::close_handle() noexcept {
  if (CallbackScope::in_callback_of(connection_)) {
    close_now();
  } else {
    run_in_background([this] { close_now(); });
  }
}

void StreamState::close_now() noexcept {
  ConnectionState& connection = connection_;
  connection.remove(*this);
  // May deliver the last events. handle_ stays set: the gate keeps everybody else away from it.
  api().StreamClose(handle_);
  deliver_shutdown({});
  connection.retain();
  release();  // MsQuic's
  connection.stream_closed();
  if (connection.gate().leave()) connection.close_handle();
  connection.release();
}

bool StreamState::begin_start() noexcept { return !started_.exchange(true, std::memory_order_acq_rel); }

Result<void> StreamState::start(StreamStartFlags flags) noexcept {
  const Inside inside(*this);
  if (!inside) return base::Failure{closed_handle("the stream")};
  if (!begin_start()) return base::Failure{Error::own(Status::InvalidState, "the stream is started already")};
  unsigned out = QUIC_STREAM_START_FLAG_SHUTDOWN_ON_FAIL | QUIC_STREAM_START_FLAG_INDICATE_PEER_ACCEPT;
  // MsQuic 2.5 sends whatever a stream has as early data, asked to or not, when the stream is announced before the
  // handshake is complete.
  const bool quiet = connection_.may_send_early() && (!zero_rtt_ || sent_plain_.load(std::memory_order_acquire));
  if (has_flag(flags, StreamStartFlags::Immediate) && !quiet) {
    out |= QUIC_STREAM_START_FLAG_IMMEDIATE;
    sent_early_.store(true, std::memory_order_release);
  }
  if (has_flag(flags, StreamStartFlags::FailBlocked)) out |= QUIC_STREAM_START_FLAG_FAIL_BLOCKED;
  const QUIC_STATUS status = api().StreamStart(handle_, static_cast<QUIC_STREAM_START_FLAGS>(out));
  if (QUIC_SUCCEEDED(status)) return {};
  // MsQuic reports nothing about a start that fails at once, not even the end of the stream.
  retire();
  return base::Failure{stream_error(status, "starting a stream")};
}

Result<SendOutcome> StreamState::send(SendRecord* record, SendFlags flags) noexcept {
  SendRecordPool& pool = connection_.send_records();
  const Inside inside(*this);
  const std::uint64_t size = record->size();
  if (!inside || size > UINT32_MAX) {
    pool.give_back(record);
    if (!inside) return base::Failure{closed_handle("the stream")};
    return base::Failure{Error::own(Status::InvalidParameter, "a single send carries at most 4 GiB - 1; split it")};
  }
  // A client may still be without its ticket.
  if (size != 0 && has_flag(flags, SendFlags::AllowZeroRtt) && !connection_.is_connected()) {
    early_bytes_.store(true, std::memory_order_release);
    connection_.note_early_data();
  }
  const bool fin = has_flag(flags, SendFlags::Fin);
  if (size == 0 && !fin) {
    // MsQuic 2.5 never sends anything again on a stream that was given an empty send.
    pool.give_back(record);
    if (has_flag(flags, SendFlags::Start) && !started_.load(std::memory_order_acquire)) {
      if (auto starting = start(StreamStartFlags::Immediate); !starting) return base::Failure{starting.error()};
    }
    return SendOutcome::NothingToSend;
  }
  if (connection_.may_send_early()) {
    const bool early = has_flag(flags, SendFlags::AllowZeroRtt);
    if (!early && sent_early_.load(std::memory_order_acquire)) {
      pool.give_back(record);
      return base::Failure{Error::own(
          Status::InvalidState,
          "earlier data of this stream may go as early data, and MsQuic would send this with it: wait for the "
          "connection, or allow 0-RTT")};
    }
    (early ? sent_early_ : sent_plain_).store(true, std::memory_order_release);
    // Announced with its data after the handshake, instead of at once with all that is queued.
    if (sent_plain_.load(std::memory_order_acquire) && has_flag(flags, SendFlags::Start) &&
        !started_.load(std::memory_order_acquire)) {
      if (auto starting = start(StreamStartFlags::None); !starting) {
        pool.give_back(record);
        return base::Failure{starting.error()};
      }
    }
  }
  unsigned out = to_msquic(flags);
  const bool starts = has_flag(flags, SendFlags::Start) && begin_start();
  if (!starts) out &= ~static_cast<unsigned>(QUIC_SEND_FLAG_START);
  const std::uint8_t before = fin ? done_.fetch_or(kSendDone, std::memory_order_acq_rel) : std::uint8_t{0};
  const QUIC_STATUS status =
      api().StreamSend(handle_, record->buffers.data(), static_cast<std::uint32_t>(record->buffers.size()),
                       static_cast<QUIC_SEND_FLAGS>(out), record);
  if (QUIC_SUCCEEDED(status)) return SendOutcome::Queued;
  pool.give_back(record);
  if (fin && (before & kSendDone) == 0)
    done_.fetch_and(static_cast<std::uint8_t>(~unsigned{kSendDone}), std::memory_order_acq_rel);
  if (starts) retire();
  return base::Failure{stream_error(status, "sending on a stream")};
}

Result<void> StreamState::shut_down(QUIC_STREAM_SHUTDOWN_FLAGS flags, std::uint64_t code) noexcept {
  if (code > kLargestCode)
    return base::Failure{Error::own(Status::InvalidParameter, "an error code is at most 2^62 - 1")};
  const Inside inside(*this);
  if (!inside) return {};  // nothing left to shut down
  if (!started_.load(std::memory_order_acquire) && (flags & QUIC_STREAM_SHUTDOWN_FLAG_GRACEFUL) == 0) {
    retire();  // the peer never heard of it
    return {};
  }
  std::uint8_t done = 0;
  if ((flags & (QUIC_STREAM_SHUTDOWN_FLAG_ABORT_SEND | QUIC_STREAM_SHUTDOWN_FLAG_GRACEFUL)) != 0) done |= kSendDone;
  if ((flags & QUIC_STREAM_SHUTDOWN_FLAG_ABORT_RECEIVE) != 0) done |= kReceiveDone;
  done_.fetch_or(done, std::memory_order_acq_rel);
  if ((done & kReceiveDone) != 0) receive_aborted_.store(true, std::memory_order_release);
  const QUIC_STATUS status = api().StreamShutdown(handle_, flags, code);
  if (QUIC_FAILED(status)) return base::Failure{stream_error(status, "shutting a stream down")};
  return {};
}

Result<void> StreamState::set_priority(std::uint16_t priority) noexcept {
  const Inside inside(*this);
  if (!inside) return base::Failure{closed_handle("the stream")};
  priority_.store(priority, std::memory_order_release);
  if (id_.load(std::memory_order_acquire) == kNoId) return {};  // applied when the start completes
  if (CallbackScope::in_callback_of(connection_)) {
    apply_priority();
    return {};
  }
  retain();
  run_in_background([this] {
    {
      const Inside still(*this);
      if (still) apply_priority();
    }
    release();
  });
  return {};
}

void StreamState::apply_priority() noexcept {
  const std::uint32_t wanted = priority_.load(std::memory_order_acquire);
  if (wanted == kNoPriority) return;
  std::uint16_t priority = static_cast<std::uint16_t>(wanted);
  // Failing means that the stream is over, when its priority matters to nobody.
  static_cast<void>(api().SetParam(handle_, QUIC_PARAM_STREAM_PRIORITY, sizeof(priority), &priority));
}

Result<StreamStatistics> StreamState::statistics() {
  if (CallbackScope::in_any() && !CallbackScope::in_callback_of(connection_)) {
    return base::Failure{
        Error::own(Status::WouldDeadlock, "statistics() inside a handler of another connection could wait for itself")};
  }
  const Inside inside(*this);
  if (!inside) return base::Failure{closed_handle("the stream")};
  if (!started_.load(std::memory_order_acquire)) {
    return base::Failure{Error::own(Status::InvalidState, "a stream has no statistics before it is started")};
  }
  QUIC_STREAM_STATISTICS in{};
  std::uint32_t size = sizeof(in);
  const QUIC_STATUS status = api().GetParam(handle_, QUIC_PARAM_STREAM_STATISTICS, &size, &in);
  if (QUIC_FAILED(status)) return base::Failure{Error::from_raw(status, "reading a stream's statistics")};
  StreamStatistics out;
  out.blocked_by_scheduling_us = in.ConnBlockedBySchedulingUs;
  out.blocked_by_pacing_us = in.ConnBlockedByPacingUs;
  out.blocked_by_amplification_protection_us = in.ConnBlockedByAmplificationProtUs;
  out.blocked_by_congestion_control_us = in.ConnBlockedByCongestionControlUs;
  out.blocked_by_connection_flow_control_us = in.ConnBlockedByFlowControlUs;
  out.blocked_by_stream_limit_us = in.StreamBlockedByIdFlowControlUs;
  out.blocked_by_stream_flow_control_us = in.StreamBlockedByFlowControlUs;
  out.blocked_by_application_us = in.StreamBlockedByAppUs;
  return out;
}

std::optional<std::uint64_t> StreamState::id() const noexcept {
  const std::uint64_t id = id_.load(std::memory_order_acquire);
  return id == kNoId ? std::nullopt : std::optional(id);
}

}  // namespace msquic_py::quic
