#include "command_line/client_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <chrono>
#include <utility>

#include "base/bytes.h"
#include "command_line/congestion_control.h"
#include "command_line/draft_option.h"
#include "command_line/token_argument.h"
#include "runtime/moqt_url.h"

namespace msquic_py::apps {

namespace {

/// Empty, or what is wrong with a fingerprint: 32 bytes in hexadecimal, with or without colons.
std::string check_fingerprint(const std::string& text) {
  std::size_t digits = 0;
  for (const char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) {
      ++digits;
    } else if (c != ':') {
      return "a fingerprint has hexadecimal digits and colons only";
    }
  }
  return digits == 64 ? std::string() : "a SHA-256 fingerprint has 64 hexadecimal digits";
}

}  // namespace

void ClientOptions::add_to(CLI::App& app) {
  const auto take_url = [this](const std::string& text) {
    const auto url = runtime::MoqtUrl::parse(text);
    if (!url) throw CLI::ValidationError(url.error());
    host = url->host;
    port = url->port;
    path = url->path;
  };
  auto* const host_option = app.add_option_function<std::string>(
      "--host",
      [this, take_url](const std::string& text) {
        if (runtime::MoqtUrl::looks_like(text)) return take_url(text);
        // An IPv6 address as URLs have it.
        const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
        host = bracketed ? text.substr(1, text.size() - 2) : text;
      },
      "Server name or IP address, or a URL in place of --url");
  host_option->default_str(host);
  auto* const port_option =
      app.add_option("--port", port, "Server UDP port")->check(CLI::Range(1u, 65535u))->capture_default_str();
  auto* const path_option = app.add_option("--path", path, "Path of the moqt URI")->capture_default_str();
  app.add_option_function<std::string>("--url", take_url,
                                       "Server as moqt://host:port/path, in place of --host, --port and --path")
      ->excludes(host_option)
      ->excludes(port_option)
      ->excludes(path_option);
  auto* insecure_flag = app.add_flag("--insecure", insecure, "Accept any server certificate: for tests only");
  app.add_option("--ca-file", ca_file, "Trust the root certificates in this PEM file, and not the system's")
      ->excludes(insecure_flag);
  app.add_option("--fingerprint", fingerprints, "Accept the server certificate with this SHA-256 fingerprint (hex)")
      ->allow_extra_args(false)  // once per fingerprint: what follows is the file
      ->check(CLI::Validator(check_fingerprint, "HEX"))
      ->excludes(insecure_flag);
  app.add_option_function<std::vector<std::string>>(
         "--token",
         [this](const std::vector<std::string>& given) {
           for (const std::string& text : given) {
             auto token = read_token(text);
             if (!token) throw CLI::ValidationError("--token", token.error());
             tokens.push_back(*token);
           }
         },
         "Authorization token to show to the server: its text, TYPE:TEXT with the number of its type, or @FILE with "
         "the same in it; may be repeated")
      ->allow_extra_args(false)
      ->type_name("TOKEN");
  add_draft_option(app, drafts);
  app.add_flag("--tolerate-empty-namespace-prefix", allow_empty_prefix,
               "Accept SUBSCRIBE_NAMESPACE for a prefix of no fields, which section 9.23 forbids and moq-rs sends");
  app.add_option("--namespace", track_namespace, "Track namespace, fields separated by '/'")->capture_default_str();
  app.add_option("--name", track_name, "One track of everything, of this name, in place of a catalog and its tracks");
  app.add_option("--idle-timeout", idle_timeout, "Seconds without a sign of the peer until it counts as dead")
      ->check(CLI::Range(0.5, 3600.0))
      ->capture_default_str();
  add_congestion_control(app, congestion_control);
  auto* const resume_flag = app.add_flag(
      "--resume", resume,
      "When the connection is lost, or the server asks to leave, make another one, to the server that it names if it "
      "does, and go on where it was");
  app.add_option("--give-up-after", give_up_after, "Seconds without a session until --resume gives up; 0: never")
      ->check(CLI::Range(0.0, 1e6))
      ->needs(resume_flag)
      ->capture_default_str();
  app.add_option("--connect-timeout", connect_timeout,
                 "Seconds that the server has for the handshake, and again for SERVER_SETUP")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
}

runtime::Endpoint::DialOptions ClientOptions::dial_options() const {
  runtime::Endpoint::DialOptions options;
  options.set_server({host, port, path});
  options.drafts = drafts;
  options.credentials.ca_file = ca_file;
  options.credentials.pinned_sha256 = fingerprints;
  options.credentials.no_certificate_validation = insecure;
  options.idle_timeout = std::chrono::milliseconds(static_cast<std::int64_t>(idle_timeout * 1000));
  const std::chrono::milliseconds connecting(static_cast<std::int64_t>(connect_timeout * 1000));
  options.session.handshake_timeout = connecting;
  options.congestion_control = congestion_control;
  options.session.session.timeouts.setup = connecting;
  options.session.session.authorization_tokens = options.session.session.request_tokens = tokens;
  options.session.session.tolerances.empty_namespace_prefix = allow_empty_prefix;
  return options;
}

moqt::FullTrackName track_called(std::string_view track_namespace, std::string_view track_name) {
  moqt::TrackNamespace name_space;
  for (;;) {
    const std::size_t end = track_namespace.find('/');
    name_space.append(base::as_bytes(track_namespace.substr(0, end)));
    if (end == std::string_view::npos) break;
    track_namespace.remove_prefix(end + 1);
  }
  return {std::move(name_space), track_name};
}

base::Result<moqt::FullTrackName, std::string> ClientOptions::track(const std::string& name) const {
  moqt::FullTrackName track = track_called(track_namespace, name);
  if (!track.valid()) {
    return base::Failure{
        std::string("--namespace must have 1 to 32 fields, and with --name at most 4096 bytes in all")};
  }
  const auto& fields = track.track_namespace.fields();
  const bool empty_field = std::ranges::any_of(fields, [](const auto& field) { return field.empty(); });
  if (empty_field && !std::ranges::all_of(drafts, moqt::has_empty_namespace_fields)) {
    return base::Failure{"--namespace '" + track_namespace +
                         "' has an empty field, which drafts later than 15 forbid: fields are separated by single '/'"};
  }
  return track;
}

}  // namespace msquic_py::apps
