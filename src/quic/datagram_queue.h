#pragma once

#include <cstdint>
#include <mutex>

#include "quic/connection.h"
#include "quic/send_record.h"

namespace msquic_py::quic {

/// The datagrams of one connection from send_datagram() until they are sent. MsQuic keeps everything that it is given
/// for as long as the path or the peer holds it back, and cannot take it back; so it is given only as much as it sends
/// in one go, and the rest waits here, where the oldest make room for the newest. Thread-safe; calls nobody.
class DatagramQueue {
 public:
  static constexpr std::uint32_t kDefaultLimit = 1024 * 1024;

  DatagramQueue() = default;
  DatagramQueue(const DatagramQueue&) = delete;
  DatagramQueue& operator=(const DatagramQueue&) = delete;
  ~DatagramQueue();

  /// What a call asks its caller to do: give `give_up`, linked by SendRecord::next, back as canceled; then, unless it
  /// is null, hand `hand_over` to MsQuic and ask next() for more.
  struct Work {
    SendRecord* give_up = nullptr;
    SendRecord* hand_over = nullptr;
  };

  void set_limit(std::uint32_t bytes) noexcept;
  /// Takes `record` over, with its flags.
  Work push(SendRecord& record) noexcept;
  /// What MsQuic gets next; null when there is nothing or it has enough. One thread at a time hands over, so that the
  /// order stays: who was given a record must call this until it returns null.
  SendRecord* next() noexcept;
  /// MsQuic did not take `record`.
  void refused(SendRecord& record) noexcept;
  /// MsQuic, which has `record`, sent or canceled it. What to hand over now; null as in next().
  SendRecord* left(SendRecord& record) noexcept;
  /// True when there is room again, once for each time that there was none.
  [[nodiscard]] bool take_room() noexcept;
  /// MsQuic canceled one that was not to wait.
  void count_dropped() noexcept;
  /// The connection is over: all that waits, linked. Nothing is taken any more.
  SendRecord* close() noexcept;
  [[nodiscard]] DatagramBacklog backlog() const noexcept;

 private:
  /// A queue of records, linked by SendRecord::next.
  class List {
   public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] const SendRecord* front() const noexcept { return first_; }
    void push(SendRecord& record) noexcept;
    SendRecord* pop() noexcept;
    SendRecord* release() noexcept;

   private:
    SendRecord* first_ = nullptr;
    SendRecord* last_ = nullptr;
  };

  [[nodiscard]] List& urgent_first() noexcept { return urgent_.empty() ? ordinary_ : urgent_; }
  [[nodiscard]] bool fits_into_msquic() const noexcept;
  void account_gone(const SendRecord& record) noexcept;
  SendRecord* next_locked() noexcept;
  SendRecord* drop_excess(const SendRecord& newest) noexcept;

  mutable std::mutex mutex_;  // never held across a call of MsQuic or a handler
  std::uint64_t limit_ = kDefaultLimit;
  List urgent_;    // sent with DatagramSendFlags::Priority
  List ordinary_;  // the others
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t charged_ = 0;            // against the limit, see charge()
  std::uint64_t charged_to_msquic_ = 0;  // of them, what MsQuic holds
  std::uint64_t dropped_ = 0;
  bool handing_over_ = false;
  bool crowded_ = false;  // from more than half the limit until at most a quarter of it
  bool closed_ = false;
};

}  // namespace msquic_py::quic
