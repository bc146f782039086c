// moqt-pub: publishes a file or standard input as one MOQT track.

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "command_line/client_options.h"
#include "command_line/client_program.h"
#include "command_line/exit_code.h"
#include "command_line/logging.h"
#include "command_line/process.h"
#include "moqt-pub/publisher.h"

namespace {

using namespace msquic_py;

const std::map<std::string, apps::MediaInput::Format> kFormats{{"auto", apps::MediaInput::Format::Auto},
                                                               {"cmaf", apps::MediaInput::Format::Cmaf},
                                                               {"framed", apps::MediaInput::Format::Framed}};

int run(const apps::ClientOptions& client, apps::PublisherOptions options, const std::string& input,
        apps::MediaInput::Format format) {
  apps::ClientProgram program("moqt-pub");
  apps::Publisher publisher(program.loop(), std::move(options), input, format);
  return program.run(client, publisher);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Publishes a file or standard input over Media over QUIC Transport (draft-ietf-moq-transport-15)",
               "moqt-pub");
  app.set_version_flag("--version", std::string("moqt-pub ") + MSQUIC_PY_VERSION + " (draft-ietf-moq-transport-15)");
  apps::ClientOptions client;
  client.add_to(app);
  apps::PublisherOptions options;
  std::string input = "-";
  std::string log_level;
  auto format = apps::MediaInput::Format::Auto;
  bool no_pace = false;
  bool no_wait = false;
  app.add_option("input", input,
                 "MP4 (fragmented, or any with ffmpeg installed) or length-framed file; - is standard input")
      ->capture_default_str();
  app.add_option("--format", format,
                 "cmaf: one object per movie fragment; framed: 32-bit length before each object, 0 begins a group")
      ->transform(CLI::CheckedTransformer(kFormats, CLI::ignore_case))
      ->default_str("auto");
  app.add_option("--priority", options.priority, "Publisher priority; 0 is the most urgent")->capture_default_str();
  app.add_option("--first-group", options.first_group,
                 "Group ID to begin with; by default the present time in milliseconds")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 61));
  app.add_flag("--publish", options.offer_with_publish, "Offer the track with PUBLISH instead of PUBLISH_NAMESPACE");
  app.add_flag("--no-pace", no_pace, "Send as fast as the slowest subscriber takes it, not at the speed of the media");
  app.add_flag("--no-wait", no_wait, "Begin at once, not with the first subscriber");
  apps::add_logging_option(app, log_level);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? apps::kSuccess : apps::kUsage;
  }
  options.pace = !no_pace;
  options.wait_for_subscriber = !no_wait;
  return apps::run_process("moqt-pub", log_level, [&]() -> int {
    auto track = client.track();
    if (!track) {
      apps::log_error(track.error());
      return apps::kUsage;
    }
    options.track = *track;
    return run(client, std::move(options), input, format);
  });
}
