#pragma once

#include "quic/connection.h"
#include "runtime/quic_watch.h"

namespace msquic_py::python {

class SessionChannel;

/// What Python sees of the connection under a session. It holds nothing of the session.
class SessionTransport {
 public:
  SessionTransport(quic::Connection connection, bool resumed) noexcept
      : connection_(std::move(connection)), resumed_(resumed) {}

  [[nodiscard]] const quic::Connection& connection() const noexcept { return connection_; }
  [[nodiscard]] quic::Connection& connection() noexcept { return connection_; }
  [[nodiscard]] bool resumed() const noexcept { return resumed_; }

 private:
  quic::Connection connection_;
  bool resumed_;
};

/// Asks `target` about every certificate, with a Certificate notice.
runtime::CertificateJudge judge_in_python(std::shared_ptr<SessionChannel> channel, std::uint64_t target);

}  // namespace msquic_py::python
