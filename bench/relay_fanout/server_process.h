#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace msquic_py::bench {

/// A moqt-relay of its own process on a free port of 127.0.0.1; ended by the destructor.
class RelayProcess {
 public:
  /// Starts `program` and waits until it listens. Throws std::runtime_error when it does not.
  explicit RelayProcess(const std::string& program);
  RelayProcess(const RelayProcess&) = delete;
  RelayProcess& operator=(const RelayProcess&) = delete;
  ~RelayProcess();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// SHA-256 of the relay's development certificate, to pin.
  [[nodiscard]] const std::string& fingerprint() const noexcept { return fingerprint_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// User and system time of all its threads so far: what utime + stime of /proc/<pid>/stat say, but in nanoseconds
  /// instead of clock ticks.
  [[nodiscard]] std::chrono::nanoseconds cpu_time() const;

 private:
  void read_greeting(int from);
  void end() noexcept;

  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  std::string fingerprint_;
};

}  // namespace msquic_py::bench
