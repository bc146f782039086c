#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "quic/api.h"
#include "quic/gate.h"
#include "quic/held_events.h"
#include "quic/intrusive_list.h"
#include "quic/stream.h"
#include "quic/unread_bytes.h"

namespace msquic_py::quic {

struct SendRecord;

/// Control block of a stream. It keeps its connection, whose handle stays open (by the connection's gate) as long as
/// this stream's. References: one for all handle objects together, one for MsQuic until the handle is closed.
class StreamState {
 public:
  /// A stream of this side, registered with `connection`. Has one user.
  static Result<StreamState*> open(ConnectionState& connection, StreamDirection direction,
                                   std::shared_ptr<StreamHandler> handler, bool allow_zero_rtt);
  /// A stream that the peer opened; called in the connection's callback. Has one user.
  static StreamState* accept(ConnectionState& connection, HQUIC handle, StreamDirection direction);

  StreamState(const StreamState&) = delete;
  StreamState& operator=(const StreamState&) = delete;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept;
  void retain_user() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }
  void release_user() noexcept;

  Gate& gate() noexcept { return gate_; }
  /// Called once, by whom the gate told so: closes on the connection's own callback thread, else in the background.
  void close_handle() noexcept;
  /// The handle is to be closed although MsQuic did not finish the stream: it was never started, or the connection is
  /// over.
  void retire() noexcept;

  void set_handler(std::shared_ptr<StreamHandler> handler) noexcept { handler_ = std::move(handler); }

  /// From now on no handler hears of the stream and none of its bytes are taken. In the callback that announces it.
  void hold();
  /// Ends hold(): `handler`, if any, is told what it missed, and its bytes follow.
  void let_go(std::shared_ptr<StreamHandler> handler) noexcept;

  Result<void> start(StreamStartFlags flags) noexcept;
  /// Takes over `record`, whatever the outcome.
  Result<SendOutcome> send(SendRecord* record, SendFlags flags) noexcept;
  Result<void> shut_down(QUIC_STREAM_SHUTDOWN_FLAGS flags, std::uint64_t code) noexcept;
  Result<void> resume_receive() noexcept;
  Result<void> set_priority(std::uint16_t priority) noexcept;
  Result<StreamStatistics> statistics();
  void set_abandon_code(std::uint64_t code) noexcept { abandon_code_.store(code, std::memory_order_relaxed); }

  [[nodiscard]] ConnectionState& connection() noexcept { return connection_; }
  [[nodiscard]] std::optional<std::uint64_t> id() const noexcept;
  [[nodiscard]] StreamDirection direction() const noexcept { return direction_; }
  [[nodiscard]] bool is_local() const noexcept { return local_; }
  [[nodiscard]] bool is_early_data() const noexcept { return early_data_.load(std::memory_order_acquire); }
  void mark_early_data() noexcept { early_data_.store(true, std::memory_order_release); }
  [[nodiscard]] bool is_closed() const noexcept { return gate_.is_shut(); }
  ListLinks<StreamState>& links() noexcept { return links_; }

 private:
  StreamState(ConnectionState& connection, StreamDirection direction, bool local, bool zero_rtt = false);
  ~StreamState() = default;

  static QUIC_STATUS QUIC_API callback(HQUIC handle, void* context, QUIC_STREAM_EVENT* event) noexcept;
  QUIC_STATUS on_event(QUIC_STREAM_EVENT& event) noexcept;
  void on_receive(QUIC_STREAM_EVENT& event) noexcept;
  /// How many of the bytes were taken.
  std::uint64_t offer(const ReceivedData& data) noexcept;
  /// Nothing more comes: the handler gets what it has not taken, unless this side wants no more.
  void offer_last() noexcept;
  void on_start_complete(const QUIC_STREAM_EVENT& event) noexcept;
  void on_shutdown_complete(const QUIC_STREAM_EVENT& event) noexcept;
  void settle_early_data() noexcept;
  /// False when the event concerns no handler.
  bool keep_back(QUIC_STREAM_EVENT& event) noexcept;
  /// Who gets events: nobody when there is no handler (any more) or the process is about to exit.
  [[nodiscard]] StreamHandler* listener() const noexcept;
  void deliver_shutdown(const StreamShutdown& shutdown) noexcept;
  void abandon() noexcept;
  void apply_priority() noexcept;
  void close_now() noexcept;
  bool begin_start() noexcept;
  /// MsQuic has one status for what was aborted, a stream or a connection.
  static Error stream_error(QUIC_STATUS status, std::string_view doing);

  static constexpr std::uint64_t kNoId = ~std::uint64_t{0};
  static constexpr std::uint32_t kNoPriority = ~std::uint32_t{0};
  enum Done : std::uint8_t { kSendDone = 1, kReceiveDone = 2 };

  ConnectionState& connection_;
  HQUIC handle_ = nullptr;  // set before the block is shared
  Gate gate_;
  std::atomic<std::uint32_t> references_{1};
  std::atomic<std::uint32_t> users_{1};
  std::shared_ptr<StreamHandler> handler_;  // only touched in callbacks, or when there are none (any more)
  std::unique_ptr<HeldEvents> held_;        // likewise
  std::unique_ptr<UnreadBytes> unread_;     // likewise
  std::uint64_t received_ = 0;              // bytes that MsQuic handed over; likewise
  std::atomic<bool> resumed_{false};        // what was not taken is to be offered again
  std::atomic<bool> receive_aborted_{false};
  std::atomic<bool> started_{false};
  std::atomic<bool> early_data_{false};
  // Of a client's stream before the handshake is complete: data that may go early, and data that may not.
  std::atomic<bool> sent_early_{false};
  std::atomic<bool> sent_plain_{false};
  std::atomic<bool> early_bytes_{false};  // ... of the former, at least one byte
  std::atomic<std::uint8_t> done_{0};
  std::atomic<std::uint64_t> id_{kNoId};
  std::atomic<std::uint64_t> abandon_code_{0};
  std::atomic<std::uint32_t> priority_{kNoPriority};
  const StreamDirection direction_;
  const bool local_;
  const bool zero_rtt_;
  ListLinks<StreamState> links_;  // guarded by the connection
};

}  // namespace msquic_py::quic
