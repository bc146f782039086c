#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "quic/library_options.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// MsQuic's process-wide counters, read without blocking.
struct PerformanceCounters {
  std::uint64_t connections_created = 0;
  std::uint64_t connections_active = 0;
  std::uint64_t connections_connected = 0;
  std::uint64_t handshake_failures = 0;
  std::uint64_t connections_rejected_by_application = 0;
  std::uint64_t connections_rejected_by_load = 0;
  std::uint64_t connections_resumed = 0;
  std::uint64_t connections_no_alpn = 0;
  std::uint64_t protocol_errors = 0;
  std::uint64_t connections_queued = 0;            ///< now
  std::uint64_t connection_operations_queued = 0;  ///< now
  std::uint64_t connection_operations_completed = 0;
  std::uint64_t worker_operations_queued = 0;  ///< now
  std::uint64_t worker_operations_completed = 0;
  std::uint64_t streams_active = 0;
  std::uint64_t packets_suspected_lost = 0;
  std::uint64_t packets_dropped = 0;
  std::uint64_t packets_decryption_failed = 0;
  std::uint64_t paths_validated = 0;
  std::uint64_t paths_failed = 0;
  std::uint64_t stateless_resets_sent = 0;
  std::uint64_t stateless_retries_sent = 0;
  std::uint64_t udp_received = 0;
  std::uint64_t udp_sent = 0;
  std::uint64_t udp_received_bytes = 0;
  std::uint64_t udp_sent_bytes = 0;
  std::uint64_t udp_receive_events = 0;
  std::uint64_t udp_send_calls = 0;
  std::uint64_t application_sent_bytes = 0;
  std::uint64_t application_received_bytes = 0;
};

/// Handles of this layer that are open in MsQuic now.
struct LiveObjects {
  std::uint64_t registrations = 0;
  std::uint64_t configurations = 0;
  std::uint64_t listeners = 0;
  std::uint64_t connections = 0;
  std::uint64_t streams = 0;
  [[nodiscard]] bool none() const noexcept {
    return registrations + configurations + listeners + connections + streams == 0;
  }
};

/// The MsQuic library in this process. It opens itself with the first Registration and stays open until the process
/// ends: closing it at exit would join threads that may be running the program's code.
/// All functions are thread-safe.
class Library {
 public:
  /// Settings for the whole process, also for when MsQuic is opened again. LibraryInUse when one of them must come
  /// before the first registration and there was one.
  static Result<void> configure(const LibraryOptions& options);
  /// Opens MsQuic now. Opening twice is fine.
  static Result<void> open();
  /// Closes MsQuic. Fails with LibraryInUse, naming what is alive, while any object is; a later Registration opens
  /// MsQuic again. Joins MsQuic's threads: never call it inside a handler.
  static Result<void> close();
  [[nodiscard]] static bool is_open() noexcept;

  /// "2.5.1.0"
  static Result<std::string> version();
  /// "quictls", "openssl" or "schannel"
  static Result<std::string> tls_provider();
  static Result<PerformanceCounters> performance_counters();
  [[nodiscard]] static LiveObjects live_objects() noexcept;
  /// Waits until no object is open in MsQuic, background closing included. False at the deadline.
  static bool wait_until_idle(std::chrono::milliseconds timeout);

  /// Whether this process was forked while a registration was open. Then every call returns ForkedProcess and
  /// destructors do nothing, because MsQuic's threads did not survive the fork. Without one, fork() closes MsQuic
  /// first, and the child may use it like any process.
  [[nodiscard]] static bool forked() noexcept;

  /// For atexit: from now on no handler is called and none is destroyed. Asks every connection to shut down, waits
  /// at most `grace` for that, then leaves everything to the end of the process.
  static void set_finalizing(std::chrono::milliseconds grace = std::chrono::milliseconds(250)) noexcept;
  [[nodiscard]] static bool finalizing() noexcept;
};

}  // namespace msquic_py::quic
