#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "moqt/model/error_codes.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/message_parameters.h"

namespace msquic_py::moqt::wire {

inline constexpr std::size_t kMaxReasonPhraseLength = 1024;

/// [d15 §9.7]. Accepts REQUEST_UPDATE, TRACK_STATUS, SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS or PUBLISH_NAMESPACE, and in
/// what drafts from 18 on send, PUBLISH, too: see PublishOk.
struct RequestOk {
  MessageParameters parameters{};
  bool operator==(const RequestOk&) const = default;
};

/// Where else to ask (draft-18 section 10.6.1).
struct Redirect {
  std::string connect_uri{};  ///< empty: where this session is; always empty when a client sends it
  FullTrackName track{};      ///< without fields and name: that of the request
  bool operator==(const Redirect&) const = default;
};

/// [d15 §9.8]. Refuses any request.
struct RequestError {
  RequestErrorCode error_code = RequestErrorCode::kInternalError;
  std::string error_reason{};  ///< at most 1024 bytes; what a peer sends need not be valid UTF-8
  /// From draft 16 on: milliseconds after which to ask again, plus one. 0: do not.
  std::uint64_t retry_interval = 0;
  /// From draft 18 on: there exactly with the code REDIRECT.
  std::optional<Redirect> redirect{};
  bool operator==(const RequestError&) const = default;
};

}  // namespace msquic_py::moqt::wire
