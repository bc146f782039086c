#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

namespace msquic_py::testing {

/// Resident memory of this process in bytes; 0 where the system does not say (only Linux does here).
inline std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  if (!(statm >> total >> resident)) return 0;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// Resident memory over time, a sample per second at most.
class MemoryWatch {
 public:
  using Clock = std::chrono::steady_clock;

  void look() {
    const Clock::time_point now = Clock::now();
    if (!samples_.empty() && now < next_) return;
    next_ = now + std::chrono::seconds(1);
    samples_.push_back(resident_bytes());
  }

  [[nodiscard]] std::size_t samples() const noexcept { return samples_.size(); }
  /// The median of the samples between two parts of the whole, for example 0.5 and 0.75: the third quarter.
  [[nodiscard]] std::size_t median(double from, double to) const {
    const auto at = [this](double part) {
      return samples_.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(samples_.size()));
    };
    std::vector<std::size_t> part(at(from), at(to));
    if (part.empty()) return 0;
    std::nth_element(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(part.size() / 2), part.end());
    return part[part.size() / 2];
  }

 private:
  std::vector<std::size_t> samples_;
  Clock::time_point next_;
};

}  // namespace msquic_py::testing
