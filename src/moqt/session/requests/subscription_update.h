#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "moqt/session/requests/update.h"

namespace msquic_py::moqt::session {

/// SUBSCRIBE_UPDATE, from either side [d15 §9.11]: a request of its own about a subscription.
class SubscriptionUpdate final : public Update {
 public:
  SubscriptionUpdate(RequestContext& context, RequestHandle handle, bool ours, RequestHandle subscription,
                     MessageParameters parameters)
      : Update(context, handle, ours, subscription, std::move(parameters)) {}

  [[nodiscard]] static std::optional<SessionError> refusal(const RequestTable& requests, RequestHandle subscription,
                                                           const MessageParameters& parameters);
  /// SUBSCRIBE_UPDATE of the peer.
  static void admit(const Arrival& arrival, const wire::RequestUpdate& message);
  /// The same of one that cannot be granted, which ends its subscription [d15 §9.11].
  static void refuse(const Arrival& arrival, const wire::RequestUpdate& message, RequestErrorCode code,
                     std::string_view reason);

  static constexpr RequestKind kKind = RequestKind::kSubscriptionUpdate;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }
  [[nodiscard]] RequestHandle subscription() const noexcept { return subscription_; }
  void begin(wire::RequestReference reference) override;
  void on_end() override;
  /// The publisher has ended the subscription and said nothing of this: a publisher that takes several updates together
  /// answers with one REQUEST_ERROR when they fail (draft-22 section 9.5.1).
  void tell_unanswered() const;
  void limit_time(std::uint64_t expires_ms) override;
  void on_request_ok(const wire::RequestOk& message) override;
  RequestResult accept(MessageParameters parameters) override;
  RequestResult reject(RequestErrorCode code, std::string_view reason) override;

 private:
  /// Null when there is nothing to update.
  static SubscriptionUpdate* receive(const Arrival& arrival, const wire::RequestUpdate& message);
};

}  // namespace msquic_py::moqt::session
