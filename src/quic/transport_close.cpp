#include "quic/transport_close.h"

#include "quic/system_error.h"
#include "quic/wire_code.h"

namespace msquic_py::quic {
namespace {

// RFC 9000 section 20.1
constexpr std::uint64_t kNoError = 0x0;
constexpr std::uint64_t kInternalError = 0x1;
constexpr std::uint64_t kFirstProtocolError = 0x3;
constexpr std::uint64_t kInvalidToken = 0xb;
constexpr std::uint64_t kApplicationError = 0xc;
constexpr std::uint64_t kNoViablePath = 0x10;
constexpr std::uint64_t kLastProtocolError = 0xf;

Status status_for(Status status, std::uint64_t code) noexcept {
  // A peer that closes the transport in peace leaves no application code.
  if (status == Status::Success) return Status::Aborted;
  if (status != Status::InternalError) return status;
  if (code == kApplicationError) return Status::UserCanceled;
  if (code == kNoViablePath) return Status::Unreachable;
  return code >= kFirstProtocolError && code <= kLastProtocolError ? Status::ProtocolError : status;
}

}  // namespace

CloseReason transport_close(std::int64_t raw, std::uint64_t code, bool remote, bool showed_token,
                            const std::string& where) {
  const Status told = status_from_raw(raw);
  CloseReason reason;
  reason.cause = CloseReason::Cause::Transport;
  reason.remote = remote;
  reason.status = status_for(told, code);
  reason.raw_status = raw;
  reason.on_wire = code == kNoError ? told == Status::Success : code != kInternalError || told == Status::InternalError;
  reason.code = reason.on_wire ? code : 0;
  if (remote) reason.message = "the peer ended the connection: ";
  const std::string_view system = remote ? std::string_view() : system_error_name(raw);
  if (!system.empty()) {
    reason.message += system_error_text(raw);
    if (!where.empty()) reason.message += " (" + where + ")";
  } else if (reason.status == Status::Unreachable && !remote && !where.empty()) {
    reason.message += "nothing listens at " + where + ", or it cannot be reached";
  } else {
    reason.message += told == Status::Success ? "it gave no reason" : status_text(reason.status);
  }
  reason.message += " [" + std::string(system.empty() ? status_name(reason.status) : system);
  if (told != Status::Success) reason.message += ", status " + std::to_string(raw);
  if (reason.on_wire) {
    const bool certain = code == kInvalidToken && remote && !showed_token;
    reason.message += ", " + (certain ? "APPLICATION_ERROR (0xb, as MsQuic numbers it)" : describe_wire_code(code));
  }
  reason.message += "]";
  return reason;
}

}  // namespace msquic_py::quic
