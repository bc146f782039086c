// moqt-sub: receives one MOQT track and writes it to a file or standard output.

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "command_line/client_options.h"
#include "command_line/client_program.h"
#include "command_line/exit_code.h"
#include "command_line/logging.h"
#include "command_line/process.h"
#include "moqt-sub/subscriber.h"

namespace {

using namespace msquic_py;

const std::map<std::string, apps::MediaOutput::Format> kFormats{{"auto", apps::MediaOutput::Format::Auto},
                                                                {"cmaf", apps::MediaOutput::Format::Cmaf},
                                                                {"framed", apps::MediaOutput::Format::Framed},
                                                                {"raw", apps::MediaOutput::Format::Raw}};

const std::map<std::string, moqt::FilterType> kFilters{{"next-group", moqt::FilterType::kNextGroupStart},
                                                       {"largest-object", moqt::FilterType::kLargestObject},
                                                       {"absolute", moqt::FilterType::kAbsoluteStart}};

int run(const apps::ClientOptions& client, apps::SubscriberOptions options, apps::MediaOutput output) {
  apps::ClientProgram program("moqt-sub");
  apps::Subscriber subscriber(program.loop(), std::move(options), std::move(output));
  return program.run(client, subscriber);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Receives a track over Media over QUIC Transport (draft-ietf-moq-transport-15)", "moqt-sub");
  app.set_version_flag("--version", std::string("moqt-sub ") + MSQUIC_PY_VERSION + " (draft-ietf-moq-transport-15)");
  apps::ClientOptions client;
  client.add_to(app);
  apps::SubscriberOptions options;
  std::string path = "-";
  std::string log_level;
  auto format = apps::MediaOutput::Format::Auto;
  bool no_wait = false;
  app.add_option("output,--output", path, "File to write; - is standard output")->capture_default_str();
  app.add_option("--format", format,
                 "cmaf: a fragmented MP4; framed: a 32-bit length before each object; raw: payloads alone")
      ->transform(CLI::CheckedTransformer(kFormats, CLI::ignore_case))
      ->default_str("auto");
  app.add_option("--filter", options.filter.type, "Where to begin")
      ->transform(CLI::CheckedTransformer(kFilters, CLI::ignore_case))
      ->default_str("next-group");
  app.add_option("--start-group", options.filter.start.group, "First group, with --filter absolute");
  app.add_option("--start-object", options.filter.start.object, "First object of that group, with --filter absolute");
  app.add_option("--priority", options.priority, "Subscriber priority; 0 is the most urgent")->capture_default_str();
  app.add_option("--objects", options.max_objects, "Stop after that many objects; 0: with the track");
  app.add_flag("--no-wait", no_wait, "Fail when nobody publishes the track yet");
  app.add_flag("--follow", options.follow, "Subscribe again when the track has ended");
  apps::add_logging_option(app, log_level);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? apps::kSuccess : apps::kUsage;
  }
  options.wait_for_publisher = !no_wait;
  return apps::run_process("moqt-sub", log_level, [&]() -> int {
    auto track = client.track(client.track_name.value_or("video"));
    if (!track) {
      apps::log_error(track.error());
      return apps::kUsage;
    }
    options.track = *track;
    auto output = apps::MediaOutput::open(path, format);
    if (!output) {
      apps::log_error(output.error());
      return apps::kFailure;
    }
    return run(client, std::move(options), std::move(output).value());
  });
}
