#include "command_line/transfer_report.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "command_line/logging.h"
#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

namespace msquic_py::apps {
namespace {

constexpr std::chrono::seconds kOnTerminal{1};
constexpr std::chrono::seconds kElsewhere{5};
constexpr std::size_t kMostDelays = 1 << 17;

bool on_terminal() {
#ifdef _WIN32
  static const bool terminal = _isatty(2) != 0;
#else
  static const bool terminal = ::isatty(STDERR_FILENO) != 0;
#endif
  return terminal;
}

std::string rounded(double value, int digits = 1) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace

void TransferReport::add_to(CLI::App& app) {
  app.add_flag("--json", json_, "Print events and progress to standard output, one JSON object a line");
  app.add_flag("--stats", stats_, "Print statistics at the end: amounts, losses, start-up time, latency");
}

void TransferReport::event(std::string_view name, Fields fields) {
  if (!json_) return;
  nlohmann::ordered_json line;
  line["event"] = name;
  line["time"] = std::round(std::chrono::duration<double>(Clock::now() - start_).count() * 1000) / 1000;
  for (const auto& [key, value] : fields) {
    std::visit([&line, &field = key](const auto& content) { line[std::string(field)] = content; }, value);
  }
  const std::string text = line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void TransferReport::add_delay(std::chrono::microseconds delay) {
  last_delay_us_ = delay.count();
  if (seen_delays_++ % keep_every_ != 0) return;
  if (delays_us_.size() == kMostDelays) {  // keep every second one of those there, and of those to come
    for (std::size_t i = 0; i < kMostDelays / 2; ++i) delays_us_[i] = delays_us_[2 * i];
    delays_us_.resize(kMostDelays / 2);
    keep_every_ *= 2;
  }
  delays_us_.push_back(static_cast<std::uint32_t>(std::clamp<std::int64_t>(delay.count(), 0, UINT32_MAX)));
}

void TransferReport::note_first_decodable(Clock::time_point now) {
  if (start_up_) return;
  start_up_ = std::chrono::duration<double>(now - start_).count();
  event("first_decodable", {{"start_up", *start_up_}});
}

std::optional<TransferReport::Percentiles> TransferReport::delays() const {
  if (delays_us_.empty()) return std::nullopt;
  auto sorted = delays_us_;
  std::ranges::sort(sorted);
  const auto at = [&sorted](double part) {
    return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))] / 1000.0;
  };
  return Percentiles{at(0.50), at(0.95), at(1.0)};
}

std::string TransferReport::line(const TransferStatus& status, double seconds) const {
  std::string text = rounded(seconds, 0) + " s  media " +
                     rounded(std::chrono::duration<double>(status.media_time).count()) + " s  " +
                     std::to_string(status.objects) + " objects  " + rounded(rate_ / 1e6, 2) + " Mbit/s";
  if (seen_delays_ != 0) text += "  delay " + rounded(static_cast<double>(last_delay_us_) / 1000) + " ms";
  if (status.subscribers) text += "  " + std::to_string(*status.subscribers) + " subscriber(s)";
  if (status.objects_missing != 0) text += "  " + std::to_string(status.objects_missing) + " objects missing";
  if (status.groups_skipped != 0) text += "  " + std::to_string(status.groups_skipped) + " groups skipped";
  return text;
}

TransferReport::Clock::time_point TransferReport::progress(const TransferStatus& status, Clock::time_point now) {
  const auto interval = json_ || on_terminal() ? kOnTerminal : kElsewhere;
  if (!next_) next_ = now + interval;
  if (now < *next_) return *next_;
  next_ = now + interval;
  const double since = std::max(1e-3, std::chrono::duration<double>(now - before_).count());
  rate_ = static_cast<double>(status.bytes - bytes_before_) * 8 / since;
  bytes_before_ = status.bytes;
  before_ = now;
  if (json_) {
    event("progress", {{"objects", status.objects},
                       {"bytes", status.bytes},
                       {"groups", status.groups},
                       {"media_time", std::chrono::duration<double>(status.media_time).count()},
                       {"bits_per_second", std::round(rate_)},
                       {"delay_ms", static_cast<double>(last_delay_us_) / 1000},
                       {"objects_missing", status.objects_missing},
                       {"groups_skipped", status.groups_skipped},
                       {"subscribers", static_cast<std::uint64_t>(status.subscribers.value_or(0))}});
    return *next_;
  }
  const std::string text = line(status, std::chrono::duration<double>(now - start_).count());
  if (on_terminal() && log_admits_info()) {
    std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
    std::fflush(stderr);
    line_open_ = true;
  } else {
    log_info(text);
  }
  return *next_;
}

void TransferReport::finish(const TransferStatus& status, int exit_code) {
  if (line_open_) std::fputc('\n', stderr);
  line_open_ = false;
  const auto latency = delays();
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  event("end", {{"exit_code", static_cast<std::uint64_t>(exit_code)},
                {"objects", status.objects},
                {"bytes", status.bytes},
                {"groups", status.groups},
                {"media_time", std::chrono::duration<double>(status.media_time).count()},
                {"objects_missing", status.objects_missing},
                {"groups_skipped", status.groups_skipped},
                {"start_up", start_up_.value_or(-1)},
                {"delay_p50_ms", latency ? latency->p50 : -1},
                {"delay_p95_ms", latency ? latency->p95 : -1},
                {"delay_max_ms", latency ? latency->most : -1}});
  if (!stats_) return;
  std::string table = "time             " + rounded(seconds) + " s\n";
  table += "media            " + rounded(std::chrono::duration<double>(status.media_time).count(), 3) + " s\n";
  table += "objects          " + std::to_string(status.objects) + " in " + std::to_string(status.groups) + " groups\n";
  table += "bytes            " + std::to_string(status.bytes) + "\n";
  table += "objects missing  " + std::to_string(status.objects_missing) + "\n";
  table += "groups skipped   " + std::to_string(status.groups_skipped) + "\n";
  if (start_up_) table += "start-up         " + rounded(*start_up_ * 1000) + " ms to the first decodable frame\n";
  if (latency) {
    table += "latency          p50 " + rounded(latency->p50) + " ms, p95 " + rounded(latency->p95) + " ms, max " +
             rounded(latency->most) + " ms from capture\n";
  }
  std::fwrite(table.data(), 1, table.size(), stderr);
}

}  // namespace msquic_py::apps
