#include "refusal_log.h"

#include <string>

#include "command_line/logging.h"
#include "quic/library.h"

namespace msquic_py::apps {

namespace {
constexpr std::size_t kLinesPerSecond = 10;
constexpr std::chrono::seconds kSecond{1};
}  // namespace

void RefusalLog::refused(const runtime::Refusal& refusal) {
  if (written_ >= kLinesPerSecond) {
    left_out_ += refusal.count;
    return;
  }
  ++written_;
  std::string line = "refused a client at " + refusal.client.to_string();
  if (refusal.count > 1) line += " and " + std::to_string(refusal.count - 1) + " more";
  log_warning(line + ": " + refusal.reason);
}

std::optional<runtime::EventLoop::Time> RefusalLog::turn(runtime::EventLoop::Time now) {
  if (now < next_) return next_;
  next_ = now + kSecond;
  written_ = 0;
  if (left_out_ > 0) log_warning("refused " + std::to_string(left_out_) + " more clients");
  left_out_ = 0;
  if (const auto counters = quic::Library::performance_counters(); counters) {
    const std::uint64_t count = counters->connections_no_alpn - without_alpn_;
    without_alpn_ = counters->connections_no_alpn;
    if (count > 0) {
      log_warning("refused " + std::to_string(count) + (count == 1 ? " client" : " clients") +
                  " that speak no protocol of this relay (ALPN); it speaks moqt-15");
    }
  }
  return next_;
}

}  // namespace msquic_py::apps
