#include "moqt/wire/setup.h"

#include "moqt/wire/uri_syntax.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire {

std::optional<base::Violation> validate_client_setup(const ClientSetup& setup, SessionTransport transport) {
  if (const auto path = setup.parameters.path()) {
    if (transport == SessionTransport::kWebTransport) {
      return violation(SessionErrorCode::kInvalidPath, "PATH over WebTransport (section 9.3.1.2)");  // [d15 §9.3.1.2-2]
    }
    if (!is_path_and_query(*path)) {
      return violation(SessionErrorCode::kMalformedPath, "PATH is not the path and query of a URI (section 9.3.1.2)");
    }
  }
  if (const auto authority = setup.parameters.authority()) {
    if (transport == SessionTransport::kWebTransport) {
      // [d15 §9.3.1.1-2]
      return violation(SessionErrorCode::kInvalidAuthority, "AUTHORITY over WebTransport (section 9.3.1.1)");
    }
    if (!is_authority(*authority)) {
      return violation(SessionErrorCode::kMalformedAuthority,
                       "AUTHORITY is not the authority of a URI (section 9.3.1.1)");
    }
  }
  return std::nullopt;
}

std::optional<base::Violation> validate_server_setup(const ServerSetup& setup) {
  // [d15 §9.3.1.2-2]
  if (setup.parameters.path()) return violation(SessionErrorCode::kInvalidPath, "PATH from a server (section 9.3.1.2)");
  if (setup.parameters.authority()) {
    // [d15 §9.3.1.1-2]
    return violation(SessionErrorCode::kInvalidAuthority, "AUTHORITY from a server (section 9.3.1.1)");
  }
  return std::nullopt;
}

std::optional<base::Violation> validate_setup(const Setup& setup, Perspective receiver, SessionTransport transport) {
  if (receiver == Perspective::kClient) return validate_server_setup({setup.parameters});
  for (const AuthorizationToken& token : setup.parameters.authorization_tokens()) {
    if (token.alias_type == TokenAliasType::kDelete || token.alias_type == TokenAliasType::kUseAlias) {
      return protocol_violation("token DELETE or USE_ALIAS in SETUP of a client (draft-18, section 10.2.2)");
    }
  }
  return validate_client_setup({setup.parameters}, transport);
}

std::optional<base::Violation> validate_goaway(const Goaway& goaway, Perspective receiver) {
  if (receiver == Perspective::kServer && !goaway.new_session_uri.empty()) {
    return protocol_violation("GOAWAY with a URI from a client (section 9.4)");  // [d15 §9.4-5]
  }
  return std::nullopt;
}

}  // namespace msquic_py::moqt::wire
