#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>

namespace msquic_py::apps {

/// The largest number of draft-15.
inline constexpr std::uint64_t kLargestNumber = (std::uint64_t{1} << 62) - 1;

/// Takes 0 to kLargestNumber and nothing else: without it CLI11 makes a huge number of a negative one, and of one that
/// is too large.
inline CLI::Range whole_number() { return CLI::Range(std::uint64_t{0}, kLargestNumber); }

}  // namespace msquic_py::apps
