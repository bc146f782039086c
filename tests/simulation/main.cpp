// Sessions and a relay on a network in memory: everything that happens follows from a seed.
//
//   simulation --seeds 300 [--first N]     runs that many seeds, and shrinks what fails
//   simulation --seed N [--keep 3,17,40]   runs one, or some of its steps, and says what it does
//
// --several 1 lets tracks have two publishers, --drafts 1 lets sessions speak different drafts, --chain N puts N relays
// in a row, --tree N has N relays behind each other in any order, --restarts 1, --stalls 1 and --memory 1 restart
// relays, let them hang, and let them have little memory.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/live_memory.h"
#include "simulation/script.h"
#include "simulation/shrink.h"
#include "simulation/world.h"

namespace msquic_py::simulation {
namespace {

struct Options {
  std::uint64_t first = 1;
  std::uint64_t count = 300;
  std::optional<std::uint64_t> seed;
  std::optional<std::vector<std::size_t>> keep;
  Dimensions dimensions;
  std::string program;
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty()) return std::nullopt;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

std::optional<std::vector<std::size_t>> numbers(const std::string& text) {
  std::vector<std::size_t> result;
  std::istringstream in(text);
  for (std::string each; std::getline(in, each, ',');) {
    const auto value = number(each);
    if (!value) return std::nullopt;
    result.push_back(static_cast<std::size_t>(*value));
  }
  return result;
}

/// Whether there is one of that name.
bool set_dimension(Dimensions& dimensions, std::string_view name, std::uint64_t value) {
  if (name == "--chain") {
    dimensions.chain = static_cast<std::size_t>(value);
  } else if (name == "--tree") {
    dimensions.tree = static_cast<std::size_t>(value);
  } else if (name == "--several") {
    dimensions.several_publishers = value != 0;
  } else if (name == "--drafts") {
    dimensions.several_drafts = value != 0;
  } else if (name == "--restarts") {
    dimensions.restarts = value != 0;
  } else if (name == "--stalls") {
    dimensions.stalls = value != 0;
  } else if (name == "--memory") {
    dimensions.little_memory = value != 0;
  } else {
    return false;
  }
  return true;
}

std::optional<Options> parse(int argc, char** argv) {
  Options options;
  options.program = argv[0];
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const auto value = number(argv[i + 1]);
    if (name == "--keep") {
      options.keep = numbers(argv[i + 1]);
      if (!options.keep) return std::nullopt;
    } else if (!value) {
      return std::nullopt;
    } else if (name == "--seeds") {
      options.count = *value;
    } else if (name == "--first") {
      options.first = *value;
    } else if (set_dimension(options.dimensions, name, *value)) {
      options.program += " " + std::string(name) + " " + std::to_string(*value);
    } else if (name == "--seed") {
      options.seed = *value;
    } else {
      return std::nullopt;
    }
  }
  return argc % 2 == 1 ? std::optional(options) : std::nullopt;
}

Outcome run(const Script& script) {
  Outcome outcome;
  std::int64_t left = 0;
  // What a process makes once, when it is first needed, is left after the first run, but not after the second.
  for (int time = 0; time < 2; ++time) {
    const std::int64_t before = live_allocations();
    outcome = World(script).run();
    left = live_allocations() - before;
    if (!outcome.faults.empty() || left == 0) return outcome;
  }
  outcome.faults = {"of the memory of the run " + std::to_string(left) + " pieces are left"};
  return outcome;
}

void print_faults(const Outcome& outcome) {
  for (const std::string& fault : outcome.faults) std::cout << "  " << fault << "\n";
}

std::string joined(const std::vector<std::size_t>& places) {
  std::string text;
  for (const std::size_t place : places) text += (text.empty() ? "" : ",") + std::to_string(place);
  return text;
}

void print_steps(const Script& script, const std::vector<std::size_t>& places) {
  std::cout << describe_setting(script);
  for (const std::size_t place : places) {
    if (place < script.steps.size()) std::cout << "  [" << place << "] " << describe(script.steps[place]) << "\n";
  }
}

/// What went wrong, whoever it was and wherever.
std::string kind_of(std::string fault) {
  std::erase_if(fault, [](char c) { return c >= '0' && c <= '9'; });
  return fault;
}

/// Down to what fails in the same way: fewer steps may be another matter.
void shrink_and_print(const Options& options, const Script& script, const Outcome& outcome) {
  const std::string kind = kind_of(outcome.faults.front());
  const auto fails = [&](const std::vector<std::size_t>& keep) {
    const std::vector<std::string> faults = run(keep_steps(script, keep)).faults;
    return std::any_of(faults.begin(), faults.end(), [&](const std::string& each) { return kind_of(each) == kind; });
  };
  const auto kept = shrink(script.steps.size(), fails);
  std::cout << "shrunk to " << kept.size() << " of " << script.steps.size() << " steps:\n";
  print_steps(script, kept);
  print_faults(run(keep_steps(script, kept)));
  std::cout << "replay: " << options.program << " --seed " << script.seed << " --keep " << joined(kept) << "\n";
}

int run_one(const Options& options) {
  const Script script = make_script(*options.seed, options.dimensions);
  std::vector<std::size_t> places(script.steps.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  if (options.keep) places = *options.keep;
  print_steps(script, places);
  const Outcome outcome = run(keep_steps(script, places));
  std::cout << outcome.published << " objects published, " << outcome.received << " received, " << outcome.excused
            << " excused, " << outcome.skips << " skips of the relay\n";
  print_faults(outcome);
  if (outcome.faults.empty()) return EXIT_SUCCESS;
  if (!options.keep) shrink_and_print(options, script, outcome);
  return EXIT_FAILURE;
}

int run_many(const Options& options) {
  constexpr std::size_t kMostShrunk = 3;
  std::size_t failed = 0;
  Outcome all;
  for (std::uint64_t seed = options.first; seed < options.first + options.count; ++seed) {
    const Script script = make_script(seed, options.dimensions);
    const Outcome outcome = run(script);
    all.published += outcome.published;
    all.received += outcome.received;
    all.excused += outcome.excused;
    all.skips += outcome.skips;
    if (outcome.faults.empty()) continue;
    std::cout << "seed " << seed << " failed; replay: " << options.program << " --seed " << seed << "\n";
    print_faults(outcome);
    if (++failed <= kMostShrunk) shrink_and_print(options, script, outcome);
    std::cout << std::flush;
  }
  std::cout << options.count << " seeds, " << failed << " failed: " << all.published << " objects published, "
            << all.received << " received, " << all.excused << " excused, " << all.skips << " skips of the relay\n";
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace msquic_py::simulation

int main(int argc, char** argv) {
  using namespace msquic_py::simulation;  // NOLINT(google-build-using-namespace): this program
  const auto options = parse(argc, argv);
  if (!options) {
    std::cerr << "usage: " << argv[0]
              << " [--seeds COUNT] [--first SEED] [--several 1] [--drafts 1] [--chain N] [--tree N] [--restarts 1] "
                 "[--stalls 1] [--memory 1] | --seed SEED [--keep PLACE,PLACE,...]\n";
    return 2;
  }
  return options->seed ? run_one(*options) : run_many(*options);
}
