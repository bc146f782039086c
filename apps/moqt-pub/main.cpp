// moqt-pub: publishes what FFmpeg can read as MOQT tracks with a catalog, or as one track.

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "command_line/client_options.h"
#include "command_line/client_program.h"
#include "command_line/draft_option.h"
#include "command_line/exit_code.h"
#include "command_line/logging.h"
#include "command_line/process.h"
#include "media/libav.h"
#include "moqt-pub/publisher.h"

namespace {

using namespace msquic_py;

enum class Format { Auto, Cmaf, Framed };
const std::map<std::string, Format> kFormats{
    {"auto", Format::Auto}, {"cmaf", Format::Cmaf}, {"framed", Format::Framed}};
const std::map<std::string, apps::Packaging> kPackagings{{"cmaf", apps::Packaging::Cmaf},
                                                         {"loc", apps::Packaging::Loc}};

struct Options {
  apps::ClientOptions client;
  apps::PublisherOptions publisher;
  apps::InputOptions input;
  apps::TransferReport report;
  Format format = Format::Auto;
  unsigned priority = 128;
  bool no_pace = false;
  bool no_wait = false;
  std::string log_level;
};

void describe(CLI::App& app, Options& options) {
  app.set_version_flag("--version", std::string("moqt-pub ") + MSQUIC_PY_VERSION + " (" + apps::spoken_drafts() + ")");
  options.client.add_to(app);
  app.add_option("input", options.input.path, "File or URL that FFmpeg can read; - is standard input")
      ->capture_default_str();
  auto* format = app.add_option("--format", options.format,
                                "auto: whatever FFmpeg finds; cmaf: an MP4; framed: no media, but a 32-bit length "
                                "before each object, 0 begins a group")
                     ->transform(CLI::CheckedTransformer(kFormats, CLI::ignore_case))
                     ->default_str("auto");
  app.add_option("--input-format", options.input.input_format,
                 "FFmpeg's name of the input's format or device (mpegts, h264, v4l2, lavfi …)")
      ->excludes(format);
  app.add_option_function<std::vector<std::string>>(
         "--input-option",
         [&options](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             const std::size_t equals = text.find('=');
             if (equals == 0 || equals == std::string::npos)
               throw CLI::ValidationError("--input-option: '" + text + "' is no KEY=VALUE");
             options.input.input_options.emplace_back(text.substr(0, equals), text.substr(equals + 1));
           }
         },
         "FFmpeg's option of the input's format, device or protocol, KEY=VALUE (video_size=640x480, listen=1 …)")
      ->allow_extra_args(false);
  app.add_option("--packaging", options.input.packaging, "What an object is: a CMAF chunk, or a frame as LOC has it")
      ->transform(CLI::CheckedTransformer(kPackagings, CLI::ignore_case))
      ->default_str("cmaf");
  app.add_option_function<std::string>(
         "--loc-version",
         [&options](const std::string& version) {
           options.publisher.loc_version = version == "01" ? loc::Version::k01 : loc::Version::k04;
         },
         "Version of draft-ietf-moq-loc in which objects say their times, and LOC frames their configurations; by "
         "default 01 where the session speaks draft-15, and 04 where it speaks a later one")
      ->check(CLI::IsMember({"01", "04"}))
      ->type_name("VERSION");
  auto* encode = app.add_flag_callback(
      "--encode", [&options] { options.input.encode = apps::Encode::Needed; },
      "Encode what CMAF can't hold: video as H.264, sound as AAC");
  app.add_flag_callback(
         "--encode-all", [&options] { options.input.encode = apps::Encode::All; }, "Encode everything, whatever it is")
      ->excludes(encode);
  app.add_flag("--loop", options.input.loop, "Begin again at the end of the input");
  app.add_flag("--follow-input", options.input.follow, "Go on when the file grows; SIGINT or SIGTERM ends it");
  app.add_option("--priority", options.priority, "Publisher priority; 0 is the most urgent")
      ->check(CLI::Range(0u, 255u))
      ->capture_default_str();
  app.add_option("--first-group", options.publisher.first_group,
                 "Group ID to begin with; by default the present time in milliseconds")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 61));
  app.add_flag("--publish", options.publisher.offer_with_publish,
               "Offer the tracks with PUBLISH instead of PUBLISH_NAMESPACE");
  app.add_flag("--no-pace", options.no_pace,
               "Send as fast as the server and direct subscribers take it, not at the speed of the media; a "
               "relay leaves out groups for subscribers that fall far behind (see its --max-queued-bytes)");
  app.add_option("--tail", options.publisher.tail,
                 "With --resume, when a session was lost: seconds that tracks which have ended are offered on the next "
                 "one until a subscriber has come back for them")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_flag("--no-wait", options.no_wait, "Begin at once, not with the first subscriber");
  options.report.add_to(app);
  apps::add_logging_option(app, options.log_level);
}

/// Empty, or why these options can't be used together.
std::string contradiction(const CLI::App& app, const Options& options) {
  const bool packaging = app.count("--packaging") > 0;
  const bool encode = options.input.encode != apps::Encode::Nothing;
  if (options.format == Format::Framed && encode) return "--encode is for media: not with --format framed";
  if (options.format == Format::Framed && !options.input.input_options.empty())
    return "--input-option is for media: not with --format framed";
  if (options.format == Format::Framed && packaging) return "--packaging is for media: not with --format framed";
  if (options.client.track_name && packaging) return "--packaging is for a catalog and its tracks: not with --name";
  if (options.publisher.loc_version && options.client.track_name)
    return "--loc-version is for a catalog and its tracks: not with --name";
  if (options.publisher.loc_version && options.format == Format::Framed)
    return "--loc-version is for media: not with --format framed";
  if (options.input.loop && options.input.follow) return "--loop needs an end, which --follow-input takes away";
  if (options.input.path == "-" && options.input.loop) return "--loop needs a file: standard input is read only once";
  if (options.input.path == "-" && options.input.follow)
    return "--follow-input needs a file: a pipe is followed anyway";
  return {};
}

int run(Options options) {
  if (options.format == Format::Framed) {
    options.input.framed = true;
    if (!options.client.track_name) options.client.track_name = "video";
  }
  if (options.format == Format::Cmaf) options.input.input_format = "mp4";
  if (options.client.track_name) options.input.packaging = apps::Packaging::Muxed;
  // Every name that may be published has to be within the limits.
  const auto track = options.client.track(options.client.track_name.value_or("catalog"));
  if (!track) {
    apps::log_error(track.error());
    return apps::kUsage;
  }
  options.publisher.name_space = track->track_namespace;
  options.publisher.single_track = options.client.track_name;
  options.publisher.priority = static_cast<std::uint8_t>(options.priority);
  options.publisher.pace = !options.no_pace;
  options.publisher.wait_for_subscriber = !options.no_wait;
  apps::keep_libav_complaints();
  apps::ClientProgram program("moqt-pub");
  options.publisher.client = options.client;
  options.report.start();
  apps::Publisher publisher(program.loop(), std::move(options.publisher), std::move(options.input), options.report);
  const int code = program.run(options.client, publisher);
  options.report.finish(publisher.status(), code);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Publishes media over Media over QUIC Transport (" + apps::spoken_drafts() + ")", "moqt-pub");
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
    if (const std::string why = contradiction(app, options); !why.empty()) throw CLI::ValidationError(why);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? apps::kSuccess : apps::kUsage;
  }
  return apps::run_process("moqt-pub", options.log_level, [&] { return run(std::move(options)); });
}
