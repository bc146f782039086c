#include "stream_jobs.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "bulk_source.h"
#include "protocol.h"

namespace msquic_py::bench {

namespace {

/// A job of one stream in each connection.
class StreamJob : public JobConnection {
 public:
  using JobConnection::JobConnection;

 protected:
  HQUIC open_stream() {
    HQUIC stream = nullptr;
    if (QUIC_FAILED(api()->StreamOpen(connection(), QUIC_STREAM_OPEN_FLAG_NONE, on_stream, this, &stream)) ||
        QUIC_FAILED(api()->StreamStart(stream, QUIC_STREAM_START_FLAG_NONE))) {
      fail("no stream could be opened");
      return nullptr;
    }
    return stream;
  }
  virtual void sent(HQUIC) {}
  virtual void received(const QUIC_STREAM_EVENT&) = 0;
  virtual void peer_ended() = 0;

 private:
  static QUIC_STATUS QUIC_API on_stream(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
    auto& self = *static_cast<StreamJob*>(context);
    switch (event->Type) {
      case QUIC_STREAM_EVENT_SEND_COMPLETE:
        if (event->SEND_COMPLETE.Canceled == FALSE) self.sent(stream);
        break;
      case QUIC_STREAM_EVENT_RECEIVE: self.received(*event); break;
      case QUIC_STREAM_EVENT_PEER_SEND_SHUTDOWN: self.peer_ended(); break;
      case QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE: self.api()->StreamClose(stream); break;
      default: break;
    }
    return QUIC_STATUS_SUCCESS;
  }
};

class BulkSend final : public StreamJob {
 public:
  BulkSend(const MsQuicApi& api, std::uint16_t port, std::uint64_t bytes)
      : StreamJob(api, kBulkSend, port), bytes_(bytes), source_(api) {}

 private:
  void connected() override {
    if (HQUIC stream = open_stream()) source_.start(stream, bytes_);
  }
  void sent(HQUIC stream) override { source_.piece_sent(stream); }
  void received(const QUIC_STREAM_EVENT& event) override {
    for (std::uint32_t i = 0; i < event.RECEIVE.BufferCount; ++i) {
      const QUIC_BUFFER& part = event.RECEIVE.Buffers[i];
      const auto size = std::min<std::size_t>(part.Length, answer_.size() - answered_);
      std::memcpy(answer_.data() + answered_, part.Buffer, size);
      answered_ += size;
    }
  }
  void peer_ended() override {
    std::uint64_t count = 0;
    std::memcpy(&count, answer_.data(), sizeof(count));
    if (count == bytes_) return finish(bytes_);
    fail("the server counted " + std::to_string(count) + " bytes");
  }

  std::uint64_t bytes_;
  BulkSource source_;
  std::array<std::uint8_t, 8> answer_{};
  std::size_t answered_ = 0;
};

class BulkReceive final : public StreamJob {
 public:
  BulkReceive(const MsQuicApi& api, std::uint16_t port, std::uint64_t bytes)
      : StreamJob(api, kBulkReceive, port), bytes_(bytes) {}

 private:
  void connected() override {
    std::memcpy(request_.data(), &bytes_, sizeof(bytes_));
    if (HQUIC stream = open_stream()) api()->StreamSend(stream, &buffer_, 1, QUIC_SEND_FLAG_FIN, nullptr);
  }
  void received(const QUIC_STREAM_EVENT& event) override { received_ += event.RECEIVE.TotalBufferLength; }
  void peer_ended() override {
    if (received_ == bytes_) return finish(bytes_);
    fail("received " + std::to_string(received_) + " bytes");
  }

  std::uint64_t bytes_;
  std::uint64_t received_ = 0;
  std::array<std::uint8_t, 8> request_{};
  QUIC_BUFFER buffer_{8, request_.data()};
};

class Requests final : public JobConnection {
 public:
  Requests(const MsQuicApi& api, std::uint16_t port, std::uint64_t count, std::uint64_t parallel)
      : JobConnection(api, kRequests, port), count_(count), slots_(std::min(count, parallel), Slot{*this}) {}

 private:
  /// What one request after the other uses: the next one starts when the answer has come.
  struct Slot {
    Requests& job;
    std::uint64_t answered = 0;
  };

  void connected() override {
    for (Slot& slot : slots_) next(slot);
  }

  void next(Slot& slot) {
    if (started_ == count_) return;
    ++started_;
    slot.answered = 0;
    HQUIC stream = nullptr;
    if (QUIC_FAILED(api()->StreamOpen(connection(), QUIC_STREAM_OPEN_FLAG_NONE, on_stream, &slot, &stream)) ||
        QUIC_FAILED(api()->StreamSend(stream, &request_, 1, QUIC_SEND_FLAG_START | QUIC_SEND_FLAG_FIN, nullptr))) {
      fail("a request could not be sent");
    }
  }

  void answered(Slot& slot) {
    if (slot.answered != kRequestSize) return fail("an answer has " + std::to_string(slot.answered) + " bytes");
    if (++done_ == count_) return finish(count_);
    next(slot);
  }

  static QUIC_STATUS QUIC_API on_stream(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
    auto& slot = *static_cast<Slot*>(context);
    switch (event->Type) {
      case QUIC_STREAM_EVENT_RECEIVE: slot.answered += event->RECEIVE.TotalBufferLength; break;
      case QUIC_STREAM_EVENT_PEER_SEND_SHUTDOWN: slot.job.answered(slot); break;
      case QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE: slot.job.api()->StreamClose(stream); break;
      default: break;
    }
    return QUIC_STATUS_SUCCESS;
  }

  std::uint64_t count_;
  std::uint64_t started_ = 0;
  std::uint64_t done_ = 0;
  std::array<std::uint8_t, kRequestSize> bytes_{};
  QUIC_BUFFER request_{kRequestSize, bytes_.data()};
  std::vector<Slot> slots_;
};

}  // namespace

Outcome send_bulk(const MsQuicApi& api, std::uint16_t port, std::uint64_t bytes) {
  return BulkSend(api, port, bytes).run();
}

Outcome receive_bulk(const MsQuicApi& api, std::uint16_t port, std::uint64_t bytes) {
  return BulkReceive(api, port, bytes).run();
}

Outcome send_requests(const MsQuicApi& api, std::uint16_t port, std::uint64_t count, std::uint64_t parallel) {
  return Requests(api, port, count, parallel).run();
}

}  // namespace msquic_py::bench
