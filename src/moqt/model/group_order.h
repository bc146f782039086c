#pragma once

#include <cstdint>
#include <string_view>

namespace msquic_py::moqt {

/// The order in which groups of a request are sent [d15 §9.2.1.6].
enum class GroupOrder : std::uint8_t { kAscending = 0x1, kDescending = 0x2 };

std::string_view name(GroupOrder order) noexcept;

}  // namespace msquic_py::moqt
