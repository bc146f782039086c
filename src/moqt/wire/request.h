#pragma once

#include <cstdint>
#include <string>

#include "moqt/model/error_codes.h"
#include "moqt/model/message_parameters.h"

namespace msquic_py::moqt::wire {

inline constexpr std::size_t kMaxReasonPhraseLength = 1024;

/// [d15 §9.7]. Accepts SUBSCRIBE_UPDATE, TRACK_STATUS, SUBSCRIBE_NAMESPACE or PUBLISH_NAMESPACE.
struct RequestOk {
  MessageParameters parameters{};
  bool operator==(const RequestOk&) const = default;
};

/// [d15 §9.8]. Refuses any request.
struct RequestError {
  RequestErrorCode error_code = RequestErrorCode::kInternalError;
  std::string error_reason{};  ///< at most 1024 bytes; what a peer sends need not be valid UTF-8
  bool operator==(const RequestError&) const = default;
};

}  // namespace msquic_py::moqt::wire
