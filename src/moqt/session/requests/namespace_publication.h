#pragma once

#include <string_view>
#include <utility>

#include "moqt/model/track_namespace.h"
#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// PUBLISH_NAMESPACE, from either side (sections 6.2, 9.20 to 9.22). Draft-15 ends it by namespace, not by ID.
class NamespacePublication final : public Request {
 public:
  NamespacePublication(RequestContext& context, RequestHandle handle, bool ours, TrackNamespace track_namespace,
                       MessageParameters parameters)
      : Request(context, handle, ours), namespace_(std::move(track_namespace)), parameters_(std::move(parameters)) {}

  [[nodiscard]] static std::optional<SessionError> refusal(const RequestTable& requests,
                                                           const TrackNamespace& track_namespace,
                                                           const MessageParameters& parameters);
  /// PUBLISH_NAMESPACE of the peer.
  static void admit(const Arrival& arrival, const wire::PublishNamespace& message);

  static constexpr RequestKind kKind = RequestKind::kNamespacePublication;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }
  [[nodiscard]] const TrackNamespace& track_namespace() const noexcept { return namespace_; }

  [[nodiscard]] wire::MessageBody first_message() const override;
  void on_request_ok(const wire::RequestOk& message) override;
  /// The publisher has no more tracks there, or the subscriber takes its acceptance back.
  void on_cancelled(const Cancellation& cancellation) override;

  RequestResult accept(MessageParameters parameters) override;
  /// Ours: withdraws it.
  RequestResult cancel() override;
  /// The peer's: takes the acceptance back.
  RequestResult revoke(RequestErrorCode code, std::string_view reason) override;

 private:
  TrackNamespace namespace_;
  MessageParameters parameters_;
};

}  // namespace msquic_py::moqt::session
