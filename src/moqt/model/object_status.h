#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace msquic_py::moqt {

/// What an object without payload means [d15 §10.2.1.1]. Objects with payload are always kNormal.
enum class ObjectStatus : std::uint8_t {
  kNormal = 0x0,
  kDoesNotExist = 0x1,
  kEndOfGroup = 0x3,
  kEndOfTrack = 0x4,
};

/// The status with that number; nothing for a number the draft does not define.
constexpr std::optional<ObjectStatus> object_status_from(std::uint64_t value) noexcept {
  switch (value) {
    case 0x0: return ObjectStatus::kNormal;
    case 0x1: return ObjectStatus::kDoesNotExist;
    case 0x3: return ObjectStatus::kEndOfGroup;
    case 0x4: return ObjectStatus::kEndOfTrack;
    default: return std::nullopt;
  }
}

std::string_view name(ObjectStatus status) noexcept;

}  // namespace msquic_py::moqt
