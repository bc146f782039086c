#pragma once

#include <string_view>
#include <utility>

#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// REQUEST_UPDATE of a SUBSCRIBE_NAMESPACE or SUBSCRIBE_TRACKS, from either side (draft-18 section 10.9.2, draft-22
/// section 9.5.2): a request of its own about that one.
class NamespaceUpdate final : public Request {
 public:
  NamespaceUpdate(RequestContext& context, RequestHandle handle, bool ours, RequestHandle subscription,
                  MessageParameters parameters)
      : Request(context, handle, ours), subscription_(subscription), parameters_(std::move(parameters)) {}

  static constexpr bool kBeginsAfterGoaway = true;  ///< it belongs to a request that lives on
  [[nodiscard]] static std::optional<SessionError> refusal(const RequestTable& requests, RequestHandle subscription,
                                                           const MessageParameters& parameters);
  /// REQUEST_UPDATE of the peer.
  static void admit(const Arrival& arrival, const wire::RequestUpdate& message);
  /// The same of one that cannot be granted, which ends what it is about.
  static void refuse(const Arrival& arrival, const wire::RequestUpdate& message, RequestErrorCode code,
                     std::string_view reason);

  static constexpr RequestKind kKind = RequestKind::kNamespaceUpdate;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }
  [[nodiscard]] RequestHandle updated() const noexcept override { return subscription_; }
  [[nodiscard]] wire::MessageBody first_message() const override;
  [[nodiscard]] bool obsolete() const override;
  void begin(wire::RequestReference reference) override;
  void on_end() override;
  /// It goes with another one, which tells the application.
  void be_quiet() noexcept { quiet_ = true; }
  void on_request_ok(const wire::RequestOk& message) override;
  void on_request_error(const wire::RequestError& message) override;
  void on_deadline() override;
  RequestResult accept(MessageParameters parameters) override;
  RequestResult reject(RequestErrorCode code, std::string_view reason) override;

 private:
  static NamespaceUpdate& receive(const Arrival& arrival, const wire::RequestUpdate& message);
  /// What it has changed counts from now on.
  void apply();

  RequestHandle subscription_;
  MessageParameters parameters_;
  bool quiet_ = false;
};

}  // namespace msquic_py::moqt::session
