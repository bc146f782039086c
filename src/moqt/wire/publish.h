#pragma once

#include <cstdint>
#include <string>

#include "base/varint.h"
#include "moqt/model/error_codes.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/message_parameters.h"

namespace msquic_py::moqt::wire {

/// [d15 §9.13].
struct Publish {
  FullTrackName track{};
  std::uint64_t track_alias = 0;
  MessageParameters parameters{};
  bool operator==(const Publish&) const = default;
};

/// [d15 §9.14]. From draft 18 on it is a REQUEST_OK on the wire, and decodes to one: what it answers only the stream
/// knows.
struct PublishOk {
  MessageParameters parameters{};
  bool operator==(const PublishOk&) const = default;
};

/// The Stream Count of a publisher that did not count. Codecs write what their draft has for it.
inline constexpr std::uint64_t kStreamCountUnknown = base::kVarintMax;

/// [d15 §9.15]. Sent when every stream of the subscription is closed.
struct PublishDone {
  PublishDoneCode status_code = PublishDoneCode::kTrackEnded;
  std::uint64_t stream_count = 0;  ///< data streams opened, or kStreamCountUnknown
  std::string error_reason{};      ///< at most 1024 bytes; what a peer sends need not be valid UTF-8
  bool operator==(const PublishDone&) const = default;
};

}  // namespace msquic_py::moqt::wire
