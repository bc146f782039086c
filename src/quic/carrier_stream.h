#pragma once

// Internal to this layer: the streams of a CarriedConnection.

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "quic/stream.h"
#include "quic/stream_handler.h"
#include "transport/connection_handler.h"
#include "transport/stream.h"

namespace msquic_py::quic {

/// What a carrier's user gets to know of an error.
[[nodiscard]] transport::TransportError carrier_error(const Error& error) noexcept;

/// Tells the events of one stream under its key.
class CarrierStreamEvents final : public StreamHandler {
 public:
  CarrierStreamEvents(std::shared_ptr<transport::ConnectionHandler> handler, transport::StreamKey key) noexcept
      : handler_(std::move(handler)), key_(key) {}

  std::uint64_t on_receive(const ReceivedData& data) noexcept override;
  void on_send_complete(std::uint64_t token, bool canceled) noexcept override;
  void on_peer_send_aborted(std::uint64_t code) noexcept override;
  void on_peer_receive_aborted(std::uint64_t code) noexcept override;
  void on_shutdown_complete(const StreamShutdown& shutdown) noexcept override;

 private:
  const std::shared_ptr<transport::ConnectionHandler> handler_;
  const transport::StreamKey key_;
};

/// The handle of a stream.
class CarriedStream final : public transport::Stream {
 public:
  CarriedStream(quic::Stream stream, bool started) noexcept : stream_(std::move(stream)), started_(started) {}

  transport::Result<void> send(std::span<const base::SharedBytes> slices, bool fin,
                               std::uint64_t token) noexcept override;
  void reset(std::uint64_t code) noexcept override;
  void stop(std::uint64_t code) noexcept override;
  void resume_receive() noexcept override;
  void set_priority(std::uint16_t priority) noexcept override;

 private:
  quic::Stream stream_;
  bool started_;
  bool ended_ = false;  ///< finished or reset here
};

}  // namespace msquic_py::quic
