#pragma once

#include <unistd.h>

#include <cstddef>
#include <fstream>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace msquic_py::testing {

/// Whether resident_memory() says what the program holds: a sanitizer keeps memory of its own, and what was freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kResidentMemoryTells = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kResidentMemoryTells = false;
#else
inline constexpr bool kResidentMemoryTells = true;
#endif
#else
inline constexpr bool kResidentMemoryTells = true;
#endif

/// Bytes of this process that are in memory, without what the C library only keeps for later.
inline std::size_t resident_memory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  std::size_t resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace msquic_py::testing
