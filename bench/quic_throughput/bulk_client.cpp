#include "bulk_client.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace msquic_py::bench {

namespace {

class BulkClient {
 public:
  BulkClient(const MsQuicApi& api, std::uint64_t bytes) : api_(api), left_(bytes), piece_(kPieceSize, 0x5a) {}

  double run(HQUIC configuration, std::uint16_t port) {
    require(api_->ConnectionOpen(api_.registration(), on_connection, this, &connection_), "ConnectionOpen");
    require(api_->ConnectionStart(connection_, configuration, QUIC_ADDRESS_FAMILY_INET, "127.0.0.1", port),
            "ConnectionStart");
    wait([this] { return connected_; });
    const std::uint64_t bytes = left_;
    const auto started = std::chrono::steady_clock::now();
    HQUIC stream = nullptr;
    require(api_->StreamOpen(connection_, QUIC_STREAM_OPEN_FLAG_NONE, on_stream, this, &stream), "StreamOpen");
    require(api_->StreamStart(stream, QUIC_STREAM_START_FLAG_NONE), "StreamStart");
    {
      const std::lock_guard lock(mutex_);
      for (int i = 0; i < kPiecesOutstanding; ++i) send_piece(stream);
    }
    wait([this] { return answered_ == sizeof(answer_); });
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    std::uint64_t count = 0;
    std::memcpy(&count, answer_.data(), sizeof(count));
    if (count != bytes) throw std::runtime_error("the server counted " + std::to_string(count) + " bytes");
    api_->ConnectionShutdown(connection_, QUIC_CONNECTION_SHUTDOWN_FLAG_NONE, 0);
    wait_closed();
    return taken.count();
  }

 private:
  template <class Reached>
  void wait(Reached reached) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::minutes(2), [&] { return reached() || closed_; }) || !reached()) {
      throw std::runtime_error(closed_ ? "the connection was closed" : "the transfer does not end");
    }
  }
  void wait_closed() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_; });
  }

  /// With the mutex held: MsQuic queues the send and does not call back here.
  void send_piece(HQUIC stream) {
    if (left_ == 0) return;
    const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(left_, piece_.size()));
    left_ -= size;
    // The last piece may be short; the others share one description.
    QUIC_BUFFER& buffer = left_ == 0 ? last_ : whole_;
    buffer = {size, piece_.data()};
    require(api_->StreamSend(stream, &buffer, 1, left_ == 0 ? QUIC_SEND_FLAG_FIN : QUIC_SEND_FLAG_NONE, nullptr),
            "StreamSend");
  }

  static QUIC_STATUS QUIC_API on_stream(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
    auto& self = *static_cast<BulkClient*>(context);
    switch (event->Type) {
      case QUIC_STREAM_EVENT_SEND_COMPLETE: {
        const std::lock_guard lock(self.mutex_);
        if (event->SEND_COMPLETE.Canceled == FALSE) self.send_piece(stream);
        break;
      }
      case QUIC_STREAM_EVENT_RECEIVE: {
        const std::lock_guard lock(self.mutex_);
        for (std::uint32_t i = 0; i < event->RECEIVE.BufferCount; ++i) {
          const QUIC_BUFFER& part = event->RECEIVE.Buffers[i];
          const auto size = std::min<std::size_t>(part.Length, self.answer_.size() - self.answered_);
          std::memcpy(self.answer_.data() + self.answered_, part.Buffer, size);
          self.answered_ += size;
        }
        self.changed_.notify_all();
        break;
      }
      case QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE: self.api_->StreamClose(stream); break;
      default: break;
    }
    return QUIC_STATUS_SUCCESS;
  }

  static QUIC_STATUS QUIC_API on_connection(HQUIC connection, void* context, QUIC_CONNECTION_EVENT* event) {
    auto& self = *static_cast<BulkClient*>(context);
    if (event->Type == QUIC_CONNECTION_EVENT_CONNECTED) {
      const std::lock_guard lock(self.mutex_);
      self.connected_ = true;
      self.changed_.notify_all();
    } else if (event->Type == QUIC_CONNECTION_EVENT_SHUTDOWN_COMPLETE) {
      self.api_->ConnectionClose(connection);
      const std::lock_guard lock(self.mutex_);
      self.closed_ = true;
      self.changed_.notify_all();
    }
    return QUIC_STATUS_SUCCESS;
  }

  const MsQuicApi& api_;
  std::uint64_t left_;
  std::vector<std::uint8_t> piece_;
  QUIC_BUFFER whole_{};
  QUIC_BUFFER last_{};
  HQUIC connection_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool connected_ = false;
  bool closed_ = false;
  std::array<std::uint8_t, 8> answer_{};
  std::size_t answered_ = 0;
};

}  // namespace

double send_bulk(const MsQuicApi& api, std::uint16_t port, std::uint64_t bytes) {
  HQUIC configuration = api.configure({}, {});
  BulkClient client(api, bytes);
  const double seconds = client.run(configuration, port);
  api->ConfigurationClose(configuration);
  return seconds;
}

}  // namespace msquic_py::bench
