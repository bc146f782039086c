#include "moqt_session_options.h"

#include <nanobind/stl/string.h>

#include <chrono>
#include <string>

#include "moqt_arguments.h"

namespace msquic_py::python {
namespace {

std::string text(const nb::dict& options, const char* key) {
  return options.contains(key) ? nb::cast<std::string>(options[key]) : std::string();
}

std::chrono::milliseconds seconds(nb::handle value) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(nb::cast<double>(value) * 1000));
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
        nb::cast<IntegerArgument>(nb::object(options["max_request_id"])).checked("max_request_id", 1'000'000);
    config.limits.max_open_requests = (ids + 1) / 2;
  }
  if (options.contains("reader_queue_limit")) {
    result.link.endpoint.reader_queue_limit = static_cast<std::size_t>(
        nb::cast<IntegerArgument>(nb::object(options["reader_queue_limit"])).checked("reader_queue_limit"));
  }
  if (options.contains("timeout")) {
    result.driver.handshake_timeout = seconds(options["timeout"]);
    config.timeouts.setup = seconds(options["timeout"]);
  }
  if (options.contains("unknown_track_grace"))
    result.link.unknown_track_grace = seconds(options["unknown_track_grace"]);
  if (options.contains("tolerances")) {
    config.tolerances = {.leading_stream_type = false, .empty_namespace_prefix = false};
    for (nb::handle item : options["tolerances"]) {
      const auto name = nb::cast<std::string>(item);
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

quic::Credentials client_credentials(const nb::dict& options) {
  quic::Credentials credentials;
  credentials.no_certificate_validation = !nb::cast<bool>(options["verify"]);
  credentials.ca_file = text(options, "ca_file");
  for (nb::handle item : options["fingerprints"]) credentials.pinned_sha256.push_back(nb::cast<std::string>(item));
  return credentials;
}

quic::Credentials server_credentials(const nb::dict& options) {
  return quic::Credentials::server(text(options, "cert_file"), text(options, "key_file"));
}

}  // namespace msquic_py::python
