#pragma once

// Internal to this layer: Address as MsQuic's sockaddr union.

#include <msquic.h>

#include "quic/address.h"

namespace msquic_py::quic {

QUIC_ADDR to_msquic(const Address& address) noexcept;
Address from_msquic(const QUIC_ADDR& address) noexcept;

}  // namespace msquic_py::quic
