#pragma once

// Internal to this layer.

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace msquic_py::quic {

inline constexpr std::size_t kShortestTicketKeys = 32;

/// 32 random bytes; none where this layer has no source of them, and MsQuic then makes its own.
base::ByteVector random_ticket_keys();

/// Derives a ticket key from the secret `keys`. MsQuic encrypts and signs with the same first 32 bytes of `material`,
/// and shows `id` in every ticket, so both come out of a hash.
void fill_ticket_key(base::Bytes keys, std::span<std::uint8_t> id, std::span<std::uint8_t> material) noexcept;

}  // namespace msquic_py::quic
