#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/shared_bytes.h"
#include "quic/connection_handler.h"
#include "runtime/event_loop.h"
#include "runtime/transport_event.h"

namespace msquic_py::runtime {

/// A peer's certificate about which somebody else than this library decides.
struct ShownCertificate {
  std::vector<base::ByteVector> chain;  ///< in DER, the peer's own first
  std::string server_name;
  quic::CertificateVerdict verdict;  ///< this library's own
};

/// Receives the events of one connection on MsQuic's threads and keeps them for the connection's driver.
///
/// Received bytes are copied once, here, out of MsQuic's memory into slabs; from then on they are passed on by
/// reference. When the loop falls behind by more than kHighWater bytes, streams are paused and flow control makes
/// the peer wait; the driver resumes them after it has caught up.
class TransportInbox final : public quic::ConnectionHandler, public std::enable_shared_from_this<TransportInbox> {
 public:
  static constexpr std::size_t kHighWater = 4 * 1024 * 1024;

  explicit TransportInbox(EventLoop& loop) noexcept : loop_(loop) {}

  /// From now on `participant` is made ready for what arrives, and at once for what has. Loop thread.
  void attach(EventLoop::Participant& participant);
  /// No call for the participant begins after this. Loop thread.
  void detach();

  /// Moves what has arrived into `batch`, emptied first. Loop thread. Returns the last report about the network since
  /// the call before.
  std::optional<quic::NetworkStatistics> take(std::vector<TransportEvent>& batch);
  /// Whether what was sent or acknowledged is worth a turn of the participant. If not, it waits for the next turn: with
  /// most sends nothing depends on it, and waking a thread costs more than all of the rest. Loop thread.
  void report_sent_at_once(bool at_once);
  /// Takes no more of an incoming stream until resume(): the bytes stay with MsQuic, where flow control holds the peer
  /// up. Resume it there, too. Loop thread.
  void pause(std::uint64_t stream);
  void resume(std::uint64_t stream);
  /// Any thread.
  void push(TransportEvent&& event) noexcept;
  /// Pushes received bytes, copied; false when the loop is too far behind and nothing was taken.
  bool push_received(TransportEvent::Kind kind, std::uint64_t id, const quic::ReceivedData& data) noexcept;

  /// What CertificateShown is about. Loop thread.
  [[nodiscard]] std::optional<ShownCertificate> take_certificate();

  /// Why the connection ended; filled before ShutdownComplete is pushed.
  [[nodiscard]] const quic::CloseReason& close_reason() const noexcept { return close_reason_; }

  void on_connected(bool resumed, std::string_view alpn) noexcept override;
  void on_shutdown_complete(const quic::CloseReason& reason) noexcept override;
  std::shared_ptr<quic::StreamHandler> on_peer_stream(quic::Stream stream, bool early_data) noexcept override;
  void on_datagram_state(bool send_enabled, std::uint16_t max_size) noexcept override;
  void on_datagram_received(base::Bytes datagram, bool early_data) noexcept override;
  quic::CertificateDecision on_peer_certificate(const quic::PeerCertificate& certificate) noexcept override;
  void on_resumption_ticket(base::Bytes ticket) noexcept override;
  void on_datagram_send_state(std::uint64_t token, quic::DatagramSendState state) noexcept override;
  [[nodiscard]] bool wants_network_statistics() const noexcept override { return true; }
  void on_network_statistics(const quic::NetworkStatistics& statistics) noexcept override;

 private:
  void wake() noexcept;
  [[nodiscard]] bool paused(std::uint64_t stream) noexcept;

  EventLoop& loop_;
  std::mutex mutex_;  // never held across a call into quic
  std::vector<TransportEvent> events_;
  EventLoop::Participant* participant_ = nullptr;
  bool woken_ = false;  ///< the participant has been made ready since the last take()
  bool sent_at_once_ = false;
  std::optional<quic::NetworkStatistics> network_;
  std::atomic<std::size_t> queued_bytes_{0};
  std::vector<std::uint64_t> paused_;
  std::atomic<std::size_t> paused_streams_{0};  ///< its size, to be asked without the lock
  std::optional<ShownCertificate> certificate_;

  // Touched by MsQuic's callbacks only, which come one at a time for a connection.
  base::SlabArena arena_;
  bool control_stream_seen_ = false;
  quic::CloseReason close_reason_;
};

}  // namespace msquic_py::runtime
