#pragma once

#include <cstdint>
#include <string>

namespace msquic_py::apps::testing {

// Boxes by hand, after ISO/IEC 14496-12 section 4.2.

inline std::string u32(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

inline std::string box(const std::string& type, const std::string& payload) {
  return u32(static_cast<std::uint32_t>(8 + payload.size())) + type + payload;
}

inline std::string full_box(const std::string& type, std::uint32_t version_and_flags, const std::string& payload) {
  return box(type, u32(version_and_flags) + payload);
}

}  // namespace msquic_py::apps::testing
