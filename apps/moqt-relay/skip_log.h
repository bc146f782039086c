#pragma once

#include <cstdint>
#include <optional>

#include "runtime/event_loop.h"
#include "runtime/relay_server.h"

namespace msquic_py::apps {

/// Writes to the log what slow subscribers were not sent. The draft has no message that would tell the publisher: who
/// runs the relay learns it here. At most a line in ten seconds. Loop thread.
class SkipLog final : public runtime::EventLoop::Participant {
 public:
  SkipLog(runtime::EventLoop& loop, const runtime::RelayServer& server) : loop_(loop), server_(server) {
    loop_.add(*this);
  }
  ~SkipLog() override { loop_.remove(*this); }

  std::optional<runtime::EventLoop::Time> turn(runtime::EventLoop::Time now) override;
  /// The amounts of the relay's whole life, if there are any.
  static void conclude(const relay::RelayCounters& counters);

 private:
  runtime::EventLoop& loop_;
  const runtime::RelayServer& server_;
  std::uint64_t skips_told_ = 0;
  std::uint64_t ended_told_ = 0;
  runtime::EventLoop::Time next_{};
};

}  // namespace msquic_py::apps
