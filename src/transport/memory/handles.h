#pragma once

#include <memory>
#include <utility>

#include "transport/connection.h"
#include "transport/memory/endpoint.h"
#include "transport/stream.h"

namespace msquic_py::transport::memory {

/// The handle of a stream in memory.
class StreamOfMemory final : public Stream {
 public:
  StreamOfMemory(std::shared_ptr<Endpoint> endpoint, Endpoint::StreamPointer stream) noexcept
      : endpoint_(std::move(endpoint)), stream_(std::move(stream)) {}
  ~StreamOfMemory() override;

  Result<void> send(std::span<const base::SharedBytes> slices, bool fin, std::uint64_t token) noexcept override;
  void reset(std::uint64_t code) noexcept override;
  void stop(std::uint64_t code) noexcept override;
  void resume_receive() noexcept override;
  void set_priority(std::uint16_t priority) noexcept override;

 private:
  std::shared_ptr<Endpoint> endpoint_;
  Endpoint::StreamPointer stream_;
};

/// The handle of a connection in memory.
class ConnectionOfMemory final : public Connection {
 public:
  explicit ConnectionOfMemory(std::shared_ptr<Endpoint> endpoint) noexcept : endpoint_(std::move(endpoint)) {}
  ~ConnectionOfMemory() override;

  [[nodiscard]] bool is_server() const noexcept override;
  Result<StreamHandle> open_stream(Direction direction, StreamKey key) noexcept override;
  Result<void> send_datagram(std::span<const base::SharedBytes> slices, std::uint64_t token) noexcept override;
  [[nodiscard]] std::size_t max_datagram_size() const noexcept override;
  [[nodiscard]] std::size_t longest_reason() const noexcept override { return 511; }
  void close(std::uint64_t code, std::string_view reason) noexcept override;

  [[nodiscard]] const Endpoint& endpoint() const noexcept { return *endpoint_; }

 private:
  std::shared_ptr<Endpoint> endpoint_;
};

}  // namespace msquic_py::transport::memory
