#include "datagram_job.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>

#include "protocol.h"

namespace msquic_py::bench {

namespace {

class Datagrams final : public JobConnection {
 public:
  Datagrams(const MsQuicApi& api, std::uint16_t port, std::uint64_t count, std::uint64_t window)
      : JobConnection(api, kDatagrams, port),
        count_(count),
        window_(window),
        announcement_{count, std::max<std::uint64_t>(window / kCountsPerWindow, 1)} {}

 private:
  void connected() override {
    HQUIC stream = nullptr;
    if (QUIC_FAILED(api()->StreamOpen(connection(), QUIC_STREAM_OPEN_FLAG_NONE, on_stream, this, &stream)) ||
        QUIC_FAILED(api()->StreamSend(stream, &announcement_buffer_, 1, QUIC_SEND_FLAG_START, nullptr))) {
      return fail("the announcement could not be sent");
    }
    stream_ = stream;
  }

  void send_what_fits() {
    while (sent_ < count_ && sent_ - received_ < window_) {
      // All datagrams are the same bytes; MsQuic reads them until the state SENT.
      if (QUIC_FAILED(api()->DatagramSend(connection(), &datagram_, 1, QUIC_SEND_FLAG_NONE, nullptr))) {
        return fail("a datagram could not be sent");
      }
      ++sent_;
    }
  }

  /// The stream's end makes the server say its count. Calls of MsQuic from this thread are queued behind what it does.
  void second_passed() override {
    const std::uint64_t seen = progress_.load();
    if (HQUIC stream = stream_; seen == progress_a_second_ago_ && stream != nullptr) {
      api()->StreamShutdown(stream, QUIC_STREAM_SHUTDOWN_FLAG_GRACEFUL, 0);
    }
    progress_a_second_ago_ = seen;
  }

  void counted(std::uint64_t received) {
    if (sent_ == 0) start_clock();
    received_ = received;
    progress_.fetch_add(1);
    counted_at_ = std::chrono::steady_clock::now();
    if (received_ == count_) {
      finish(count_);
    } else {
      send_what_fits();
    }
  }

  void take(const QUIC_BUFFER& part) {
    for (std::uint32_t at = 0; at < part.Length;) {
      const auto size = std::min<std::size_t>(part.Length - at, number_.size() - number_bytes_);
      std::memcpy(number_.data() + number_bytes_, part.Buffer + at, size);
      number_bytes_ += size;
      at += static_cast<std::uint32_t>(size);
      if (number_bytes_ < number_.size()) return;
      number_bytes_ = 0;
      std::uint64_t received = 0;
      std::memcpy(&received, number_.data(), sizeof(received));
      counted(received);
    }
  }

  static QUIC_STATUS QUIC_API on_stream(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
    auto& self = *static_cast<Datagrams*>(context);
    switch (event->Type) {
      case QUIC_STREAM_EVENT_RECEIVE:
        for (std::uint32_t i = 0; i < event->RECEIVE.BufferCount; ++i) self.take(event->RECEIVE.Buffers[i]);
        break;
      case QUIC_STREAM_EVENT_PEER_SEND_SHUTDOWN:
        self.finish(self.received_, self.sent_ - self.received_, self.counted_at_);
        break;
      case QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE:
        self.stream_ = nullptr;
        self.api()->StreamClose(stream);
        break;
      default: break;
    }
    return QUIC_STATUS_SUCCESS;
  }

  std::uint64_t count_;
  std::uint64_t window_;
  std::array<std::uint64_t, 2> announcement_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::chrono::steady_clock::time_point counted_at_;
  std::atomic<std::uint64_t> progress_{0};
  std::uint64_t progress_a_second_ago_ = 0;
  std::atomic<HQUIC> stream_{nullptr};
  QUIC_BUFFER announcement_buffer_{sizeof(announcement_), reinterpret_cast<std::uint8_t*>(announcement_.data())};
  std::array<std::uint8_t, 8> number_{};
  std::size_t number_bytes_ = 0;
  std::array<std::uint8_t, kDatagramSize> payload_{};
  QUIC_BUFFER datagram_{kDatagramSize, payload_.data()};
};

}  // namespace

Outcome send_datagrams(const MsQuicApi& api, std::uint16_t port, std::uint64_t count, std::uint64_t window) {
  return Datagrams(api, port, count, window).run();
}

}  // namespace msquic_py::bench
