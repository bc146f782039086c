#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>

#include "base/varint.h"

namespace msquic_py::apps {

/// Takes 0 to 2^62 - 1, the numbers of draft-15, and nothing else: without it CLI11 makes a huge number of a negative
/// one, and of one that is too large.
inline CLI::Range whole_number() { return CLI::Range(std::uint64_t{0}, base::kVarintMax); }

}  // namespace msquic_py::apps
