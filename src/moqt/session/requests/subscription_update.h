#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// SUBSCRIBE_UPDATE, from either side [d15 §9.11]: a request of its own about a subscription.
class SubscriptionUpdate final : public Request {
 public:
  SubscriptionUpdate(RequestContext& context, RequestHandle handle, bool ours, RequestHandle subscription,
                     MessageParameters parameters)
      : Request(context, handle, ours), subscription_(subscription), parameters_(std::move(parameters)) {}

  static constexpr bool kBeginsAfterGoaway = true;  ///< it belongs to a subscription that lives on [d15 §3.5-2]
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
  [[nodiscard]] RequestHandle updated() const noexcept override { return subscription_; }
  [[nodiscard]] wire::MessageBody first_message() const override;
  [[nodiscard]] bool obsolete() const override;
  void begin(wire::RequestReference reference) override;
  void on_end() override;
  void limit_time(std::uint64_t expires_ms) override;
  /// It comes of something else that the application has asked for, which hears nothing of this.
  void be_quiet() noexcept { quiet_ = true; }
  void on_request_ok(const wire::RequestOk& message) override;
  void on_request_error(const wire::RequestError& message) override;
  void on_deadline() override;
  RequestResult accept(MessageParameters parameters) override;
  RequestResult reject(RequestErrorCode code, std::string_view reason) override;

 private:
  /// Null when there is nothing to update.
  static SubscriptionUpdate* receive(const Arrival& arrival, const wire::RequestUpdate& message);

  RequestHandle subscription_;
  MessageParameters parameters_;
  bool quiet_ = false;
};

}  // namespace msquic_py::moqt::session
