#pragma once

#include <utility>

#include "moqt/model/track_namespace.h"
#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// A namespace of which the peer has been told by NAMESPACE, on the stream of its SUBSCRIBE_NAMESPACE. No request on
/// the wire: it ends with NAMESPACE_DONE, or with that stream.
class NamespaceAnnouncement final : public Request {
 public:
  NamespaceAnnouncement(RequestContext& context, RequestHandle handle, bool ours, RequestHandle subscription,
                        TrackNamespace track_namespace)
      : Request(context, handle, ours), subscription_(subscription), namespace_(std::move(track_namespace)) {}

  static constexpr RequestKind kKind = RequestKind::kNamespaceAnnouncement;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }
  [[nodiscard]] const TrackNamespace& track_namespace() const noexcept { return namespace_; }
  [[nodiscard]] wire::MessageBody first_message() const override { return wire::Namespace{}; }
  RequestResult cancel() override;

 private:
  RequestHandle subscription_;
  TrackNamespace namespace_;
};

}  // namespace msquic_py::moqt::session
