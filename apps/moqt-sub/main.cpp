// moqt-sub: receives the tracks of a MOQT publisher and records them.

#include <CLI/CLI.hpp>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "command_line/client_options.h"
#include "command_line/client_program.h"
#include "command_line/draft_option.h"
#include "command_line/exit_code.h"
#include "command_line/logging.h"
#include "command_line/process.h"
#include "command_line/transfer_report.h"
#include "command_line/whole_number.h"
#include "media/libav.h"
#include "moqt-sub/subscriber.h"

namespace {

using namespace msquic_py;

const std::map<std::string, apps::Recording::Format> kFormats{{"auto", apps::Recording::Format::Auto},
                                                              {"mp4", apps::Recording::Format::Mp4},
                                                              {"cmaf", apps::Recording::Format::Mp4},
                                                              {"framed", apps::Recording::Format::Framed},
                                                              {"raw", apps::Recording::Format::Raw}};

const std::map<std::string, moqt::FilterType> kFilters{{"next-group", moqt::FilterType::kNextGroupStart},
                                                       {"largest-object", moqt::FilterType::kLargestObject},
                                                       {"absolute", moqt::FilterType::kAbsoluteStart}};

struct Options {
  apps::SubscriberOptions subscriber;
  apps::TransferReport report;
  std::string path = "-";
  apps::Recording::Format format = apps::Recording::Format::Auto;
  std::string log_level;
  unsigned priority = 128;
  std::string fetch;
  bool no_wait = false;
};

void describe(CLI::App& app, Options& options) {
  apps::SubscriberOptions& subscriber = options.subscriber;
  app.set_version_flag("--version", std::string("moqt-sub ") + MSQUIC_PY_VERSION + " (" + apps::spoken_drafts() + ")");
  subscriber.client.add_to(app);
  app.add_option("output,--output", options.path, "File to write; - is standard output")->capture_default_str();
  app.add_option("--format", options.format,
                 "mp4 (or cmaf): a fragmented MP4; framed: a 32-bit length before each object; raw: payloads alone. "
                 "framed and raw take the single track --name")
      ->transform(CLI::CheckedTransformer(kFormats, CLI::ignore_case))
      ->default_str("auto");
  auto* tracks =
      app.add_option("--tracks", subscriber.tracks, "Take these tracks of the catalog only, separated by ','")
          ->delimiter(',')
          ->allow_extra_args(false);
  app.add_flag("--list", subscriber.list, "Print the tracks of the catalog and leave")->excludes(tracks);
  auto* filter = app.add_option("--filter", subscriber.filter.type, "Where to begin")
                     ->transform(CLI::CheckedTransformer(kFilters, CLI::ignore_case))
                     ->default_str("next-group");
  app.add_option("--fetch", options.fetch,
                 "Past groups instead of what comes: FIRST:LAST, both included; 'FIRST:' takes all that there are")
      ->excludes(filter);
  app.add_option(
         "--join", subscriber.join,
         "Join late: begin that many groups before the present one, at once; 0: with the present one's beginning")
      ->check(apps::whole_number())
      ->excludes(filter);
  app.add_option("--start-group", subscriber.filter.start.group, "First group, with --filter absolute")
      ->check(apps::whole_number())
      ->needs(filter);
  app.add_option("--start-object", subscriber.filter.start.object, "First object of that group, with --filter absolute")
      ->check(apps::whole_number())
      ->needs(filter);
  app.add_option("--priority", options.priority, "Subscriber priority from 0, the most urgent, to 255")
      ->check(CLI::Range(0u, 255u))
      ->capture_default_str();
  app.add_option("--objects", subscriber.max_objects, "Stop after that many objects; 0: with the track")
      ->check(apps::whole_number());
  auto* no_wait = app.add_flag("--no-wait", options.no_wait, "Fail when nobody publishes the namespace yet");
  app.add_flag("--follow", subscriber.follow, "Subscribe again when the tracks have ended")->excludes(no_wait);
  options.report.add_to(app);
  apps::add_logging_option(app, options.log_level);
}

/// The groups of --fetch; nothing when `text` is no range.
std::optional<std::pair<std::uint64_t, std::uint64_t>> groups_of(const std::string& text) {
  const auto number = [](std::string_view digits, std::uint64_t otherwise) -> std::optional<std::uint64_t> {
    if (digits.empty()) return otherwise;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || value > apps::kLargestNumber)
      return std::nullopt;
    return value;
  };
  const std::size_t colon = text.find(':');
  const auto first = number(std::string_view(text).substr(0, colon), apps::kLargestNumber);
  const auto last =
      colon == std::string::npos ? first : number(std::string_view(text).substr(colon + 1), apps::kLargestNumber);
  if (text.empty() || colon == 0 || !first || !last || *first > *last) return std::nullopt;
  return std::pair(*first, *last);
}

/// What is wrong with the options together; empty when nothing is.
std::string contradiction(const Options& options) {
  const apps::SubscriberOptions& subscriber = options.subscriber;
  const bool opaque =
      options.format == apps::Recording::Format::Framed || options.format == apps::Recording::Format::Raw;
  const bool absolute = subscriber.filter.type == moqt::FilterType::kAbsoluteStart;
  if (subscriber.client.track_name && !subscriber.tracks.empty()) {
    return "--name takes a single track without a catalog, --tracks those of a catalog: give one of them";
  }
  if (subscriber.client.track_name && subscriber.list) return "--list shows the catalog, --name goes without";
  if (opaque && subscriber.list) return "--list shows the catalog, --format framed and raw go without";
  if (opaque && !subscriber.tracks.empty()) return "--tracks become an MP4: --format framed and raw take --name";
  if (!absolute && (subscriber.filter.start.group != 0 || subscriber.filter.start.object != 0)) {
    return "--start-group and --start-object belong to --filter absolute";
  }
  if (!options.fetch.empty() && !groups_of(options.fetch)) {
    return "--fetch takes Group IDs as FIRST:LAST, such as 10:20, 10: or 10";
  }
  if (!options.fetch.empty() && (subscriber.join || subscriber.follow || subscriber.list)) {
    return "--fetch brings past groups and leaves: it goes without --join, --follow and --list";
  }
  if (options.report.json() && options.path == "-" && !subscriber.list) {
    return "--json and the recording both go to standard output: name a file with --output";
  }
  return {};
}

int run(Options& options) {
  apps::ClientProgram program("moqt-sub");
  apps::keep_libav_complaints();
  const bool list = options.subscriber.list;
  const apps::ClientOptions client = options.subscriber.client;
  apps::Subscriber subscriber(program.loop(), std::move(options.subscriber), options.report);
  if (!list) {
    if (auto opened = subscriber.open(options.path, options.format); !opened) {
      apps::log_error(opened.error());
      return apps::kFailure;
    }
  }
  options.report.start();
  const int code = program.run(client, subscriber);
  options.report.finish(subscriber.status(), code);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Receives tracks over Media over QUIC Transport (" + apps::spoken_drafts() + ") and records them",
               "moqt-sub");
  Options options;
  describe(app, options);
  std::string wrong;
  try {
    app.parse(argc, argv);
    wrong = contradiction(options);
    if (!wrong.empty()) throw CLI::ValidationError(wrong);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? apps::kSuccess : apps::kUsage;
  }
  return apps::run_process("moqt-sub", options.log_level, [&]() -> int {
    apps::SubscriberOptions& subscriber = options.subscriber;
    auto track = subscriber.client.track(subscriber.client.track_name.value_or("video"));
    if (!track) {
      apps::log_error(track.error());
      return apps::kUsage;
    }
    subscriber.track = *track;
    if (!options.fetch.empty()) subscriber.fetch = groups_of(options.fetch);
    if (subscriber.join) subscriber.filter = moqt::SubscriptionFilter::largest_object();
    subscriber.priority = static_cast<std::uint8_t>(options.priority);
    subscriber.wait_for_publisher = !options.no_wait;
    subscriber.opaque =
        options.format == apps::Recording::Format::Framed || options.format == apps::Recording::Format::Raw;
    subscriber.single = subscriber.client.track_name.has_value() || subscriber.opaque;
    return run(options);
  });
}
