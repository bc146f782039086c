#include "moqt/session/authorization/verdict.h"

#include "moqt/session/session.h"

namespace msquic_py::moqt::session {

SessionErrorCode session_code_of(RequestErrorCode code) noexcept {
  switch (code) {
    case RequestErrorCode::kUnauthorized: return SessionErrorCode::kUnauthorized;
    case RequestErrorCode::kMalformedAuthToken: return SessionErrorCode::kMalformedAuthToken;
    case RequestErrorCode::kExpiredAuthToken: return SessionErrorCode::kExpiredAuthToken;
    default: return SessionErrorCode::kInternalError;
  }
}

void apply(Session& session, RequestHandle request, const Verdict& verdict) {
  if (!request) {
    if (!session.awaits_authorization()) return;
    if (verdict.allowed) return (void)session.authorize_session();
    return session.close(verdict.session_code.value_or(session_code_of(verdict.code)), verdict.reason);
  }
  if (!session.awaits_authorization(request)) return;
  if (verdict.allowed) {
    (void)session.authorize(request, verdict.expires_ms);
  } else {
    (void)session.reject(request, verdict.code, verdict.reason);
  }
}

}  // namespace msquic_py::moqt::session
