#include "process_usage.h"

#ifdef _WIN32
#include <ctime>
#else
#include <sys/resource.h>
#endif

namespace msquic_py::bench {

#ifdef _WIN32
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }
#else
namespace {
double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}
}  // namespace

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}
#endif

}  // namespace msquic_py::bench
