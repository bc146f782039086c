#include "skip_log.h"

#include <chrono>
#include <string>

#include "command_line/logging.h"

namespace msquic_py::apps {

namespace {

constexpr std::chrono::seconds kLook{1};
constexpr std::chrono::seconds kBetweenLines{10};

std::string describe(std::uint64_t skips, std::uint64_t ended) {
  std::string line = "subscribers that were too slow skipped to a later group " + std::to_string(skips) + " times";
  if (ended > 0) line += ", " + std::to_string(ended) + " were given up (TOO_FAR_BEHIND)";
  return line;
}

}  // namespace

std::optional<runtime::EventLoop::Time> SkipLog::turn(runtime::EventLoop::Time now) {
  if (now < next_) return next_;
  const relay::RelayCounters counters = server_.counters();
  const std::uint64_t skips = counters.groups_skipped - skips_told_;
  const std::uint64_t ended = counters.subscribers_too_far_behind - ended_told_;
  next_ = now + kLook;
  if (skips == 0 && ended == 0) return next_;
  log_warning(describe(skips, ended) + "; --hold-publishers makes publishers wait instead");
  skips_told_ += skips;
  ended_told_ += ended;
  next_ = now + kBetweenLines;
  return next_;
}

void SkipLog::conclude(const relay::RelayCounters& counters) {
  if (counters.groups_skipped > 0) {
    log_info("in all, " + describe(counters.groups_skipped, counters.subscribers_too_far_behind));
  }
}

}  // namespace msquic_py::apps
