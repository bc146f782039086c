#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "moqt/model/error_codes.h"
#include "moqt/model/track_namespace.h"
#include "moqt/session/authorization/gate.h"
#include "moqt/session/data/incoming_data.h"
#include "moqt/session/data/outgoing_data.h"
#include "moqt/session/event.h"
#include "moqt/session/handles.h"
#include "moqt/session/patience.h"
#include "moqt/session/request_path/request_path.h"
#include "moqt/session/request_path/request_rules.h"
#include "moqt/session/session_config.h"
#include "moqt/session/session_error.h"
#include "moqt/session/time.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::session {

class Request;

/// All that a request sees of its session.
class RequestContext {
 public:
  virtual ~RequestContext() = default;
  /// Sends a message about that request. It fails, and nothing is sent, when the message cannot be put on the wire.
  virtual base::Result<void, SessionError> send(const Request& request, const wire::MessageBody& body) = 0;
  virtual void emit(Event&& event) = 0;
  virtual void close(SessionErrorCode code, std::string_view reason) = 0;
  /// One deadline per request; a zero delay means none.
  virtual void arm(RequestHandle request, Duration delay) = 0;
  virtual void disarm(RequestHandle request) = 0;
  /// The time that the subscription has (EXPIRES) begins anew; zero: it has no end. Request::on_expiry() follows.
  virtual void expire_after(RequestHandle request, Duration time) = 0;
  /// A request of the peer is to be reported with this event: at once, or when the application has allowed it, and
  /// what it is `behind`. Request::on_authorized() follows.
  virtual void announce(Request& request, RequestReported event, RequestHandle behind = {}) = 0;
  /// The request has ended, see RequestPath::end(): its handle is stale from now on. The object lives until the present
  /// input is done with.
  virtual void end(RequestHandle request, const std::optional<Cancellation>& cancellation = std::nullopt) = 0;
  /// The track of that request is malformed: ends every subscription and fetch of it [d15 §2.4.2].
  virtual void malformed(RequestHandle request, MalformedTrack reason) = 0;
  virtual std::uint64_t next_track_alias() = 0;
  /// Null for a stale handle.
  virtual Request* find(RequestHandle request) = 0;
  virtual OutgoingData& outgoing() = 0;
  virtual IncomingData& incoming() = 0;
  /// Where outgoing streams that end without the application report it.
  virtual RingQueue<Event>& events() = 0;
  [[nodiscard]] virtual const SessionConfig& config() const = 0;
  /// What the draft says about requests that others say differently.
  [[nodiscard]] virtual const RequestRules& rules() const = 0;
  /// Our SUBSCRIBE for that track that has no answer ends: the peer's PUBLISH has come instead.
  virtual void give_way(RequestHandle publish, const FullTrackName& track) = 0;
  /// A request of ours that comes of one of the peer; as Session::publish_namespace().
  virtual base::Result<RequestHandle, SessionError> publish_namespace(TrackNamespace track_namespace,
                                                                      Patience patience) = 0;
  /// The same of NAMESPACE, on the stream of `subscription`.
  virtual RequestHandle add_announcement(RequestHandle subscription, TrackNamespace track_namespace) = 0;
  /// The peer asks for a fill of that subscription, with the message of that Request ID; a fetch without messages of
  /// its own from now on.
  virtual RequestHandle add_fill(RequestHandle subscription, std::uint64_t request_id, wire::Fetch fetch) = 0;
  /// REQUEST_UPDATE of a subscription that this endpoint receives, of which the application hears nothing.
  virtual void update_quietly(RequestHandle subscription, MessageParameters parameters) = 0;
};

}  // namespace msquic_py::moqt::session
