#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "moqt/model/error_codes.h"
#include "moqt/session/handles.h"

namespace msquic_py::moqt::session {

class Session;

/// The application's word on an AuthorizationRequested.
struct Verdict {
  bool allowed = true;
  RequestErrorCode code = RequestErrorCode::kUnauthorized;
  std::string reason;
  /// What a refused session is closed with, where the request's code does not say it, for example INVALID_PATH.
  std::optional<SessionErrorCode> session_code = std::nullopt;
  /// For how long a SUBSCRIBE, or its renewal by SUBSCRIBE_UPDATE, is allowed, in milliseconds: EXPIRES of SUBSCRIBE_OK
  /// is no longer than that, and the subscription ends with EXPIRED unless it is renewed [d15 §9.2.1.8]. An update that
  /// is allowed without a time has the one before. Of no meaning for other requests.
  std::optional<std::uint64_t> expires_ms = std::nullopt;

  static Verdict allow() { return {}; }
  static Verdict refuse(RequestErrorCode code, std::string_view reason) { return {false, code, std::string(reason)}; }
};

/// UNAUTHORIZED, MALFORMED_AUTH_TOKEN and EXPIRED_AUTH_TOKEN have codes of both kinds; everything else is
/// INTERNAL_ERROR.
SessionErrorCode session_code_of(RequestErrorCode code) noexcept;

/// Does what the verdict says; `request` is that of the AuthorizationRequested, null for the session. One that does not
/// wait any more stays as it is.
void apply(Session& session, RequestHandle request, const Verdict& verdict);

}  // namespace msquic_py::moqt::session
