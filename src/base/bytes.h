#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace msquic_py::base {

/// A view of bytes that somebody else owns.
using Bytes = std::span<const std::uint8_t>;
/// Bytes that this object owns.
using ByteVector = std::vector<std::uint8_t>;

/// The bytes of `text`, without a terminating zero.
inline Bytes as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// `bytes` seen as text; no check that it is UTF-8.
inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace msquic_py::base
