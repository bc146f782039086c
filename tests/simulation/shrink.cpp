#include "simulation/shrink.h"

#include <algorithm>
#include <numeric>

namespace msquic_py::simulation {

std::vector<std::size_t> shrink(std::size_t steps, const std::function<bool(const std::vector<std::size_t>&)>& fails,
                                std::size_t most_runs) {
  std::vector<std::size_t> kept(steps);
  std::iota(kept.begin(), kept.end(), std::size_t{0});
  std::size_t runs = 0;
  for (std::size_t length = std::max<std::size_t>(steps / 2, 1); length > 0;) {
    bool any = false;
    for (std::size_t begin = 0; begin < kept.size() && runs < most_runs;) {
      std::vector<std::size_t> fewer = kept;
      const std::size_t end = std::min(begin + length, kept.size());
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(begin), fewer.begin() + static_cast<std::ptrdiff_t>(end));
      ++runs;
      if (fails(fewer)) {
        kept = std::move(fewer);
        any = true;
      } else {
        begin += length;
      }
    }
    if (runs >= most_runs) break;
    if (length > 1) {
      length /= 2;
    } else if (!any) {
      break;
    }
  }
  return kept;
}

}  // namespace msquic_py::simulation
