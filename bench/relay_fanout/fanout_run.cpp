#include "fanout_run.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "load_publisher.h"
#include "load_subscribers.h"
#include "runtime/endpoint.h"
#include "server_process.h"
#include "visitors.h"

namespace msquic_py::bench {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kHandshakesAtOnce = 4;

/// An endpoint on a loop with a thread of its own.
class EndpointThread {
 public:
  explicit EndpointThread(const char* name) : endpoint_(loop_) {
    if (auto opened = endpoint_.open(name); !opened) throw std::runtime_error(opened.error().message);
  }
  EndpointThread(const EndpointThread&) = delete;
  EndpointThread& operator=(const EndpointThread&) = delete;
  ~EndpointThread() { end(); }

  void run() {
    thread_ = std::thread([this] { loop_.run(); });
  }
  /// Closes every session and waits for the thread.
  void end() {
    if (!thread_.joinable()) return;
    loop_.post([this] {
      if (endpoint_.idle()) return loop_.stop();
      endpoint_.on_idle([this] { loop_.stop(); });
      endpoint_.close(moqt::SessionErrorCode::kNoError, "");
    });
    thread_.join();
  }
  runtime::EventLoop& loop() noexcept { return loop_; }
  runtime::Endpoint& endpoint() noexcept { return endpoint_; }

 private:
  runtime::EventLoop loop_;
  runtime::Endpoint endpoint_;
  std::thread thread_;
};

runtime::Endpoint::DialOptions dial_options(const ServerProcess& relay, moqt::Draft draft) {
  runtime::Endpoint::DialOptions options;
  options.drafts = {draft};
  options.host = "127.0.0.1";
  options.port = relay.port();
  options.credentials.pinned_sha256 = {relay.fingerprint()};
  options.session.handshake_timeout = std::chrono::seconds(60);
  return options;
}

std::vector<std::string> command_of(const FanoutPlan& plan) {
  if (plan.bare.empty()) {
    std::vector<std::string> command{plan.relay,        "--host", "127.0.0.1",   "--port", "0",
                                     "--drain-seconds", "0.2",    "--log-level", "error"};
    if (plan.loops > 0) command.insert(command.end(), {"--loops", std::to_string(plan.loops)});
    return command;
  }
  std::vector<std::string> command{plan.bare,
                                   "--rate",
                                   std::to_string(std::max(plan.rate, 1.0)),
                                   "--payload",
                                   std::to_string(plan.payload_size),
                                   "--group",
                                   std::to_string(plan.objects_per_group)};
  if (plan.datagrams) command.emplace_back("--datagrams");
  if (plan.forward) command.emplace_back("--forward");
  return command;
}

/// The main thread looks in rather than being told: it must not disturb what it measures.
void wait_for(const char* what, const std::function<bool()>& reached, milliseconds limit, const Progress& progress) {
  const auto deadline = Clock::now() + limit;
  while (!reached()) {
    if (progress.failed) throw std::runtime_error(std::string("no ") + what + ": " + progress.why_failed());
    if (Clock::now() > deadline) throw std::runtime_error(std::string("no ") + what + " in time");
    std::this_thread::sleep_for(milliseconds(1));
  }
}

double microseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1000.0; }

/// Both threads have ended before the users of their sessions go, also when an exception is on its way.
struct BothEnded {
  EndpointThread& receiving;
  EndpointThread& publishing;
  ~BothEnded() {
    receiving.end();
    publishing.end();
  }
};

/// One subscriber reads no more for a while. Whoever is slow must cost neither memory nor the others' time.
void be_stuck(const FanoutPlan& plan, const ServerProcess& relay, LoadSubscribers& subscribers,
              const Progress& progress, FanoutResult& result) {
  result.resident_before = result.resident_most = relay.resident_bytes();
  subscribers.stop_one();
  const auto started = Clock::now();
  while (Clock::now() < started + plan.stuck && !progress.failed) {
    std::this_thread::sleep_for(milliseconds(200));
    result.resident_most = std::max(result.resident_most, relay.resident_bytes());
  }
  result.stuck_seconds = std::chrono::duration<double>(Clock::now() - started).count();
}

/// Others come and go, one after the other and each for as long as it takes to get a few objects. Whoever joins or
/// leaves must cost those that stay nothing, however many these are.
void be_visited(const FanoutPlan& plan, const ServerProcess& relay, const moqt::FullTrackName& track,
                LoadSubscribers& subscribers, const Progress& progress, FanoutResult& result) {
  Visitors visitors(track);
  std::atomic<std::uint64_t> not_dialed{0};
  EndpointThread visiting("relay-fanout-visitors");  // ends before those two go
  visiting.run();
  const auto interval =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1.0 / plan.visits_per_second));
  subscribers.count_apart();
  const auto cpu_before = relay.cpu_time();
  const auto started = Clock::now();
  auto next = started;
  for (std::size_t i = 0; i < plan.visitors && !progress.failed; ++i, next += interval) {
    std::this_thread::sleep_until(next);
    visiting.loop().post([&] {
      if (!visiting.endpoint().dial(dial_options(relay, plan.draft), visitors)) ++not_dialed;
    });
  }
  const auto left = [&] { return visitors.served() + visitors.turned_away() + not_dialed == plan.visitors; };
  wait_for("end of the visits", left, milliseconds(60'000), progress);
  const auto cpu = relay.cpu_time() - cpu_before;
  visiting.end();
  result.visitors_served = visitors.served();
  result.visitors_turned_away = plan.visitors - visitors.served();
  result.visitors_seconds = std::chrono::duration<double>(Clock::now() - started).count();
  result.relay_cpu_us_per_visitor =
      (microseconds(cpu) - result.relay_cpu_share * result.visitors_seconds * 1e6) / static_cast<double>(plan.visitors);
}

}  // namespace

FanoutResult run_fanout(const FanoutPlan& plan) {
  const moqt::FullTrackName track(moqt::TrackNamespace{"bench", "fanout"}, "objects");
  Progress progress;
  ServerProcess relay(command_of(plan));
  const bool bare = !plan.bare.empty() && !plan.forward;  // it makes the objects itself
  EndpointThread publishing("relay-fanout-publisher");
  EndpointThread receiving("relay-fanout-subscribers");
  LoadPublisher publisher(publishing.loop(), plan, track, progress);
  LoadSubscribers subscribers(track, progress, publishing.loop(), publisher);
  const BothEnded ended_at_last{receiving, publishing};

  if (!bare) {
    if (auto dialed = publishing.endpoint().dial(dial_options(relay, plan.draft), publisher); !dialed) {
      throw std::runtime_error(dialed.error().message);
    }
  }
  publishing.run();
  if (!bare) {
    wait_for(
        "announcement", [&] { return progress.announced.load(); }, milliseconds(10'000), progress);
  }
  receiving.run();
  // A few at a time: MsQuic refuses connections while its workers are behind, and a hundred handshakes put them there.
  for (std::size_t i = 0; i < plan.subscribers; ++i) {
    receiving.loop().post([&] {
      if (auto dialed = receiving.endpoint().dial(dial_options(relay, plan.draft), subscribers); !dialed)
        progress.fail(dialed.error().message);
    });
    wait_for(
        "subscriptions", [&] { return progress.subscribed + kHandshakesAtOnce > i; }, milliseconds(60'000), progress);
  }
  wait_for(
      "subscriptions", [&] { return progress.subscribed == plan.subscribers; }, milliseconds(60'000), progress);

  bare ? static_cast<void>(relay.ask("start")) : publisher.start();
  std::this_thread::sleep_for(plan.warm_up);
  subscribers.measure_from(bare ? relay.ask("sent") : progress.sent.load());
  const auto started = Clock::now();
  const auto cpu_before = relay.cpu_time();
  const std::uint64_t delivered_before = progress.delivered;
  std::this_thread::sleep_for(plan.duration);
  const auto cpu_after = relay.cpu_time();
  const std::uint64_t delivered_after = progress.delivered;
  const auto ended = Clock::now();
  FanoutResult result;
  result.seconds = std::chrono::duration<double>(ended - started).count();
  result.relay_cpu_share = microseconds(cpu_after - cpu_before) / 1e6 / result.seconds;
  if (plan.visitors > 0) be_visited(plan, relay, track, subscribers, progress, result);
  if (plan.stuck.count() > 0) be_stuck(plan, relay, subscribers, progress, result);
  if (!bare) publisher.stop();
  const std::uint64_t stopped_at = bare ? relay.ask("stop") : 0;
  std::this_thread::sleep_for(milliseconds(50));
  const std::uint64_t sent = bare ? stopped_at : progress.sent.load();
  const auto deadline = Clock::now() + plan.drain;
  const auto all = [&] {
    const auto of_one = subscribers.stopped_at();
    return of_one ? sent * (plan.subscribers - 1) + *of_one : sent * plan.subscribers;
  };
  while (progress.delivered < all() && Clock::now() < deadline && !progress.failed) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  if (progress.failed) throw std::runtime_error(progress.why_failed());
  receiving.end();
  publishing.end();

  result.sent = sent;
  result.delivered = delivered_after - delivered_before;
  result.lost = subscribers.lost(sent, plan.subscribers);
  result.duplicated = subscribers.duplicated();
  if (result.delivered > 0)
    result.relay_cpu_us_per_object = microseconds(cpu_after - cpu_before) / static_cast<double>(result.delivered);
  result.delay_p50_us = microseconds(subscribers.delays().quantile(0.5));
  result.delay_p99_us = microseconds(subscribers.delays().quantile(0.99));
  result.delay_max_us = microseconds(subscribers.delays().largest());
  result.others_p50_us = microseconds(subscribers.delays_apart().quantile(0.5));
  result.others_p99_us = microseconds(subscribers.delays_apart().quantile(0.99));
  result.others_max_us = microseconds(subscribers.delays_apart().largest());
  return result;
}

}  // namespace msquic_py::bench
