#pragma once

#include <string>
#include <string_view>

#include "quic/api.h"

namespace msquic_py::quic {

class ConnectionState;

/// Gives MsQuic the reason phrase of a shutdown in the one moment in which it takes it: MsQuic forgets what was set
/// before a shutdown and has sent the frame soon after. A stream of which nobody else knows hears of the shutdown on
/// the connection's worker, between the two: either it was started before and ends now, or its start, which is queued
/// ahead of everything that sends, fails. Nothing of it goes over the wire. It holds the connection's handle open and
/// destroys itself.
class ClosePhrase {
 public:
  /// Right before the shutdown. When MsQuic takes no stream any more, the connection ends in another way already.
  static void attach(ConnectionState& connection, std::string_view phrase) noexcept;

  ClosePhrase(const ClosePhrase&) = delete;
  ClosePhrase& operator=(const ClosePhrase&) = delete;

 private:
  ClosePhrase(ConnectionState& connection, std::string_view phrase) : connection_(connection), phrase_(phrase) {}
  ~ClosePhrase() = default;

  static QUIC_STATUS QUIC_API callback(HQUIC handle, void* context, QUIC_STREAM_EVENT* event) noexcept;
  void set() noexcept;
  void close() noexcept;

  ConnectionState& connection_;
  const std::string phrase_;
  HQUIC stream_ = nullptr;
  bool closing_ = false;  // closing a stream may deliver its last events
};

}  // namespace msquic_py::quic
