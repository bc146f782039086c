#pragma once

#include <cstdint>
#include <optional>

namespace msquic_py::loc {

/// Audio level of RFC 6464, section 3, as LOC carries it (2.3.3 in LOC-01 and -04): the low eight bits of a number.
struct AudioLevel {
  bool voice_activity = false;
  std::uint8_t level = 0;  ///< -dBov, 0 (loudest) to 127 (silence)

  /// Nothing when level is above 127.
  [[nodiscard]] constexpr std::optional<std::uint64_t> to_number() const noexcept {
    if (level > 127) return std::nullopt;
    return static_cast<std::uint64_t>((voice_activity ? 0x80u : 0u) | level);
  }
  static constexpr AudioLevel from_number(std::uint64_t number) noexcept {
    return {(number & 0x80) != 0, static_cast<std::uint8_t>(number & 0x7f)};
  }

  bool operator==(const AudioLevel&) const noexcept = default;
};

}  // namespace msquic_py::loc
