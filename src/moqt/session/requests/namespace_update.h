#pragma once

#include <string_view>
#include <utility>

#include "moqt/session/requests/update.h"

namespace msquic_py::moqt::session {

/// REQUEST_UPDATE of a SUBSCRIBE_NAMESPACE or SUBSCRIBE_TRACKS, from either side (draft-18 section 10.9.2, draft-22
/// section 9.5.2): a request of its own about that one.
class NamespaceUpdate final : public Update {
 public:
  NamespaceUpdate(RequestContext& context, RequestHandle handle, bool ours, RequestHandle subscription,
                  MessageParameters parameters)
      : Update(context, handle, ours, subscription, std::move(parameters)) {}

  [[nodiscard]] static std::optional<SessionError> refusal(const RequestTable& requests, RequestHandle subscription,
                                                           const MessageParameters& parameters);
  /// REQUEST_UPDATE of the peer.
  static void admit(const Arrival& arrival, const wire::RequestUpdate& message);
  /// The same of one that cannot be granted, which ends what it is about.
  static void refuse(const Arrival& arrival, const wire::RequestUpdate& message, RequestErrorCode code,
                     std::string_view reason);

  static constexpr RequestKind kKind = RequestKind::kNamespaceUpdate;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }
  void begin(wire::RequestReference reference) override;
  void on_end() override;
  void on_request_ok(const wire::RequestOk& message) override;
  RequestResult accept(MessageParameters parameters) override;
  RequestResult reject(RequestErrorCode code, std::string_view reason) override;

 private:
  static NamespaceUpdate& receive(const Arrival& arrival, const wire::RequestUpdate& message);
  /// What it has changed counts from now on.
  void apply();
};

}  // namespace msquic_py::moqt::session
