#pragma once

#include <optional>
#include <string_view>

#include "moqt/session/session_core.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::session {

class Arrival;
class Request;

/// Takes the messages about the session, and hands each new request of the peer to the class of its kind. Messages
/// about a request that exists don't come here: the request path knows which one that is.
class ControlRouter {
 public:
  ControlRouter(SessionCore& core, RequestPath& path) noexcept : core_(core), path_(path) {}

  void on(const wire::ClientSetup& message);
  void on(const wire::ServerSetup& message);
  void on(const wire::Setup& message);
  void on(const wire::Goaway& message);

  void on(wire::RequestReference request, const wire::Subscribe& message);
  void on(wire::RequestReference request, const wire::RequestUpdate& message);
  void on(wire::RequestReference request, const wire::Publish& message);
  void on(wire::RequestReference request, const wire::Fetch& message);
  void on(wire::RequestReference request, const wire::TrackStatus& message);
  void on(wire::RequestReference request, const wire::PublishNamespace& message);
  void on(wire::RequestReference request, const wire::SubscribeNamespace& message);
  void on(wire::RequestReference request, const wire::SubscribeTracks& message);
  /// REQUEST_UPDATE of a subscription to namespaces or tracks.
  void update_namespaces(wire::RequestReference request, const wire::RequestUpdate& message);
  /// REQUEST_UPDATE of what is no subscription of any kind: why it cannot be granted, if so. The session may close.
  std::optional<wire::RequestError> update(Request& updated, const wire::RequestUpdate& message);

 private:
  void violate(std::string_view what) { core_.close(SessionErrorCode::kProtocolViolation, what); }
  /// What the tokens of SETUP do; false, and the session closes, when they may not.
  bool take_tokens(SetupParameters& parameters, TokenCache::Carrier carrier);
  /// What every request of the peer has in common: its tokens, which are resolved for it, and that there is memory.
  template <class T, class Message>
  void admit(wire::RequestReference request, const Message& message);

  template <class T, class Message>
  void admit_resolved(const Arrival& arrival, const Message& message);

  template <class T, class Message>
  void refuse(const Arrival& arrival, const Message& message, RequestErrorCode code, std::string_view reason);

  SessionCore& core_;
  RequestPath& path_;
};

}  // namespace msquic_py::moqt::session
