#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "moqt/model/authorization_token.h"
#include "moqt/model/full_track_name.h"
#include "moqt/session/handles.h"

namespace msquic_py::moqt::session {

/// What a peer asks to be allowed.
enum class Operation : std::uint8_t {
  kSetup,  ///< the session itself: CLIENT_SETUP
  kSubscribe,
  kSubscribeUpdate,
  kPublish,
  kFetch,
  kTrackStatus,
  kPublishNamespace,
  kSubscribeNamespace,
};

/// The draft's name of the message, "SUBSCRIBE".
std::string_view name(Operation operation) noexcept;

/// Something of the peer waits for the application's word (SessionConfig::asks_authorization): answer it with
/// Session::authorize(), or with Session::reject(); a session with Session::authorize_session(), or with
/// Session::close(). Only then the request itself is reported. PATH and AUTHORITY are in Session::peer_setup().
struct AuthorizationRequested {
  RequestHandle request;  ///< null for kSetup
  Operation operation = Operation::kSetup;
  /// The track; for namespaces and prefixes without a name, for kSetup empty.
  FullTrackName track;
  /// Type and value of each; aliases are resolved.
  std::vector<AuthorizationToken> tokens;
};

/// What waited for the application's word does not any more: the peer has withdrawn it, or the word did not come
/// within Timeouts::authorization and it was refused with TIMEOUT.
struct AuthorizationWithdrawn {
  RequestHandle request;
};

}  // namespace msquic_py::moqt::session
