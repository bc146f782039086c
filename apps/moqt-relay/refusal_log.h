#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "runtime/endpoint.h"
#include "runtime/event_loop.h"

namespace msquic_py::apps {

/// Writes a line to the log for clients that did not get in. Clients may come by the thousand, so that at most ten
/// lines are written in a second; a last one says how many were left out. Loop thread.
class RefusalLog final : public runtime::EventLoop::Participant {
 public:
  explicit RefusalLog(runtime::EventLoop& loop) : loop_(loop) { loop_.add(*this); }
  ~RefusalLog() override { loop_.remove(*this); }

  void refused(const runtime::Refusal& refusal);

  /// Once a second: MsQuic turns clients without a common ALPN away by itself, and only counts them.
  std::optional<runtime::EventLoop::Time> turn(runtime::EventLoop::Time now) override;

 private:
  runtime::EventLoop& loop_;
  std::size_t written_ = 0;  ///< lines in this second
  std::size_t left_out_ = 0;
  std::uint64_t without_alpn_ = 0;
  runtime::EventLoop::Time next_{};
};

}  // namespace msquic_py::apps
