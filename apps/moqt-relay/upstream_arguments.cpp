#include "upstream_arguments.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <utility>

#include "command_line/client_options.h"
#include "command_line/token_argument.h"
#include "runtime/moqt_url.h"

namespace msquic_py::apps {

namespace {

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

}  // namespace

void UpstreamArguments::add_to(CLI::App& app) {
  app.add_option("--upstream", upstreams,
                 "A relay that is asked for what nobody publishes here, and told what is: moqt://host:port/path, or "
                 "PREFIX=URL for the namespaces under PREFIX alone ('/' between its fields). May be repeated: they are "
                 "asked in this order")
      ->allow_extra_args(false)
      ->type_name("[PREFIX=]URL");
  auto* const insecure_flag =
      app.add_flag("--upstream-insecure", insecure, "Accept any certificate of an upstream: for tests only");
  app.add_option("--upstream-ca-file", ca_file,
                 "Trust the root certificates in this PEM file for upstreams, and not the system's")
      ->excludes(insecure_flag);
  app.add_option("--upstream-fingerprint", fingerprints,
                 "Accept an upstream's certificate with this SHA-256 fingerprint (hex)")
      ->allow_extra_args(false)
      ->excludes(insecure_flag);
  app.add_option_function<std::vector<std::string>>(
         "--upstream-token",
         [this](const std::vector<std::string>& given) {
           for (const std::string& text : given) {
             auto token = read_token(text);
             if (!token) throw CLI::ValidationError("--upstream-token", token.error());
             tokens.push_back(*token);
           }
         },
         "Authorization token to show to upstreams: its text, TYPE:TEXT, or @FILE; may be repeated")
      ->allow_extra_args(false)
      ->type_name("TOKEN");
  app.add_option(
         "--upstream-idle-timeout", idle_timeout,
         "Seconds without a sign of an upstream until it counts as lost; it is asked for one three times as often")
      ->check(CLI::Range(0.5, 3600.0))
      ->capture_default_str();
  app.add_option(
         "--upstream-loss-timeout", loss_timeout,
         "Seconds that subscribers wait for an upstream that was lost, or for another in its place, before their "
         "subscriptions end")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_option("--upstream-linger", linger,
                 "Seconds that a subscription at an upstream outlives the last subscriber here")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
}

void UpstreamArguments::apply_to(relay::RelayLimits& limits) const {
  limits.upstream_loss_timeout = milliseconds(loss_timeout);
  limits.upstream_linger = milliseconds(linger);
}

base::Result<std::vector<runtime::UpstreamOptions>, std::string> UpstreamArguments::read() const {
  std::vector<runtime::UpstreamOptions> result;
  for (const std::string& text : upstreams) {
    const std::size_t scheme = text.find("://");
    const std::size_t equals = text.find('=');
    const bool with_prefix = equals != std::string::npos && equals < scheme;
    const auto url =
        runtime::MoqtUrl::parse(with_prefix ? std::string_view(text).substr(equals + 1) : std::string_view(text));
    if (!url) return base::Failure{"--upstream: " + url.error()};
    runtime::UpstreamOptions upstream;
    if (with_prefix) {
      upstream.prefix = track_called(std::string_view(text).substr(0, equals), "").track_namespace;
      if (equals == 0 || !upstream.prefix.valid()) {
        return base::Failure{"--upstream: the prefix of '" + text + "' must have 1 to 32 fields"};
      }
    }
    ClientOptions client;
    client.host = url->host;
    client.port = url->port;
    client.path = url->path;
    client.ca_file = ca_file;
    client.fingerprints = fingerprints;
    client.insecure = insecure;
    client.tokens = tokens;
    client.idle_timeout = idle_timeout;
    upstream.dial = client.dial_options();
    result.push_back(std::move(upstream));
  }
  return result;
}

}  // namespace msquic_py::apps
