#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "moqt/model/error_codes.h"
#include "moqt/model/setup_parameters.h"
#include "moqt/session/handles.h"
#include "moqt/session/session_error.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::session {

class Request;
class SessionCore;

/// Why an endpoint gives a request up. Drafts up to 16 tell the peer so for a namespace alone, later ones in the code
/// with which the request's stream is reset, as far as there is one for that.
struct Cancellation {
  RequestErrorCode code = RequestErrorCode::kInternalError;
  std::string reason{};
};

/// How requests, and the messages about the session, travel between the endpoints. Drafts up to 16 have one control
/// stream for all of them (SharedControlStream), draft-16 but for namespace subscriptions; from draft 17 on each
/// request has a stream of its own (StreamPerRequest). What the transport brings of a kind of stream that the draft has
/// not is dropped. Which message or which reset says that a request is over, what names a request on the wire and what
/// limits their number is known here and in `wire` alone.
class RequestPath {
 public:
  RequestPath() = default;
  RequestPath(const RequestPath&) = delete;
  RequestPath& operator=(const RequestPath&) = delete;
  virtual ~RequestPath() = default;

  // ---- what the transport brings ----

  /// Bytes of the one control stream. Every message in them goes to the request that it is about, or begins one; while
  /// SessionCore::awaits_admission holds, they wait for resume().
  virtual void on_control_data(base::Bytes bytes) = 0;
  /// A control stream, of either endpoint, was finished, reset or stopped by the peer.
  virtual void on_control_closed() = 0;
  /// The peer has opened a bidirectional stream that is not the control stream, where no request has one.
  virtual void on_bidi_stream_opened() = 0;
  /// Bytes of the peer's unidirectional control stream, its type included.
  virtual void on_peer_control_data(base::Bytes bytes) = 0;
  /// Bytes of a stream that carries a request, its end with `fin`.
  virtual void on_request_data(RequestStreamId stream, base::Bytes bytes, bool fin) = 0;
  virtual void on_request_reset(RequestStreamId stream, std::uint64_t code) = 0;
  /// STOP_SENDING; the transport has reset this endpoint's direction.
  virtual void on_request_stopped(RequestStreamId stream, std::uint64_t code) = 0;
  /// Both directions have ended, and nothing more comes of the stream.
  virtual void on_request_closed(RequestStreamId stream) = 0;
  /// The peer admits so many more streams for requests.
  virtual void on_request_streams_admitted(std::uint64_t count) = 0;

  // ---- the session ----

  /// Whether a server may send its SETUP before the client's has come.
  [[nodiscard]] virtual bool sets_up_at_once() const = 0;
  virtual base::Result<void, SessionError> send_setup(SetupParameters parameters) = 0;
  /// A message about the session, or the error for which it cannot be put on the wire.
  virtual base::Result<void, SessionError> send(const wire::MessageBody& body) = 0;
  /// Both SETUPs are there: the requests that waited go out.
  virtual void establish(const SetupParameters& peer) = 0;
  /// The client has been admitted, and what it has sent meanwhile is read.
  virtual void resume() = 0;
  /// Some requests have ended, which others of ours may have waited for.
  virtual void on_requests_ended() {}
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
  /// GOAWAY about that request alone; kNotInDraft where it can be about the session only.
  virtual base::Result<void, SessionError> send_goaway(const Request&, std::string_view /*new_session_uri*/) {
    return base::Failure{SessionError::kNotInDraft};
  }
  /// The time for which the peer was given to make that request elsewhere is over: this endpoint gives it up, and the
  /// application hears of its end as if the peer had.
  virtual void end_migrated(Request&) {}
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
