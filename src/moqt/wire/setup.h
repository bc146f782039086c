#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/decoded.h"
#include "moqt/model/perspective.h"
#include "moqt/model/setup_parameters.h"

namespace msquic_py::moqt::wire {

/// Of both endpoints from draft 17 on, the first message of their control stream.
struct Setup {
  SetupParameters parameters{};
  bool operator==(const Setup&) const = default;
};

/// [d15 §9.3]. The first message of the client, which opens the control stream with it. Up to draft 16.
struct ClientSetup {
  SetupParameters parameters{};
  bool operator==(const ClientSetup&) const = default;
};

/// [d15 §9.3]. The first message of the server. Up to draft 16.
struct ServerSetup {
  SetupParameters parameters{};
  bool operator==(const ServerSetup&) const = default;
};

/// [d15 §9.4]. No new requests, please; with a URI: continue there. From draft 18 on also about one request, on its
/// stream.
struct Goaway {
  std::string new_session_uri{};  ///< at most 8192 bytes; always empty when a client sends it
  /// From draft 17 on: milliseconds until the sender ends what is open. 0: it does not say.
  std::uint64_t timeout = 0;
  /// Draft 18, on the control stream alone: the smallest Request ID of the receiver that may not have been processed.
  std::optional<std::uint64_t> request_id{};
  bool operator==(const Goaway&) const = default;
};

/// [d15 §9.5]. Up to draft 16. Raises the limit: one more than the largest Request ID that the receiver may use.
struct MaxRequestId {
  std::uint64_t max_request_id = 0;
  bool operator==(const MaxRequestId&) const = default;
};

/// [d15 §9.6]. Up to draft 16. The sender has a request that this limit does not allow.
struct RequestsBlocked {
  std::uint64_t maximum_request_id = 0;
  bool operator==(const RequestsBlocked&) const = default;
};

inline constexpr std::size_t kMaxNewSessionUriLength = 8192;

/// What only the receiver's place in the session can tell, for a SETUP that has decoded: PATH and AUTHORITY from a
/// server or over WebTransport, and their syntax (sections 9.3.1.1, 9.3.1.2). Nothing when all is well.
/// Whether the server serves that path and authority is the application's to say.
std::optional<base::Violation> validate_client_setup(const ClientSetup& setup, SessionTransport transport);
std::optional<base::Violation> validate_server_setup(const ServerSetup& setup);
/// Of a SETUP of drafts from 17 on, by who received it: the same, and a token that a server cannot know yet (draft-18
/// section 10.2.2).
std::optional<base::Violation> validate_setup(const Setup& setup, Perspective receiver, SessionTransport transport);
/// A server must not be sent a URI [d15 §9.4]. `receiver` is who received the message.
std::optional<base::Violation> validate_goaway(const Goaway& goaway, Perspective receiver);

}  // namespace msquic_py::moqt::wire
