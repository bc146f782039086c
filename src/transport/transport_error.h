#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace msquic_py::transport {

/// Why a carrier did not take what it was given. Nothing of it has been sent.
enum class TransportError : std::uint8_t {
  ConnectionClosing,     ///< a close has begun, whoever began it; on_closed() follows or has come
  StreamEnded,           ///< the stream was finished, reset or stopped before
  DatagramTooLarge,      ///< more than Connection::max_datagram_size()
  DatagramsUnavailable,  ///< the peer or the path takes none
  OutOfMemory,
  CarrierFailed,  ///< anything else; the carrier's own log says more
};

/// What happened, in words, with what to do about it where something can be done.
std::string_view describe(TransportError error) noexcept;

template <class T>
using Result = base::Result<T, TransportError>;

}  // namespace msquic_py::transport
