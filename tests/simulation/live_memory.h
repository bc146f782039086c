#pragma once

#include <cstdint>

namespace msquic_py::simulation {

/// Pieces of memory that operator new has given out in this process and that have not come back.
std::int64_t live_allocations() noexcept;

}  // namespace msquic_py::simulation
