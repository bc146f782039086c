#include "command_line/connection_end.h"

#include <array>
#include <cstdio>

#include "moqt/model/error_codes.h"
#include "quic/status.h"

namespace msquic_py::apps {
namespace {

std::string seconds(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g s", value);
  return text.data();
}

std::string application_end(const std::string& server, const transport::CloseReason& reason) {
  const auto code = static_cast<moqt::SessionErrorCode>(reason.code);
  std::string text = server + " closed the session: " + std::string(moqt::name(code));
  if (!reason.reason.empty()) text += " (" + reason.reason + ")";
  if (code == moqt::SessionErrorCode::kInvalidPath || code == moqt::SessionErrorCode::kMalformedPath) {
    text += "; see --path";
  }
  return text;
}

std::string certificate_advice(const ClientOptions& options) {
  if (!options.fingerprints.empty()) return "compare --fingerprint with what the server prints";
  if (!options.ca_file.empty()) return "'" + options.ca_file + "' does not hold the certificate that it is signed with";
  return "give --ca-file, or --fingerprint as the server prints it, or --insecure for a test";
}

}  // namespace

std::string describe_connection_end(const ClientOptions& options, const transport::CloseReason& reason) {
  using quic::Status;
  const auto status = static_cast<Status>(reason.carrier_status);
  const bool literal = options.host.find(':') != std::string::npos;
  const std::string server = (literal ? "[" + options.host + "]" : options.host) + ":" + std::to_string(options.port);
  const std::string detail = reason.message.empty() ? "" : " (" + reason.message + ")";
  if (reason.cause == transport::CloseReason::Cause::PeerApplication) return application_end(server, reason);
  if (reason.cause == transport::CloseReason::Cause::LocalApplication && reason.handshake_completed) {
    if (reason.code == static_cast<std::uint64_t>(moqt::SessionErrorCode::kControlMessageTimeout)) {
      return server + " speaks QUIC, but sent no SERVER_SETUP within " + seconds(options.connect_timeout) +
             " (--connect-timeout)" + detail;
    }
    return "the session with " + server + " was closed here" + detail;
  }
  if (reason.handshake_completed) {
    if (status == Status::ConnectionIdle || status == Status::ConnectionTimeout) {
      return "the connection to " + server + " is lost: nothing has come from it for " + seconds(options.idle_timeout) +
             " (--idle-timeout)";
    }
    return "the connection to " + server + " is lost" + detail;
  }
  switch (status) {
    case Status::NameResolutionFailed: return "there is no host '" + options.host + "': check --host";
    case Status::InvalidAddress: return "'" + options.host + "' can't be connected to: check --host" + detail;
    case Status::ConnectionRefused:
    case Status::Unreachable:
      return "nothing answers at " + server + detail + ": is the relay running, and are --host and --port right?";
    case Status::ConnectionIdle:
    case Status::ConnectionTimeout:
    case Status::HandshakeTimeout:
      return server + " does not answer within " + seconds(options.connect_timeout) +
             " (--connect-timeout): is the relay running, are --host and --port right, does a firewall let UDP "
             "through?";
    case Status::AlpnNegotiationFailure:
      return server +
             " speaks QUIC, but none of the drafts of MOQT that were offered (ALPN moqt-NN): is it the right port?";
    case Status::VersionNegotiationError: return server + " speaks no version of QUIC that is known here" + detail;
    case Status::CertificateNameMismatch:
      return "the certificate of " + server + " is not for '" + options.host +
             "': give --host as the certificate has it" + detail;
    case Status::ExpiredCertificate:
      return "the certificate of " + server + " is outside of its validity period" + detail;
    case Status::BadCertificate:
    case Status::UnknownCertificate:
    case Status::UntrustedRoot:
    case Status::UnknownCa:
    case Status::CertificateRefused:
      return "the certificate of " + server + " is not trusted" + detail + ": " + certificate_advice(options);
    case Status::CertificateFileInvalid: return "a certificate file can't be used" + detail;
    default: break;
  }
  if (reason.cause == transport::CloseReason::Cause::LocalApplication) {
    return server + " does not complete a connection within " + seconds(options.connect_timeout) +
           " (--connect-timeout): is the relay running, are --host and --port right?" + detail;
  }
  return "no connection to " + server + detail;
}

}  // namespace msquic_py::apps
