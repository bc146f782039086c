#include "moqt_session_options.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "moqt_arguments.h"
#include "moqt_session_transport.h"
#include "moqt_track_options.h"
#include "msquic_arguments.h"
#include "msquic_configuration.h"
#include "msquic_errors.h"

namespace msquic_py::python {
namespace {

std::string text(const nb::dict& options, const char* key) {
  return options.contains(key) ? string_argument(nb::object(options[key]), key) : std::string();
}

std::chrono::milliseconds seconds(const nb::dict& options, const char* key) {
  return timeout_argument(nb::object(options[key]), key);
}

}  // namespace

SessionOptions session_options(const nb::dict& options) {
  SessionOptions result;
  auto& config = result.driver.session;
  config.path = text(options, "path");
  config.authority = text(options, "authority");
  if (options.contains("max_request_id")) {
    // Request IDs of one endpoint are every other number.
    const auto ids =
        integer_argument(nb::object(options["max_request_id"]), "max_request_id").checked("max_request_id", 1'000'000);
    config.limits.max_open_requests = (ids + 1) / 2;
  }
  const auto bytes = [&options](const char* key, std::size_t& value) {
    if (!options.contains(key)) return;
    value = static_cast<std::size_t>(integer_argument(nb::object(options[key]), key).checked(key));
  };
  bytes("reader_queue_limit", result.link.endpoint.receive.reader_queue);
  bytes("max_object_size", result.link.endpoint.receive.object);
  bytes("receive_limit", result.link.endpoint.receive.session);
  bytes("fetch_queue_limit", result.link.endpoint.receive.fetch_queue);
  if (options.contains("timeout")) {
    result.driver.handshake_timeout = config.timeouts.setup = seconds(options, "timeout");
  }
  if (options.contains("tokens")) config.authorization_tokens = tokens_of(options["tokens"]);
  if (options.contains("publisher_tokens")) config.publisher_tokens = tokens_of(options["publisher_tokens"]);
  if (options.contains("asks_authorization")) {
    config.asks_authorization = result.link.asks_authorization = nb::cast<bool>(options["asks_authorization"]);
    config.timeouts.authorization = seconds(options, "authorize_timeout");
  }
  if (options.contains("token_cache_size")) {
    config.limits.max_auth_token_cache_bytes =
        integer_argument(nb::object(options["token_cache_size"]), "token_cache_size")
            .checked("token_cache_size", 1 << 30);
  }
  if (options.contains("asks_namespaces")) result.link.asks_namespaces = nb::cast<bool>(options["asks_namespaces"]);
  if (options.contains("unknown_track_grace"))
    result.link.unknown_track_grace = seconds(options, "unknown_track_grace");
  if (options.contains("tolerances")) {
    config.tolerances = {.leading_stream_type = false, .empty_namespace_prefix = false};
    for (nb::handle item : options["tolerances"]) {
      const auto name = string_argument(item, "a tolerance");
      if (name == "leading-stream-type") {
        config.tolerances.leading_stream_type = true;
      } else if (name == "empty-namespace-prefix") {
        config.tolerances.empty_namespace_prefix = true;
      } else {
        const std::string problem =
            "there is no tolerance '" + name + "': known are leading-stream-type and empty-namespace-prefix";
        throw nb::value_error(problem.c_str());
      }
    }
  }
  return result;
}

moqt::session::Verdict verdict_of(nb::handle code, const std::string& reason, nb::handle session_code,
                                  nb::handle expires) {
  moqt::session::Verdict verdict;
  if (!expires.is_none()) {
    constexpr double kMost = 1e12;  // a peer gets milliseconds as a number of 62 bits
    verdict.expires_ms = static_cast<std::uint64_t>(std::clamp(nb::cast<double>(expires), 0.001, kMost) * 1000);
  }
  if (code.is_none()) return verdict;
  verdict.allowed = false;
  verdict.code = static_cast<moqt::RequestErrorCode>(integer_argument(code, "code").checked("code"));
  verdict.reason = reason;
  if (!session_code.is_none()) {
    verdict.session_code =
        static_cast<moqt::SessionErrorCode>(integer_argument(session_code, "session_code").checked("session_code"));
  }
  return verdict;
}

void check_alpns(nb::handle configuration) {
  const std::vector<std::string> named = ConfigurationObject::alpns_of(configuration);
  for (const std::string& known : runtime::supported_alpns()) {
    if (std::find(named.begin(), named.end(), known) != named.end()) return;
  }
  raise_named("InvalidArgument", "the configuration does not speak MOQT: make it with ALPNs of moqt.asyncio.alpns()");
}

runtime::Endpoint::ListenOptions listening_options(const ChannelHandle& channel, std::uint64_t target,
                                                   nb::handle configuration, const std::string& host,
                                                   std::uint16_t port, const nb::dict& options,
                                                   runtime::SessionDriver::Options session) {
  check_alpns(configuration);
  runtime::Endpoint::ListenOptions result;
  result.host = host;
  result.port = port;
  result.configurations = ConfigurationObject::loaded_by_name(configuration);
  result.drafts.clear();
  for (const std::string& alpn : ConfigurationObject::alpns_of(configuration)) {
    if (const auto draft = moqt::draft_from_alpn(alpn)) result.drafts.push_back(*draft);
  }
  result.session = std::move(session);
  if (ConfigurationObject::has_verifier(configuration)) {
    result.judge = judge_in_python(channel.channel, target);
  }
  if (options.contains("max_sessions")) {
    result.max_sessions = static_cast<std::size_t>(
        integer_argument(nb::object(options["max_sessions"]), "max_sessions").checked("max_sessions"));
  }
  if (options.contains("handshake_timeout")) {
    result.handshake_timeout = timeout_argument(options["handshake_timeout"], "handshake_timeout");
  }
  if (options.contains("gives_tickets")) result.gives_tickets = nb::cast<bool>(options["gives_tickets"]);
  return result;
}

}  // namespace msquic_py::python
