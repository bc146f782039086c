#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace msquic_py::bench {

/// moqt-relay, or bare_fanout in its place: a process of its own on a free port of 127.0.0.1; ended by the destructor.
class ServerProcess {
 public:
  /// Starts `command`, a program and its arguments, and waits until it listens. Throws std::runtime_error when it does
  /// not.
  explicit ServerProcess(std::vector<std::string> command);
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// SHA-256 of its development certificate, to pin.
  [[nodiscard]] const std::string& fingerprint() const noexcept { return fingerprint_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// User and system time of all its threads so far: what utime + stime of /proc/<pid>/stat say, but in nanoseconds
  /// instead of clock ticks.
  [[nodiscard]] std::chrono::nanoseconds cpu_time() const;
  /// Bytes that the process has in memory now. Throws when it has ended.
  [[nodiscard]] std::uint64_t resident_bytes() const;
  /// Writes `line` to its standard input and gives the number that it answers with. Throws std::runtime_error when it
  /// gives none.
  std::uint64_t ask(const std::string& line);

 private:
  void read_greeting(std::chrono::steady_clock::time_point deadline);
  /// The next line of its standard output, without the end.
  std::string read_line(std::chrono::steady_clock::time_point deadline);
  void end() noexcept;

  pid_t pid_ = -1;
  int input_ = -1;   ///< its standard input
  int output_ = -1;  ///< its standard output
  std::string unread_;
  std::uint16_t port_ = 0;
  std::string fingerprint_;
};

}  // namespace msquic_py::bench
