#pragma once

#include <msquic.h>

namespace msquic_py::bench {

class BareServer;

/// What a peer's control stream is answered: SERVER_SETUP first, then `second`. SETUP and the request behind it fit
/// into a packet each, and the request waits for the answer to SETUP. Nothing is said to what comes later.
class ControlAnswers {
 public:
  ControlAnswers(BareServer& server, QUIC_BUFFER* second) noexcept : server_(server), second_(second) {}
  virtual ~ControlAnswers() = default;
  ControlAnswers(const ControlAnswers&) = delete;
  ControlAnswers& operator=(const ControlAnswers&) = delete;

  /// The stream's events come here from now on; this object outlives it.
  void attach(HQUIC stream) noexcept;

 protected:
  [[nodiscard]] BareServer& server() const noexcept { return server_; }

 private:
  static QUIC_STATUS QUIC_API on_stream(HQUIC stream, void* context, QUIC_STREAM_EVENT* event);
  void answer(HQUIC stream);
  /// Both answers have been given.
  virtual void answered() {}

  BareServer& server_;
  QUIC_BUFFER* second_;
  int given_ = 0;
};

}  // namespace msquic_py::bench
