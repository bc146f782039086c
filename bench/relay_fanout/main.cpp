// relay_fanout: what a relay, or MsQuic alone in its place, costs per delivered object, and how long objects take
// through it.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "fanout_run.h"

namespace {

using msquic_py::bench::FanoutPlan;
using msquic_py::bench::FanoutResult;

nlohmann::json stuck_to_json(const FanoutResult& result) {
  return {{"seconds", result.stuck_seconds},           {"others_p50_us", result.others_p50_us},
          {"others_p99_us", result.others_p99_us},     {"others_max_us", result.others_max_us},
          {"resident_before", result.resident_before}, {"resident_most", result.resident_most}};
}

void print_stuck(const FanoutResult& result) {
  std::printf(
      "one reads no more for %.0f s: resident memory %.1f MB, at most %.1f MB; the others' p50 %.0f us, p99 %.0f us, "
      "max %.0f us\n",
      result.stuck_seconds, static_cast<double>(result.resident_before) / 1e6,
      static_cast<double>(result.resident_most) / 1e6, result.others_p50_us, result.others_p99_us,
      result.others_max_us);
}

nlohmann::json visitors_to_json(const FanoutResult& result) {
  return {{"served", result.visitors_served},      {"turned_away", result.visitors_turned_away},
          {"seconds", result.visitors_seconds},    {"relay_cpu_us_per_visitor", result.relay_cpu_us_per_visitor},
          {"others_p50_us", result.others_p50_us}, {"others_p99_us", result.others_p99_us},
          {"others_max_us", result.others_max_us}};
}

void print_visitors(const FanoutResult& result) {
  std::printf(
      "%llu come and go in %.0f s, %llu are turned away, relay CPU %.0f us each; the others' p50 %.0f us, p99 %.0f us, "
      "max %.0f us\n",
      static_cast<unsigned long long>(result.visitors_served), result.visitors_seconds,
      static_cast<unsigned long long>(result.visitors_turned_away), result.relay_cpu_us_per_visitor,
      result.others_p50_us, result.others_p99_us, result.others_max_us);
}

nlohmann::json to_json(const FanoutPlan& plan, const FanoutResult& result) {
  return {{"draft", static_cast<int>(plan.draft)},
          {"subscribers", plan.subscribers},
          {"rate", plan.rate},
          {"datagrams", plan.datagrams},
          {"payload_size", plan.payload_size},
          {"objects_per_group", plan.objects_per_group},
          {"sent", result.sent},
          {"delivered_per_second", static_cast<double>(result.delivered) / result.seconds},
          {"lost", result.lost},
          {"duplicated", result.duplicated},
          {"relay_cpu_us_per_object", result.relay_cpu_us_per_object},
          {"relay_cpu_share", result.relay_cpu_share},
          {"delay_p50_us", result.delay_p50_us},
          {"delay_p99_us", result.delay_p99_us},
          {"delay_max_us", result.delay_max_us}};
}

void print_line(const FanoutPlan& plan, const FanoutResult& result) {
  char rate[32];
  if (plan.rate > 0) {
    std::snprintf(rate, sizeof(rate), "%.0f", plan.rate);
  } else {
    std::snprintf(rate, sizeof(rate), "max");
  }
  std::printf("%5d %11zu %8s %12.0f %16.2f %11.0f %% %10.0f %10.0f %10.0f %6llu %6llu\n", static_cast<int>(plan.draft),
              plan.subscribers, rate, static_cast<double>(result.delivered) / result.seconds,
              result.relay_cpu_us_per_object, result.relay_cpu_share * 100, result.delay_p50_us, result.delay_p99_us,
              result.delay_max_us, static_cast<unsigned long long>(result.lost),
              static_cast<unsigned long long>(result.duplicated));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures a relay: CPU time per delivered object and delay, over real connections on loopback",
               "relay_fanout");
  FanoutPlan plan;
  std::vector<std::size_t> subscribers{1, 10, 100};
  std::vector<int> drafts{15};
  double seconds = 5;
  double warm_up_seconds = 1;
  double stuck_seconds = 0;
  bool as_fast_as_possible = false;
  bool json = false;
  app.add_option("--relay", plan.relay, "The moqt-relay to start")->check(CLI::ExistingFile);
  app.add_option("--loops", plan.loops, "How many event loops it is told to have; 0: what it finds right")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  app.add_option("--bare", plan.bare, "The bare_fanout to start in the relay's place")->check(CLI::ExistingFile);
  app.add_flag("--forward", plan.forward, "With --bare: it forwards the bytes of the publisher");
  app.add_flag("--datagrams", plan.datagrams, "Each object a datagram");
  app.add_option("--subscribers", subscribers, "How many, one run each")->delimiter(',')->capture_default_str();
  app.add_option("--draft", drafts, "What publisher and subscribers speak; of several, each in turn for each run")
      ->delimiter(',')
      ->check(CLI::IsMember({15, 16, 18, 22}))
      ->capture_default_str();
  app.add_option("--rate", plan.rate, "Objects per second")->check(CLI::Range(1.0, 1e6))->capture_default_str();
  app.add_flag("--max", as_fast_as_possible, "As fast as --in-flight allows instead of --rate");
  app.add_option("--in-flight", plan.in_flight, "With --max: objects under way per subscriber, on average")
      ->capture_default_str();
  app.add_option("--payload", plan.payload_size, "Bytes per object")
      ->check(CLI::Range(16, 1 << 20))
      ->capture_default_str();
  app.add_option("--group", plan.objects_per_group, "Objects per group, which is one stream per subscriber")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seconds", seconds, "How long to measure")->check(CLI::Range(0.1, 3600.0))->capture_default_str();
  app.add_option("--warm-up", warm_up_seconds, "Seconds before that")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  app.add_option("--stuck", stuck_seconds, "Then one subscriber reads no more for so many seconds")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--visitors", plan.visitors, "Then so many further subscribers come, take some objects and go")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  app.add_option("--visits-per-second", plan.visits_per_second, "How many of them come in a second")
      ->check(CLI::Range(0.1, 10'000.0))
      ->capture_default_str();
  app.add_flag("--json", json, "Print JSON instead of a table");
  CLI11_PARSE(app, argc, argv);
  plan.duration = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  plan.warm_up = std::chrono::milliseconds(static_cast<std::int64_t>(warm_up_seconds * 1000));
  plan.stuck = std::chrono::milliseconds(static_cast<std::int64_t>(stuck_seconds * 1000));
  if (as_fast_as_possible) plan.rate = 0;
  const bool sends_itself = !plan.bare.empty() && !plan.forward;
  if (plan.stuck.count() > 0 && plan.visitors > 0) {
    std::cerr << "relay_fanout: --stuck and --visitors count delays apart, one of them at a time\n";
    return 1;
  }
  if (plan.relay.empty() == plan.bare.empty() ||
      ((plan.rate <= 0 || plan.stuck.count() > 0 || plan.visitors > 0) && sends_itself)) {
    std::cerr << "relay_fanout: give --relay or --bare; --max, --stuck and --visitors with what has a publisher only\n";
    return 1;
  }
  if (!plan.bare.empty() && drafts != std::vector<int>{15}) {
    std::cerr << "relay_fanout: --bare knows draft-15 alone; leave --draft out\n";
    return 1;
  }

  if (!json) {
    std::printf("%5s %11s %8s %12s %16s %13s %10s %10s %10s %6s %6s\n", "draft", "subscribers", "rate/s", "delivered/s",
                "relay us/object", "relay CPU", "p50 us", "p99 us", "max us", "lost", "twice");
  }
  bool clean = true;
  nlohmann::json all = nlohmann::json::array();
  for (const std::size_t count : subscribers) {
    for (const int draft : drafts) {
      plan.subscribers = count;
      plan.draft = static_cast<msquic_py::moqt::Draft>(draft);
      try {
        const FanoutResult result = run_fanout(plan);
        clean = clean && result.lost == 0 && result.duplicated == 0;
        if (json) {
          all.push_back(to_json(plan, result));
          if (plan.stuck.count() > 0) all.back()["stuck"] = stuck_to_json(result);
          if (plan.visitors > 0) all.back()["visitors"] = visitors_to_json(result);
        } else {
          print_line(plan, result);
          if (plan.stuck.count() > 0) print_stuck(result);
          if (plan.visitors > 0) print_visitors(result);
        }
      } catch (const std::exception& failure) {
        std::cerr << "relay_fanout with " << count << " subscribers of draft-" << draft << ": " << failure.what()
                  << '\n';
        return 1;
      }
    }
  }
  if (json) std::cout << all.dump(2) << '\n';
  return clean ? 0 : 2;  // an object lost or doubled is a failure, not a number
}
