#pragma once

#include <cstdint>
#include <string>

#include "moqt/model/error_codes.h"
#include "moqt/model/message_parameters.h"
#include "moqt/model/track_namespace.h"

namespace msquic_py::moqt::wire {

/// [d15 §9.20].
struct PublishNamespace {
  TrackNamespace track_namespace{};
  MessageParameters parameters{};
  bool operator==(const PublishNamespace&) const = default;
};

/// [d15 §9.21]. Up to draft 16, which names the request instead of the namespace.
struct PublishNamespaceDone {
  TrackNamespace track_namespace{};
  bool operator==(const PublishNamespaceDone&) const = default;
};

/// [d15 §9.22]. Up to draft 16, which names the request instead of the namespace.
struct PublishNamespaceCancel {
  TrackNamespace track_namespace{};
  RequestErrorCode error_code = RequestErrorCode::kInternalError;
  std::string error_reason{};  ///< at most 1024 bytes; what a peer sends need not be valid UTF-8
  bool operator==(const PublishNamespaceCancel&) const = default;
};

/// What a SUBSCRIBE_NAMESPACE of draft-16 asks for (its section 9.25).
enum class NamespaceInterest : std::uint8_t { kPublish = 0, kNamespace = 1, kBoth = 2 };

/// [d15 §9.23]. In draft-15 it asks for PUBLISH_NAMESPACE and PUBLISH, in draft-16 for what `interest` says, from draft
/// 18 on for NAMESPACE alone.
struct SubscribeNamespace {
  TrackNamespace track_namespace_prefix{};
  MessageParameters parameters{};
  NamespaceInterest interest = NamespaceInterest::kBoth;  ///< draft-16 alone
  bool operator==(const SubscribeNamespace&) const = default;
};

/// [d15 §9.24]. Draft-15 alone.
struct UnsubscribeNamespace {
  bool operator==(const UnsubscribeNamespace&) const = default;
};

/// SUBSCRIBE_TRACKS (draft-18 section 10.19): asks for PUBLISH of every track under the prefix.
struct SubscribeTracks {
  TrackNamespace track_namespace_prefix{};
  MessageParameters parameters{};
  bool operator==(const SubscribeTracks&) const = default;
};

/// NAMESPACE (draft-18 section 10.16): behind the prefix that was asked for lies this. From draft 16 on.
struct Namespace {
  TrackNamespace track_namespace_suffix{};
  bool operator==(const Namespace&) const = default;
};

/// NAMESPACE_DONE (draft-18 section 10.17): not any more. From draft 16 on.
struct NamespaceDone {
  TrackNamespace track_namespace_suffix{};
  bool operator==(const NamespaceDone&) const = default;
};

/// PUBLISH_SKIPPED, in drafts up to 18 PUBLISH_BLOCKED (draft-18 section 10.20): a track under the prefix for which no
/// PUBLISH will come.
struct PublishSkipped {
  TrackNamespace track_namespace_suffix{};
  base::ByteVector track_name{};
  bool operator==(const PublishSkipped&) const = default;
};

}  // namespace msquic_py::moqt::wire
