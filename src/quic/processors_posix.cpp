#include <unistd.h>

#include "quic/processors.h"

#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>

namespace msquic_py::quic {
namespace {

#if defined(__linux__)
std::optional<std::uint16_t> affinity() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return std::nullopt;
  return static_cast<std::uint16_t>(CPU_COUNT(&set));
}

std::optional<std::string> first_line(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  return line;
}

/// The smallest quota of the control groups that this process is in. Inside a container its own group is the root.
std::optional<std::uint16_t> quota() {
  std::string group;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.rfind("0::", 0) == 0) group = line.substr(3);
  }
  std::optional<std::uint16_t> smallest;
  const auto limit = [&smallest](const std::optional<std::uint16_t>& granted) {
    if (granted && (!smallest || *granted < *smallest)) smallest = granted;
  };
  while (true) {
    if (const auto text = first_line("/sys/fs/cgroup" + group + "/cpu.max")) limit(processors_of_quota(*text));
    const std::size_t slash = group.rfind('/');
    if (group.empty() || slash == std::string::npos) break;
    group.resize(slash);
  }
  // Version 1 has the two numbers in two files.
  const auto allowed = first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const auto period = first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (allowed && period && (*allowed)[0] != '-') limit(processors_of_quota(*allowed + " " + *period));
  return smallest;
}
#endif

}  // namespace

std::uint16_t online_processors() noexcept {
  const long count = ::sysconf(_SC_NPROCESSORS_ONLN);
  return static_cast<std::uint16_t>(std::clamp(count, 1L, 65535L));
}

std::uint16_t usable_processors() noexcept {
  std::uint16_t count = online_processors();
#if defined(__linux__)
  try {
    for (const auto& limit : {affinity(), quota()}) {
      if (limit) count = std::min(count, *limit);
    }
  } catch (...) {  // out of memory: no limit is known
  }
#endif
  return std::max<std::uint16_t>(count, 1);
}

std::optional<std::uint16_t> processors_of_quota(std::string_view cpu_max) noexcept {
  const std::size_t space = cpu_max.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto number = [](std::string_view text) -> std::uint64_t {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} ? value : 0;
  };
  const std::uint64_t quota = number(cpu_max.substr(0, space));
  const std::uint64_t period = number(cpu_max.substr(space + 1));
  if (quota == 0 || period == 0) return std::nullopt;  // "max" is not a number
  return static_cast<std::uint16_t>(std::clamp<std::uint64_t>((quota + period - 1) / period, 1, 65535));
}

}  // namespace msquic_py::quic
