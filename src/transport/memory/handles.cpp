#include "transport/memory/handles.h"

namespace msquic_py::transport::memory {

StreamOfMemory::~StreamOfMemory() { endpoint_->abandon(*stream_); }

Result<void> StreamOfMemory::send(std::span<const base::SharedBytes> slices, bool fin, std::uint64_t token) noexcept {
  if (endpoint_->closing()) return base::Failure{TransportError::ConnectionClosing};
  if (!endpoint_->send(*stream_, slices, fin, token)) return base::Failure{TransportError::StreamEnded};
  return {};
}

void StreamOfMemory::reset(std::uint64_t code) noexcept { endpoint_->reset(*stream_, code); }
void StreamOfMemory::stop(std::uint64_t code) noexcept { endpoint_->stop(*stream_, code); }
void StreamOfMemory::resume_receive() noexcept { endpoint_->resume(stream_); }
void StreamOfMemory::set_priority(std::uint16_t priority) noexcept { endpoint_->prioritize(*stream_, priority); }

ConnectionOfMemory::~ConnectionOfMemory() { endpoint_->close(0, {}); }

bool ConnectionOfMemory::is_server() const noexcept { return endpoint_->is_server(); }

Result<StreamHandle> ConnectionOfMemory::open_stream(Direction direction, StreamKey key) noexcept {
  if (endpoint_->closing()) return base::Failure{TransportError::ConnectionClosing};
  return StreamHandle(std::make_unique<StreamOfMemory>(endpoint_, endpoint_->open(direction, key)));
}

Result<void> ConnectionOfMemory::send_datagram(std::span<const base::SharedBytes> slices,
                                               std::uint64_t token) noexcept {
  if (endpoint_->closing()) return base::Failure{TransportError::ConnectionClosing};
  std::size_t size = 0;
  for (const base::SharedBytes& slice : slices) size += slice.size();
  const std::size_t largest = endpoint_->datagram_size();
  if (largest == 0) return base::Failure{TransportError::DatagramsUnavailable};
  if (size > largest) return base::Failure{TransportError::DatagramTooLarge};
  endpoint_->send_datagram(slices, token);
  return {};
}

std::size_t ConnectionOfMemory::max_datagram_size() const noexcept { return endpoint_->datagram_size(); }

void ConnectionOfMemory::close(std::uint64_t code, std::string_view reason) noexcept { endpoint_->close(code, reason); }

}  // namespace msquic_py::transport::memory
