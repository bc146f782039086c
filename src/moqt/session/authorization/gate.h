#pragma once

#include <optional>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "moqt/session/authorization/authorization_requested.h"
#include "moqt/session/event.h"
#include "moqt/session/handles.h"

namespace msquic_py::moqt::session {

/// What reports a request of the peer: each of these the application may be asked about.
using RequestReported =
    std::variant<SubscribeReceived, UpdateReceived, PublishReceived, FetchReceived, TrackStatusReceived,
                 NamespacePublished, NamespaceSubscribed, NamespaceUpdateReceived>;

/// Requests of the peer that the application has not allowed yet, each with the event that will report it. There are
/// no more of them than the peer may have requests open.
class Gate {
 public:
  struct Opened {
    Event event;
    std::vector<RequestHandle> next;  ///< those that have waited behind it, in their order
  };

  /// `behind`: a request that must be allowed first, if that one is waiting.
  void hold(RequestHandle request, Event event, AuthorizationRequested question, RequestHandle behind = {});
  [[nodiscard]] bool holds(RequestHandle request) const noexcept { return held_.contains(request); }
  [[nodiscard]] bool empty() const noexcept { return held_.empty(); }
  /// Whether the application can be asked about it now: nothing that it depends on waits, and it has not been asked.
  [[nodiscard]] bool may_ask(RequestHandle request) const noexcept;
  /// The question about it, once.
  AuthorizationRequested ask(RequestHandle request);
  /// Whether the application has been asked, and has not answered.
  [[nodiscard]] bool asked(RequestHandle request) const noexcept;
  /// The tokens of what is waiting.
  [[nodiscard]] const std::vector<AuthorizationToken>& tokens(RequestHandle request) const;
  /// Takes it out: it is allowed, refused or withdrawn. Nothing when it does not wait.
  std::optional<Opened> take(RequestHandle request);
  void clear() { held_.clear(); }

 private:
  struct Held {
    Event event;
    AuthorizationRequested question;
    RequestHandle behind;
    bool asked = false;
  };
  std::unordered_map<RequestHandle, Held> held_;
};

/// The question that the event of a request raises. For an update, the caller knows the track.
AuthorizationRequested question_of(const RequestReported& event);

}  // namespace msquic_py::moqt::session
