#pragma once

#include <cstdint>

namespace msquic_py::moqt {

/// Which end of the session an endpoint is. Publisher and subscriber are roles of a request, not of an endpoint.
enum class Perspective : std::uint8_t { kClient, kServer };

/// What carries the session; PATH and AUTHORITY are for raw QUIC alone [d15 §9.3.1].
enum class SessionTransport : std::uint8_t { kQuic, kWebTransport };

}  // namespace msquic_py::moqt
