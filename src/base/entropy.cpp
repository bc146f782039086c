#include "base/entropy.h"

#ifdef _WIN32
#include <random>
#else
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#endif

namespace msquic_py::base {

std::uint64_t entropy() {
#ifdef _WIN32
  std::random_device source;
  return (std::uint64_t{source()} << 32) | source();
#else
  std::uint64_t drawn = 0;
  if (getentropy(&drawn, sizeof(drawn)) != 0) throw std::system_error(errno, std::generic_category(), "no randomness");
  return drawn;
#endif
}

}  // namespace msquic_py::base
