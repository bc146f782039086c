#pragma once

#include <cstdint>

namespace msquic_py::testing {

/// How often this process has allocated memory. Only in a test program that compiles harness/allocation_count.cpp,
/// which replaces the global operator new and, without a sanitizer, glibc's malloc.
struct AllocationCount {
  std::uint64_t news = 0;  ///< operator new: this project's C++
  std::uint64_t mallocs =
      0;  ///< everything, MsQuic's C included; what operator new takes is in here, too. 0 = not counted

  static AllocationCount now() noexcept;
  friend AllocationCount operator-(const AllocationCount& later, const AllocationCount& sooner) noexcept {
    return {later.news - sooner.news, later.mallocs - sooner.mallocs};
  }
};

}  // namespace msquic_py::testing
