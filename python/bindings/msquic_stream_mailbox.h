#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "base/bytes.h"
#include "dispatch_queue.h"
#include "msquic_arguments.h"
#include "msquic_handler_slot.h"
#include "quic/stream_handler.h"

namespace msquic_py::python {

class StreamObject;

/// What can happen to a stream; each has a handler.
enum StreamEvent : std::uint32_t {
  kReceive,
  kSendComplete,
  kPeerSendAborted,
  kPeerReceiveAborted,
  kStartComplete,
  // What follows is only told to who asked for it before.
  kPeerAccepted,
  kSendShutdownComplete,
  kIdealSendBuffer,
  kStreamShutdownComplete,
  kStreamEventCount
};

/// Counts the bytes that the streams of one connection keep while nobody wants them yet.
class EarlyBudget {
 public:
  /// How many of `wanted` more bytes may be kept; they are counted.
  std::uint64_t take(std::uint64_t wanted) noexcept;
  void give_back(std::uint64_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  static constexpr std::uint64_t kLimit = 4 * 1024 * 1024;
  std::atomic<std::uint64_t> used_{0};
};

/// Collects a stream's events on MsQuic's threads and hands them to the StreamObject's handlers on the dispatcher's.
///
/// Received bytes are copied here once. Beyond a limit the stream is paused, so that QUIC's flow control holds the
/// peer back; it is resumed as soon as a handler gets what is kept. Without a handler the limit is small.
class StreamMailbox final : public quic::StreamHandler, public EventTarget {
 public:
  StreamMailbox(EventQueue& queue, std::shared_ptr<EarlyBudget> early) : queue_(queue), early_(std::move(early)) {}
  ~StreamMailbox() override;

  void on_start_complete(std::uint64_t id, quic::Status status, bool peer_accepted) noexcept override;
  std::uint64_t on_receive(const quic::ReceivedData& data) noexcept override;
  void on_send_complete(std::uint64_t token, bool canceled) noexcept override;
  void on_peer_send_aborted(std::uint64_t code) noexcept override;
  void on_peer_receive_aborted(std::uint64_t code) noexcept override;
  void on_peer_accepted() noexcept override;
  void on_send_shutdown_complete(bool graceful) noexcept override;
  void on_ideal_send_buffer(std::uint64_t bytes) noexcept override;
  void on_shutdown_complete(const quic::StreamShutdown& shutdown) noexcept override;

  void dispatch(const Event& event) override;
  void push(StreamEvent kind, std::uint64_t first = 0, std::uint64_t second = 0) noexcept;

  // The rest needs the GIL or, where there is none, the owner locked.
  OwnerReference& owner() noexcept { return owner_; }
  [[nodiscard]] bool is_over() const noexcept { return over_.load(std::memory_order_acquire); }
  /// A handler for `kind` was set: it gets what came before it and no handler has had.
  void replay(StreamEvent kind) noexcept;

 private:
  void want_data() noexcept;
  void told(StreamEvent kind, std::uint64_t value) noexcept;
  void deliver(const Event& event, PyObject* owner);
  /// False when a handler raised.
  bool deliver_data(StreamObject& stream, ObjectLock& lock);
  bool deliver(StreamObject& stream, ObjectLock& lock, StreamEvent kind);
  bool deliver_last(StreamObject& stream, ObjectLock& lock, StreamEvent kind);
  void deliver_end(StreamObject& stream, ObjectLock& lock);
  /// What an event says about the stream from now on.
  void note(const Event& event) noexcept;

  EventQueue& queue_;
  const std::shared_ptr<EarlyBudget> early_;

  std::atomic<std::uint32_t> wanted_{0};  // a bit for each event that somebody asked for
  // What kPeerAccepted, kSendShutdownComplete and kIdealSendBuffer said last, and one; 0 before.
  std::atomic<std::uint64_t> last_[3]{};

  std::mutex mutex_;
  base::ByteVector received_;
  std::uint64_t counted_early_ = 0;  // of received_, in early_
  bool fin_ = false;                 // follows received_
  bool paused_ = false;
  bool readable_queued_ = false;
  bool data_wanted_ = false;

  // With the GIL or, where there is none, the owner locked.
  OwnerReference owner_;
  base::ByteVector delivering_;
  std::uint64_t reset_code_ = 0;
  std::uint64_t stop_code_ = 0;
  quic::Status start_status_ = quic::Status::Success;
  std::uint32_t pending_ = 0;      // events that came and that no handler has had, a bit each
  std::atomic<bool> over_{false};  // a connection asks, too
};

/// A send under way. It is given back with the GIL, on the dispatcher's thread.
struct SendInFlight {
  explicit SendInFlight(nanobind::handle data) : buffer(data, "data") {}
  HeldBuffer buffer;
};

}  // namespace msquic_py::python
