#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "moqt/model/error_codes.h"
#include "moqt/model/setup_parameters.h"
#include "moqt/session/session_error.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::session {

class Request;
class SessionCore;

/// Why an endpoint gives a request up. Drafts up to 16 tell the peer so for a namespace alone.
struct Cancellation {
  RequestErrorCode code = RequestErrorCode::kInternalError;
  std::string reason{};
};

/// How requests, and the messages about the session, travel between the endpoints. Drafts up to 16 have one control
/// stream for all of them (SharedControlStream); from draft 17 on each request has a stream of its own. Which message
/// or which reset says that a request is over, what names a request on the wire and what limits their number is known
/// here and in `wire` alone.
class RequestPath {
 public:
  RequestPath() = default;
  RequestPath(const RequestPath&) = delete;
  RequestPath& operator=(const RequestPath&) = delete;
  virtual ~RequestPath() = default;

  // ---- what the transport brings ----

  /// Bytes of the control stream. Every message in them goes to the request that it is about, or begins one; while
  /// SessionCore::awaits_admission holds, they wait for resume().
  virtual void on_control_data(base::Bytes bytes) = 0;
  virtual void on_control_closed() = 0;
  /// The peer has opened a bidirectional stream that is not the control stream.
  virtual void on_bidi_stream_opened() = 0;

  // ---- the session ----

  /// Adds to our SETUP what this path needs there.
  virtual void complete(SetupParameters& setup) const = 0;
  /// A message about the session, or the error for which it cannot be put on the wire.
  virtual base::Result<void, SessionError> send(const wire::MessageBody& body) = 0;
  /// Both SETUPs are there: the requests that waited go out.
  virtual void establish(const SetupParameters& peer) = 0;
  /// The client has been admitted, and what it has sent meanwhile is read.
  virtual void resume() = 0;
  /// The session is closed.
  virtual void clear() = 0;

  // ---- our requests ----

  /// The request goes out, by Request::begin(), now or when the peer's credit allows. The error tells why it can never
  /// go out, or that too many wait.
  virtual base::Result<void, SessionError> open(Request& request) = 0;

  // ---- the peer's requests ----

  /// The request has an object from now on, to which later messages go.
  virtual void adopt(Request& request) = 0;
  /// The one answer to a request that gets no object.
  virtual void answer(wire::RequestReference request, const wire::MessageBody& body) = 0;

  // ---- requests of either endpoint ----

  virtual base::Result<void, SessionError> send(const Request& request, const wire::MessageBody& body) = 0;
  /// The request is over for this endpoint. With a `cancellation` this endpoint gives it up, and the peer, if it has
  /// heard of the request, is told; without, its last message has been exchanged. An answer that is still to come is
  /// dropped when it does.
  virtual void end(Request& request, const std::optional<Cancellation>& cancellation) = 0;
  /// The request that the body of another one names; null when there is none (any more).
  virtual Request* find(wire::RequestReference request) const = 0;
  /// Whether find() says null because our PUBLISH_DONE has ended that subscription: what the peer still sends about it
  /// has crossed that message on the way.
  [[nodiscard]] virtual bool ended(wire::RequestReference request) const = 0;
};

}  // namespace msquic_py::moqt::session
