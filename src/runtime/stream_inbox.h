#pragma once

#include <cstdint>
#include <memory>

#include "quic/stream_handler.h"
#include "runtime/transport_inbox.h"

namespace msquic_py::runtime {

/// Events of the control stream, whoever opened it. The draft forbids closing it, so every end is ControlClosed.
class ControlStreamInbox final : public quic::StreamHandler {
 public:
  explicit ControlStreamInbox(std::shared_ptr<TransportInbox> inbox) noexcept : inbox_(std::move(inbox)) {}
  std::uint64_t on_receive(const quic::ReceivedData& data) noexcept override;
  void on_send_complete(std::uint64_t bytes, bool canceled) noexcept override;
  void on_peer_send_aborted(std::uint64_t code) noexcept override;
  void on_peer_receive_aborted(std::uint64_t code) noexcept override;
  void on_shutdown_complete(const quic::StreamShutdown& shutdown) noexcept override;

 private:
  void closed() noexcept;
  std::shared_ptr<TransportInbox> inbox_;
  bool reported_ = false;
};

/// Events of a unidirectional stream that the peer writes.
class IncomingStreamInbox final : public quic::StreamHandler {
 public:
  IncomingStreamInbox(std::shared_ptr<TransportInbox> inbox, std::uint64_t id) noexcept
      : inbox_(std::move(inbox)), id_(id) {}
  std::uint64_t on_receive(const quic::ReceivedData& data) noexcept override;
  void on_peer_send_aborted(std::uint64_t code) noexcept override;
  void on_shutdown_complete(const quic::StreamShutdown& shutdown) noexcept override;

 private:
  std::shared_ptr<TransportInbox> inbox_;
  std::uint64_t id_;
};

/// Events of a unidirectional stream that this endpoint writes; `handle` is the session's StreamHandle.
class OutgoingStreamInbox final : public quic::StreamHandler {
 public:
  OutgoingStreamInbox(std::shared_ptr<TransportInbox> inbox, std::uint64_t handle) noexcept
      : inbox_(std::move(inbox)), handle_(handle) {}
  std::uint64_t on_receive(const quic::ReceivedData& data) noexcept override { return data.size; }
  /// The driver uses the number of bytes as the token of a send.
  void on_send_complete(std::uint64_t bytes, bool canceled) noexcept override;
  void on_peer_receive_aborted(std::uint64_t code) noexcept override;
  void on_shutdown_complete(const quic::StreamShutdown& shutdown) noexcept override;

 private:
  std::shared_ptr<TransportInbox> inbox_;
  std::uint64_t handle_;
};

}  // namespace msquic_py::runtime
