#pragma once

#include <string_view>

#include "moqt/session/session_core.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::session {

/// Finds out which request a control message is about, or makes a new one, and hands the message over.
class ControlRouter {
 public:
  explicit ControlRouter(SessionCore& core) noexcept : core_(core) {}

  void route(const wire::ControlMessage& message);

 private:
  void on(const wire::ClientSetup& message);
  void on(const wire::ServerSetup& message);
  void on(const wire::Goaway& message);
  void on(const wire::MaxRequestId& message);
  void on(const wire::RequestsBlocked& message);

  void on(const wire::Subscribe& message);
  void on(const wire::SubscribeUpdate& message);
  void on(const wire::Publish& message);
  void on(const wire::Fetch& message);
  void on(const wire::TrackStatus& message);
  void on(const wire::PublishNamespace& message);
  void on(const wire::SubscribeNamespace& message);

  void on(const wire::RequestOk& message);
  void on(const wire::RequestError& message);
  void on(const wire::SubscribeOk& message);
  void on(const wire::PublishOk& message);
  void on(const wire::FetchOk& message);

  void on(const wire::PublishDone& message);
  void on(const wire::Unsubscribe& message);
  void on(const wire::UnsubscribeNamespace& message);
  void on(const wire::PublishNamespaceDone& message);
  void on(const wire::PublishNamespaceCancel& message);
  void on(const wire::FetchCancel& message);

  void violate(std::string_view what) { core_.close(SessionErrorCode::kProtocolViolation, what); }
  /// The checks that every request of the peer has in common.
  bool admit(std::uint64_t request_id, const MessageParameters& parameters);
  /// Refuses a request for which no object is worth making.
  void refuse(std::uint64_t request_id, RequestErrorCode code, std::string_view reason);
  template <class T, class... Arguments>
  T& make(std::uint64_t request_id, Arguments&&... arguments);
  /// The request of ours that a response names; null when there is none, which closes the session unless the
  /// response is merely late.
  Request* answered(std::uint64_t request_id);
  /// The request, of either endpoint, that a message names; null when it is gone, which is a race, or never was,
  /// which closes the session.
  Request* named(std::uint64_t request_id, std::string_view message);
  Request* find(std::uint64_t request_id);

  SessionCore& core_;
};

}  // namespace msquic_py::moqt::session
