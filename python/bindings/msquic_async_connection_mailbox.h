#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "msquic_async_stream_mailbox.h"
#include "msquic_handler_slot.h"
#include "quic/connection_handler.h"

namespace msquic_py::python {

class AsyncListenerMailbox;
struct AsyncLimits;

/// What coroutines can wait for on a connection. A bit each in AsyncConnectionMailbox::arm().
enum AsyncConnectionWait : std::uint32_t {
  kWaitConnected,
  kWaitPeerStream,
  kWaitDatagram,
  kWaitBidirectionalCredit,
  kWaitUnidirectionalCredit,
  kWaitTicket,
  kWaitSent,
  kWaitDatagramRoom,
  kWaitOver,
  kWaitEarlyData,
  kAsyncConnectionWaits
};

/// What happened to a connection of msquic.asyncio, collected on MsQuic's threads. As with streams, the loop is told
/// only what somebody waits for.
class AsyncConnectionMailbox final : public quic::ConnectionHandler, public EventTarget, public AsyncSentListener {
 public:
  struct PeerStream {
    std::shared_ptr<AsyncStreamMailbox> mailbox;
    quic::Stream stream;
    bool early_data = false;
  };
  /// A certificate that waits for the verifier's decision.
  struct ShownCertificate {
    std::vector<base::ByteVector> chain;
    std::string server_name;
    quic::CertificateVerdict verdict;
  };

  static std::shared_ptr<AsyncConnectionMailbox> create(std::shared_ptr<AsyncQueue> queue, const AsyncLimits& limits,
                                                        std::weak_ptr<AsyncListenerMailbox> listener = {});
  AsyncConnectionMailbox(std::shared_ptr<AsyncStreamContext> streams, std::weak_ptr<AsyncListenerMailbox> listener,
                         std::uint64_t stream_backlog)
      : streams_(std::move(streams)), listener_(std::move(listener)), stream_backlog_(stream_backlog) {}

  void on_connected(bool resumed, std::string_view alpn) noexcept override;
  void on_shutdown_initiated(const quic::CloseReason& reason) noexcept override;
  void on_shutdown_complete(const quic::CloseReason& reason) noexcept override;
  std::shared_ptr<quic::StreamHandler> on_peer_stream(quic::Stream stream, bool early_data) noexcept override;
  void on_streams_available(std::uint16_t bidirectional, std::uint16_t unidirectional) noexcept override;
  void on_datagram_received(base::Bytes datagram, bool early_data) noexcept override;
  void on_datagram_room() noexcept override;
  void on_datagram_send_state(std::uint64_t token, quic::DatagramSendState state) noexcept override;
  quic::CertificateDecision on_peer_certificate(const quic::PeerCertificate& certificate) noexcept override;
  bool on_resumed(base::Bytes application_data) noexcept override;
  void on_early_data(bool accepted) noexcept override;
  void on_resumption_ticket(base::Bytes ticket) noexcept override;

  void on_all_sent() noexcept override;

  void dispatch(const Event& event) override;
  /// Tells the log what it has not been told of `owner`, the Python connection. Loop thread, like dispatch(); a
  /// coroutine that finds the connection open or over without waiting comes ahead of the event.
  void tell_log(PyObject* owner);

  /// The loop is told when `wait` may have come true. False when it has already: look again instead of waiting.
  [[nodiscard]] bool arm(AsyncConnectionWait wait, std::uint64_t opened = 0) noexcept;

  [[nodiscard]] std::optional<PeerStream> take_peer_stream() noexcept;
  [[nodiscard]] std::optional<ShownCertificate> take_certificate() noexcept;
  /// Swaps what was received into `datagrams`, which must be empty.
  void take_datagrams(std::deque<base::SharedBytes>& datagrams) noexcept;
  [[nodiscard]] std::uint64_t datagrams_dropped() const noexcept;
  /// How many streams the peer lets this side begin, since the beginning.
  [[nodiscard]] std::uint64_t credit(std::size_t direction) const noexcept {
    return credit_[direction].load(std::memory_order_acquire);
  }
  [[nodiscard]] std::optional<base::ByteVector> newest_ticket() const;
  [[nodiscard]] base::ByteVector resumption_data() const;

  [[nodiscard]] bool is_connected() const noexcept;
  [[nodiscard]] bool is_resumed() const noexcept;
  [[nodiscard]] bool is_over() const noexcept;
  [[nodiscard]] std::optional<bool> early_data_accepted() const noexcept;
  /// After the connection is over.
  [[nodiscard]] std::optional<quic::CloseReason> close_reason() const;

  [[nodiscard]] const std::shared_ptr<AsyncStreamContext>& streams() const noexcept { return streams_; }
  /// A server's connection that its listener has not handed out yet: true for the first caller.
  [[nodiscard]] bool announce() noexcept;
  /// Needs the GIL.
  OwnerReference& owner() noexcept { return owner_; }

 private:
  enum Kind : std::uint32_t { kDatagramFate = kAsyncConnectionWaits, kToLog, kCertificate, kFlooded };
  void push(std::uint32_t kind, std::uint64_t first = 0, std::uint64_t second = 0) noexcept {
    streams_->queue->push(Event{shared_from_this(), kind, first, second});
  }
  /// Takes the bits of `waits` off, and says which were there. Needs mutex_.
  std::uint32_t disarm(std::uint32_t waits) noexcept {
    const std::uint32_t found = armed_ & waits;
    armed_ &= ~waits;
    return found;
  }
  void tell(std::uint32_t waits) noexcept;
  void hand_out() noexcept;

  const std::shared_ptr<AsyncStreamContext> streams_;
  const std::weak_ptr<AsyncListenerMailbox> listener_;
  const std::uint64_t stream_backlog_;

  mutable std::mutex mutex_;
  std::uint32_t armed_ = 0;
  bool connected_ = false;
  bool resumed_ = false;
  bool over_ = false;
  bool announced_ = false;
  bool opening_untold_ = false;
  bool end_untold_ = false;
  bool flooded_ = false;
  std::optional<bool> early_data_accepted_;
  std::optional<quic::CloseReason> reason_;
  std::deque<PeerStream> peer_streams_;
  std::deque<base::SharedBytes> datagrams_;
  std::size_t datagram_bytes_ = 0;
  std::uint64_t datagrams_dropped_ = 0;
  std::atomic<std::uint64_t> credit_[2]{};  ///< changed under the lock only
  std::optional<base::ByteVector> ticket_;
  std::optional<ShownCertificate> certificate_;
  base::ByteVector resumption_data_;

  OwnerReference owner_;
};

}  // namespace msquic_py::python
