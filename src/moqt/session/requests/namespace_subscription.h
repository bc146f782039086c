#pragma once

#include <utility>

#include "moqt/model/track_namespace.h"
#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// SUBSCRIBE_NAMESPACE, from either side (sections 6.1, 9.23, 9.24).
class NamespaceSubscription final : public Request {
 public:
  NamespaceSubscription(RequestContext& context, RequestHandle handle, bool ours, TrackNamespace prefix,
                        MessageParameters parameters)
      : Request(context, handle, ours), prefix_(std::move(prefix)), parameters_(std::move(parameters)) {}

  [[nodiscard]] static std::optional<SessionError> refusal(const RequestTable& requests, const TrackNamespace& prefix,
                                                           const MessageParameters& parameters);
  /// SUBSCRIBE_NAMESPACE of the peer.
  static void admit(const Arrival& arrival, const wire::SubscribeNamespace& message);

  static constexpr RequestKind kKind = RequestKind::kNamespaceSubscription;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }
  [[nodiscard]] const TrackNamespace& prefix() const noexcept { return prefix_; }
  /// Whether one prefix is equal to, or a beginning of, the other.
  [[nodiscard]] bool overlaps(const TrackNamespace& other) const noexcept {
    return prefix_.is_prefix_of(other) || other.is_prefix_of(prefix_);
  }

  [[nodiscard]] wire::MessageBody first_message() const override;
  void on_request_ok(const wire::RequestOk& message) override;
  void on_cancelled(const Cancellation& cancellation) override;
  RequestResult accept(MessageParameters parameters) override;
  RequestResult cancel() override;

 private:
  TrackNamespace prefix_;
  MessageParameters parameters_;
};

}  // namespace msquic_py::moqt::session
