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

/// [d15 §9.21].
struct PublishNamespaceDone {
  TrackNamespace track_namespace{};
  bool operator==(const PublishNamespaceDone&) const = default;
};

/// [d15 §9.22].
struct PublishNamespaceCancel {
  TrackNamespace track_namespace{};
  RequestErrorCode error_code = RequestErrorCode::kInternalError;
  std::string error_reason{};  ///< at most 1024 bytes; what a peer sends need not be valid UTF-8
  bool operator==(const PublishNamespaceCancel&) const = default;
};

/// [d15 §9.23].
struct SubscribeNamespace {
  TrackNamespace track_namespace_prefix{};
  MessageParameters parameters{};
  bool operator==(const SubscribeNamespace&) const = default;
};

/// [d15 §9.24].
struct UnsubscribeNamespace {
  bool operator==(const UnsubscribeNamespace&) const = default;
};

}  // namespace msquic_py::moqt::wire
