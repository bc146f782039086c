#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "quic/reference.h"
#include "quic/status.h"
#include "quic/stream_handler.h"
#include "quic/stream_statistics.h"

namespace msquic_py::quic {

enum class StreamDirection : std::uint8_t { Bidirectional, Unidirectional };

enum class StreamStartFlags : std::uint8_t {
  None = 0,
  /// Tell the peer at once, before any data. On a connection that resumes a session and is not connected yet this has
  /// no effect, unless the stream was opened for early data.
  Immediate = 1,
  FailBlocked = 2,  ///< fail with StreamLimitReached instead of waiting for the peer's limit
};
enum class SendFlags : std::uint8_t {
  None = 0,
  Start = 1,  ///< start the stream with this send
  Fin = 2,    ///< these are the last bytes
  /// May go out as 0-RTT data, which an attacker can replay. Until the connection is connected, everything that is sent
  /// on a stream after such data must allow it, too (else InvalidState).
  AllowZeroRtt = 4,
  Delay = 8,  ///< more follows soon; the last send must not carry it
};
constexpr StreamStartFlags operator|(StreamStartFlags a, StreamStartFlags b) noexcept {
  return static_cast<StreamStartFlags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr SendFlags operator|(SendFlags a, SendFlags b) noexcept {
  return static_cast<SendFlags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has_flag(SendFlags set, SendFlags flag) noexcept {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(flag)) != 0;
}
constexpr bool has_flag(StreamStartFlags set, StreamStartFlags flag) noexcept {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(flag)) != 0;
}

enum class SendOutcome : std::uint8_t {
  Queued,         ///< on_send_complete() follows
  NothingToSend,  ///< no bytes and no fin: no on_send_complete() follows
};

/// A QUIC stream. Copies share it, and all methods are thread-safe and never block unless they say so. When the last
/// copy goes, the directions that are not finished are aborted with the code of set_abandon_code(), and the stream
/// closes by itself; a direction that was ended with Fin is left to finish.
class Stream {
 public:
  /// An empty handle: every use fails with ClosedHandle.
  Stream() noexcept = default;

  /// Starts a stream from Connection::open_stream(). Success means that on_start_complete() follows. On failure
  /// on_shutdown_complete() follows and the stream is of no more use.
  Result<void> start(StreamStartFlags flags = StreamStartFlags::None) noexcept;

  /// Queues the concatenation of `buffers`. Neither the bytes nor the handles are copied beyond a reference count.
  /// At most 4 GiB - 1 per call. On failure no on_send_complete() follows.
  Result<SendOutcome> send(std::span<const base::SharedBytes> buffers, SendFlags flags = SendFlags::None,
                           std::uint64_t token = 0) noexcept;
  /// The same for bytes that the caller keeps unchanged until on_send_complete(token) if the outcome is Queued.
  Result<SendOutcome> send_borrowed(std::span<const base::Bytes> buffers, SendFlags flags = SendFlags::None,
                                    std::uint64_t token = 0) noexcept;

  /// Ends our direction after what was sent.
  Result<void> finish() noexcept;
  /// RESET_STREAM with `code` (at most 2^62 - 1): unsent bytes are dropped.
  Result<void> abort_send(std::uint64_t code) noexcept;
  /// STOP_SENDING with `code`: bytes not yet delivered are dropped.
  Result<void> abort_receive(std::uint64_t code) noexcept;
  /// Both; `immediate` also ends the stream here without waiting for the peer's acknowledgement.
  Result<void> abort(std::uint64_t code, bool immediate = false) noexcept;
  /// The code used when the last handle goes away with directions unfinished. Default 0.
  void set_abandon_code(std::uint64_t code) noexcept;

  /// Delivers again after on_receive() took less than it was offered. May be called before on_receive() returned.
  Result<void> resume_receive() noexcept;
  /// 0 (last) to 65535 (first) among the connection's streams; 32767 unless set. Takes effect soon, not at once.
  Result<void> set_priority(std::uint16_t priority) noexcept;

  /// Blocks until the connection's worker is free, unless inside one of the connection's own handlers. WouldDeadlock
  /// inside a handler of another connection, InvalidState before the stream is started.
  Result<StreamStatistics> statistics();

  /// The stream ID, known after on_start_complete() or for a stream from the peer.
  [[nodiscard]] std::optional<std::uint64_t> id() const noexcept;
  [[nodiscard]] StreamDirection direction() const noexcept;
  [[nodiscard]] bool is_local() const noexcept;  ///< opened by this side
  /// Server: some of what came on the stream so far was 0-RTT data, which an attacker can replay. Deliveries may mix
  /// such data with later data; then the whole counts as early, see ReceivedData::early_data. Never without
  /// ServerResumption::ResumeAndZeroRtt: there the data waits for the handshake, which no replay completes.
  [[nodiscard]] bool is_early_data() const noexcept;
  [[nodiscard]] bool is_closed() const noexcept;  ///< on_shutdown_complete() is being or was called

  explicit operator bool() const noexcept { return static_cast<bool>(state_); }
  [[nodiscard]] StreamState* state() const noexcept { return state_.get(); }
  explicit Stream(UserReference<StreamState> state) noexcept : state_(std::move(state)) {}

 private:
  UserReference<StreamState> state_;
};

}  // namespace msquic_py::quic
