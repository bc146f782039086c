#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <mutex>
#include <vector>

#include "job_connection.h"

namespace msquic_py::bench {

/// Connections, `parallel` of them in the making at any time.
///
/// New ones are started until `count` are done, and the clock stops there: one in a few hundred takes a second, because
/// its Initial came from the port of a connection that the server had not quite forgotten, and was taken for a part of
/// that one. (MsQuic's clients have empty connection IDs.) Waiting for it would measure that second and nothing else.
class ConnectionCrowd {
 public:
  enum class Use { kCloseAtOnce, kHold };

  ConnectionCrowd(const MsQuicApi& api, std::uint16_t port, std::uint64_t count, Use use);
  ConnectionCrowd(const ConnectionCrowd&) = delete;
  ConnectionCrowd& operator=(const ConnectionCrowd&) = delete;
  ~ConnectionCrowd();

  /// Until `count` are closed again, or, when they are held, until `count` are up. Throws std::runtime_error when one
  /// fails.
  Outcome run(std::uint64_t parallel);
  /// Closes what is held and waits until nothing is open.
  void release();

 private:
  void next();
  void over();
  void settled(bool well);
  static QUIC_STATUS QUIC_API on_connection(HQUIC connection, void* context, QUIC_CONNECTION_EVENT* event);

  const MsQuicApi& api_;
  std::uint16_t port_;
  std::uint64_t count_;
  Use use_;
  HQUIC configuration_;
  unsigned partitions_;
  std::atomic<unsigned> opened_{0};
  std::atomic<std::uint64_t> started_{0};
  std::atomic<std::uint64_t> done_{0};
  /// Connections, and this object itself until release().
  std::atomic<std::uint64_t> open_{1};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::vector<HQUIC> held_;
  std::promise<void> all_done_;
  std::promise<void> all_closed_;
};

}  // namespace msquic_py::bench
