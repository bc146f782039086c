#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "quic/api.h"
#include "quic/intrusive_list.h"
#include "quic/reference.h"

namespace msquic_py::quic {

/// Tells Registration::close() that MsQuic closed the registration; outlives the control block.
struct CloseSignal {
  std::mutex mutex;
  std::condition_variable changed;
  bool closed = false;

  void set() {
    {
      const std::lock_guard lock(mutex);
      closed = true;
    }
    changed.notify_all();
  }
  template <class Duration>
  bool wait(Duration timeout) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, timeout, [this] { return closed; });
  }
};

/// Control block of a registration. Handle objects and children hold one reference each; RegistrationClose waits for
/// all children, so it runs in the background when the last reference is gone.
class RegistrationState {
 public:
  static Result<RegistrationState*> open(const std::string& app_name, QUIC_EXECUTION_PROFILE profile);

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept;

  [[nodiscard]] HQUIC handle() const noexcept { return handle_; }
  [[nodiscard]] const std::shared_ptr<CloseSignal>& closed() const noexcept { return closed_; }

  void child_opened(ObjectKind kind) noexcept;
  void child_closed(ObjectKind kind) noexcept;

  void add(ConnectionState& connection) noexcept;
  void remove(ConnectionState& connection) noexcept;
  void shut_down_connections(std::uint64_t code) noexcept;

  ListLinks<RegistrationState>& links() noexcept { return links_; }
  /// "2 connections, 1 listener"
  [[nodiscard]] std::string describe_children() const;
  /// A reference unless the block is already going away.
  bool try_retain() noexcept;

 private:
  RegistrationState() = default;
  ~RegistrationState() = default;

  HQUIC handle_ = nullptr;
  std::atomic<std::uint32_t> references_{1};
  std::atomic<std::uint32_t> children_[4] = {};
  std::shared_ptr<CloseSignal> closed_ = std::make_shared<CloseSignal>();
  std::mutex mutex_;
  IntrusiveList<ConnectionState> connections_;
  ListLinks<RegistrationState> links_;
};

/// Asks every connection of the process to shut down with code 0.
void shut_down_all_connections() noexcept;

}  // namespace msquic_py::quic
