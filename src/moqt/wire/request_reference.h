#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace msquic_py::moqt::wire {

/// Which request a message is about. Drafts up to 16 write the Request ID into every such message [d15 §9.1]; from
/// draft 17 on only the message that begins a request has it, and the stream tells for the others.
struct RequestReference {
  std::uint64_t id = 0;
  auto operator<=>(const RequestReference&) const = default;
};

/// The reference that needs the most room: a message that fits with it fits with every other.
inline constexpr RequestReference kLongestReference{(std::uint64_t{1} << 62) - 1};

}  // namespace msquic_py::moqt::wire

template <>
struct std::hash<msquic_py::moqt::wire::RequestReference> {
  std::size_t operator()(msquic_py::moqt::wire::RequestReference reference) const noexcept {
    return std::hash<std::uint64_t>{}(reference.id);
  }
};
