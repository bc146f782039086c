#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <string>

#include "msquic_api.h"

namespace msquic_py::bench {

/// What a job of the client took.
struct Outcome {
  std::uint64_t done = 0;
  double seconds = 0;
  std::uint64_t lost = 0;
};

/// One connection of the client and what it does, all of it on MsQuic's thread. The object lives until run() returns,
/// which is after the connection's last event.
class JobConnection {
 public:
  JobConnection(const MsQuicApi& api, const char* alpn, std::uint16_t port) : api_(api), alpn_(alpn), port_(port) {}
  JobConnection(const JobConnection&) = delete;
  JobConnection& operator=(const JobConnection&) = delete;
  virtual ~JobConnection() = default;

  /// Connects, waits for the job to finish, closes and waits for that. Throws std::runtime_error when the connection or
  /// the job fails; when one takes more than two minutes, the program ends.
  Outcome run();

 protected:
  virtual void connected() = 0;
  virtual void on_event(const QUIC_CONNECTION_EVENT&) {}

  void start_clock() { started_ = std::chrono::steady_clock::now(); }
  /// Called on the program's thread once a second until the job is finished.
  virtual void second_passed() {}

  /// Only the first call of finish() or fail() counts.
  void finish(std::uint64_t done) { finish(done, 0, std::chrono::steady_clock::now()); }
  void finish(std::uint64_t done, std::uint64_t lost, std::chrono::steady_clock::time_point at);
  void fail(const std::string& why);

  [[nodiscard]] const MsQuicApi& api() const noexcept { return api_; }
  [[nodiscard]] HQUIC connection() const noexcept { return connection_; }

 private:
  static QUIC_STATUS QUIC_API on_connection(HQUIC, void* context, QUIC_CONNECTION_EVENT* event);

  const MsQuicApi& api_;
  const char* alpn_;
  std::uint16_t port_;
  HQUIC connection_ = nullptr;
  std::chrono::steady_clock::time_point started_;
  std::promise<Outcome> outcome_;
  bool settled_ = false;
  std::promise<void> closed_;
};

}  // namespace msquic_py::bench
