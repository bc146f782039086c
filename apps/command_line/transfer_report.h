#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace CLI {
class App;
}

namespace msquic_py::apps {

/// How far a program has come.
struct TransferStatus {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::uint64_t groups = 0;
  std::uint64_t objects_missing = 0;
  std::uint64_t groups_skipped = 0;
  std::chrono::microseconds media_time{0};
  std::optional<std::size_t> subscribers{};  ///< of a publisher
};

/// What moqt-pub and moqt-sub tell while they run and at their end: a line that renews itself on a terminal, one every
/// few seconds elsewhere, a JSON object per event on standard output with --json, a table at the end with --stats.
/// Belongs to one thread.
class TransferReport {
 public:
  using Clock = std::chrono::steady_clock;
  using Value = std::variant<std::string, std::uint64_t, double, bool>;
  using Fields = std::initializer_list<std::pair<std::string_view, Value>>;

  /// Adds --json and --stats.
  void add_to(CLI::App& app);
  [[nodiscard]] bool json() const noexcept { return json_; }

  /// The program begins its work: times count from here.
  void start(Clock::time_point now = Clock::now()) { start_ = now; }
  /// With --json, {"event": name, "time": seconds since start, …}.
  void event(std::string_view name, Fields fields = {});
  /// How long an object took from its capture to here.
  void add_delay(std::chrono::microseconds delay);
  /// The first object that a decoder can begin with is here. Counts once.
  void note_first_decodable(Clock::time_point now = Clock::now());

  /// Tells how far the program has come when it is time to. Returns when that is next.
  Clock::time_point progress(const TransferStatus& status, Clock::time_point now);
  /// Ends the line on a terminal, tells the end with --json, and gives the table with --stats.
  void finish(const TransferStatus& status, int exit_code);

 private:
  struct Percentiles {
    double p50 = 0, p95 = 0, most = 0;  ///< milliseconds
  };
  [[nodiscard]] std::optional<Percentiles> delays() const;
  [[nodiscard]] std::string line(const TransferStatus& status, double seconds) const;

  bool json_ = false;
  bool stats_ = false;
  Clock::time_point start_ = Clock::now();
  std::optional<Clock::time_point> next_;
  std::optional<double> start_up_;  ///< seconds to the first decodable object
  std::uint64_t bytes_before_ = 0;
  Clock::time_point before_ = start_;
  double rate_ = 0;  ///< bits per second, of the time between the last two lines
  bool line_open_ = false;
  std::vector<std::uint32_t> delays_us_;  ///< every `keep_every_`th
  std::size_t keep_every_ = 1;
  std::size_t seen_delays_ = 0;
  std::int64_t last_delay_us_ = 0;
};

}  // namespace msquic_py::apps
