#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace msquic_py::simulation {

/// The fewest steps that still fail, as far as leaving out ranges of them finds it: half of them, a quarter, and so on
/// down to single ones (delta debugging). `fails` is asked about places that ascend, at most `most_runs` times.
std::vector<std::size_t> shrink(std::size_t steps, const std::function<bool(const std::vector<std::size_t>&)>& fails,
                                std::size_t most_runs = 600);

}  // namespace msquic_py::simulation
