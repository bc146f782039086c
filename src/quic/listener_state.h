#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "quic/api.h"
#include "quic/handshake_deadlines.h"
#include "quic/listener.h"
#include "quic/listener_run.h"
#include "quic/registration_state.h"

namespace msquic_py::quic {

/// Control block of a listener. Each start opens a new MsQuic handle, because one that was stopped cannot be started
/// again before its last callback returned. References: one for all handle objects together, one per open handle.
class ListenerState {
 public:
  ListenerState(RegistrationState& registration, std::shared_ptr<ListenerHandler> handler);
  ListenerState(const ListenerState&) = delete;
  ListenerState& operator=(const ListenerState&) = delete;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept;
  void retain_user() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }
  void release_user() noexcept;

  Result<void> start(std::span<const std::string> alpns, const ListenOptions& options);
  void stop() noexcept;
  /// Waits for the handle of the last start() to be closed.
  bool wait_closed(std::chrono::milliseconds timeout);
  void set_configurations(ServerConfigurations configurations);
  [[nodiscard]] Address local_address() const;
  Result<ListenerStatistics> statistics();
  /// Closes a handle of this listener, and sets `closed` then.
  void close_in_background(HQUIC handle, std::shared_ptr<CloseSignal> closed) noexcept;

 private:
  ~ListenerState() = default;

  static QUIC_STATUS QUIC_API callback(HQUIC handle, void* context, QUIC_LISTENER_EVENT* event) noexcept;
  QUIC_STATUS on_new_connection(HQUIC handle, const QUIC_LISTENER_EVENT& event) noexcept;
  /// Asks the handler; throws when there is no memory for one more.
  QUIC_STATUS offer(const QUIC_NEW_CONNECTION_INFO& info, HQUIC connection, std::shared_ptr<ListenerRun> run,
                    HandshakeDeadlines* deadlines);
  void on_stop_complete(HQUIC handle) noexcept;
  Result<HQUIC> open_and_start(std::span<const std::string> alpns, const Address& address);

  RegistrationState& registration_;  // kept
  const std::shared_ptr<ListenerHandler> handler_;
  std::atomic<std::uint32_t> references_{1};
  std::atomic<std::uint32_t> users_{1};

  mutable std::mutex mutex_;  // guards what follows; never held across a MsQuic or handler call
  HQUIC running_ = nullptr;
  std::uint32_t reading_ = 0;  // calls of statistics() under way; a handle closes after them
  std::condition_variable read_;
  bool starting_ = false;
  bool stop_wanted_ = false;  // stop() came while starting
  Address local_;
  std::shared_ptr<const ServerConfigurations> configurations_;
  std::shared_ptr<ListenerRun> run_;
  std::vector<HQUIC> refusing_;                    // stopped, and open for the sake of ListenerRun
  std::uint32_t calls_ = 0;                        // of the handler, under way
  std::shared_ptr<HandshakeDeadlines> deadlines_;  // of the last start()
  std::shared_ptr<CloseSignal> closed_;
  std::shared_ptr<CloseSignal> closed_when_idle_;  // to be set when no call is under way
};

}  // namespace msquic_py::quic
