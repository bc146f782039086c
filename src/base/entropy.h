#pragma once

#include <cstdint>

namespace msquic_py::base {

/// 64 bits out of the operating system's source of randomness; in place of std::random_device, which asks for a newer C
/// library than our packages do when it is linked statically. Throws std::system_error when there is none.
std::uint64_t entropy();

}  // namespace msquic_py::base
