#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/shared_bytes.h"
#include "dispatch_queue.h"
#include "msquic_arguments.h"
#include "msquic_async_channel.h"
#include "msquic_handler_slot.h"
#include "quic/stream_handler.h"

namespace msquic_py::python {

/// A Python buffer that MsQuic sends from, in pieces, so that acknowledgements are noticed before all of it is. Given
/// back with the GIL.
struct BorrowedSend {
  static constexpr std::size_t kPiece = 1024 * 1024;
  explicit BorrowedSend(nanobind::handle data) : buffer(data, "data"), left(buffer.bytes().size()) {}
  HeldBuffer buffer;
  std::uint64_t left;                     ///< bytes of pieces that are not completed; in completions only
  std::atomic<std::uint32_t> holders{1};  ///< who hands the pieces to MsQuic, and each piece that MsQuic has
};

/// Is told that everything written to a connection's streams was sent.
class AsyncSentListener {
 public:
  virtual ~AsyncSentListener() = default;
  virtual void on_all_sent() noexcept = 0;
};

/// What all streams of one connection share. The arena is used in the connection's callbacks, which come one at a time.
struct AsyncStreamContext {
  std::shared_ptr<AsyncQueue> queue;
  base::SlabArena arena{};
  std::uint64_t read_limit = 0;
  std::uint64_t held_limit = 0;                ///< of all streams together
  std::atomic<std::uint64_t> held{0};          ///< received bytes that no reader has taken
  std::atomic<std::uint64_t> acknowledged{0};  ///< bytes; sends that MsQuic copied count, too
  std::atomic<std::uint64_t> started[2]{};     ///< streams of this side that MsQuic started, by direction
  std::atomic<std::uint64_t> sending{0};       ///< sends that MsQuic has not completed, and fins not acknowledged
  std::atomic<bool> sent_armed{false};         ///< somebody waits until there are none
  std::weak_ptr<AsyncSentListener> sent_listener{};
};

/// What happened to a stream of msquic.asyncio, collected on MsQuic's threads. The loop is only told what somebody
/// waits for: whoever finds nothing arms the event under the same lock, so that no wake-up is lost and none is useless.
///
/// Received bytes are copied here once, for a reader of large pieces into the very bytes object that it gets. Beyond a
/// limit the stream is paused, and QUIC's flow control holds the peer back until the reader has taken half of it. The
/// limit of the connection holds back streams that nobody waits for; a reader that waits gets its bytes all the same.
class AsyncStreamMailbox final : public quic::StreamHandler, public EventTarget {
 public:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  /// Not `admitted`: takes no bytes before admit().
  AsyncStreamMailbox(std::shared_ptr<AsyncStreamContext> context, std::size_t direction, bool admitted = true) noexcept
      : context_(std::move(context)), direction_(direction), admitted_(admitted), limit_(context_->read_limit) {}
  ~AsyncStreamMailbox() override;

  void on_start_complete(std::uint64_t id, quic::Status status, bool peer_accepted) noexcept override;
  std::uint64_t on_receive(const quic::ReceivedData& data) noexcept override;
  void on_send_complete(std::uint64_t token, bool canceled) noexcept override;
  void on_peer_send_aborted(std::uint64_t code) noexcept override;
  void on_peer_receive_aborted(std::uint64_t code) noexcept override;
  void on_send_shutdown_complete(bool graceful) noexcept override;
  void on_ideal_send_buffer(std::uint64_t bytes) noexcept override;
  void on_shutdown_complete(const quic::StreamShutdown& shutdown) noexcept override;

  void dispatch(const Event& event) override;

  /// How the peer's direction stands.
  struct Incoming {
    bool fin = false;
    bool over = false;
    bool early_data = false;  ///< some of what was received came as 0-RTT data
    std::optional<std::uint64_t> reset;
  };
  /// Moves what was received behind `slices`. When the reader then has fewer than `wanted` bytes and more can come, it
  /// is woken as soon as it can have as many, and as many are accepted whatever the limit. `resume` is set when the
  /// stream was paused and must go on.
  Incoming take_received(std::vector<base::SharedBytes>& slices, std::uint64_t wanted, bool& resume) noexcept;
  [[nodiscard]] Incoming incoming() const noexcept;
  /// Nothing was received, and the direction goes on.
  [[nodiscard]] bool is_silent() const noexcept;
  /// Lets what arrives next go straight to `room`, which must stay until end_landing().
  void begin_landing(std::span<std::uint8_t> room) noexcept;
  /// How many bytes went there. They come before what take_received() gives.
  [[nodiscard]] std::size_t end_landing() noexcept;
  /// The reader took `bytes`. True when the stream was paused and must go on.
  [[nodiscard]] bool bytes_taken(std::uint64_t bytes) noexcept;
  /// The program accepted the stream. True when it was paused and must go on.
  [[nodiscard]] bool admit() noexcept;
  /// The peer reset its direction, or stopped ours.
  [[nodiscard]] bool is_aborted_by_peer() const noexcept { return incoming().reset || stop_code() != kNone; }

  /// Bytes handed to MsQuic whose memory it still uses.
  [[nodiscard]] std::uint64_t outstanding() const noexcept { return outstanding_.load(std::memory_order_acquire); }
  void add_outstanding(std::uint64_t bytes) noexcept {
    outstanding_.fetch_add(bytes, std::memory_order_acq_rel);
    context_->sending.fetch_add(1);
  }
  /// The fin counts as one more byte until it is acknowledged.
  void add_fin() noexcept {
    fin_under_way_.store(true, std::memory_order_release);
    add_outstanding(1);
  }
  /// A send of the fin failed at once.
  void fin_failed() noexcept { fin_is_over(); }
  /// A send failed at once.
  void send_failed(std::uint64_t bytes) noexcept {
    outstanding_.fetch_sub(bytes, std::memory_order_acq_rel);
    send_is_over();
  }
  /// Wakes the writer when at most `bytes` are outstanding. False when that is so already, or the stream is over.
  [[nodiscard]] bool arm_writer(std::uint64_t bytes) noexcept;
  /// Gives back the buffers of completed sends; otherwise the next turn of the loop does. Needs the GIL.
  void give_back_released() noexcept;
  /// The code of the peer's STOP_SENDING, kNone without.
  [[nodiscard]] std::uint64_t stop_code() const noexcept { return stop_code_.load(std::memory_order_acquire); }
  /// Something that was written was dropped instead of sent.
  [[nodiscard]] bool send_canceled() const noexcept { return canceled_.load(std::memory_order_acquire); }
  [[nodiscard]] quic::Status start_status() const noexcept { return start_status_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t ideal_send_buffer() const noexcept { return ideal_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool is_over() const noexcept { return over_.load(std::memory_order_acquire); }
  /// Tells the loop when the stream is over. False when it is already.
  [[nodiscard]] bool arm_over() noexcept;

  /// Needs the GIL.
  OwnerReference& owner() noexcept { return owner_; }

 private:
  enum Kind : std::uint32_t { kReadable, kWritable, kReleased, kOver };
  void send_is_over() noexcept;
  void fin_is_over() noexcept;
  /// Copies up to `most` bytes to the landing, as many as it takes. Needs mutex_.
  std::uint64_t land(std::span<const base::Bytes> chunks, std::uint64_t most) noexcept;
  void push(Kind kind) noexcept { context_->queue->push(Event{shared_from_this(), kind}); }

  const std::shared_ptr<AsyncStreamContext> context_;
  const std::size_t direction_;
  std::atomic<bool> admitted_;
  std::atomic<bool> fin_under_way_{false};

  mutable std::mutex mutex_;
  std::vector<base::SharedBytes> received_;
  std::span<std::uint8_t> landing_;  // the room that is left there
  std::size_t landed_ = 0;
  // Changed under the lock only. Bytes that the reader has not taken, in received_ and with the reader; and how many it
  // waits for.
  std::atomic<std::uint64_t> held_{0};
  std::atomic<std::uint64_t> wanted_{0};
  const std::uint64_t limit_;
  bool paused_ = false;
  bool reader_armed_ = false;
  bool writer_armed_ = false;
  bool over_armed_ = false;
  std::uint64_t writer_level_ = 0;
  Incoming incoming_;
  std::vector<BorrowedSend*> released_;

  std::atomic<std::uint64_t> outstanding_{0};
  std::atomic<std::uint64_t> stop_code_{kNone};
  std::atomic<bool> over_{false};
  std::atomic<bool> canceled_{false};
  std::atomic<std::uint64_t> ideal_{0};
  std::atomic<quic::Status> start_status_{quic::Status::Success};

  OwnerReference owner_;
};

}  // namespace msquic_py::python
