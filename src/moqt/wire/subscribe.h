#pragma once

#include <cstdint>

#include "moqt/model/full_track_name.h"
#include "moqt/model/message_parameters.h"
#include "moqt/wire/request_reference.h"

namespace msquic_py::moqt::wire {

/// [d15 §9.9].
struct Subscribe {
  FullTrackName track{};
  MessageParameters parameters{};
  bool operator==(const Subscribe&) const = default;
};

/// [d15 §9.10].
struct SubscribeOk {
  std::uint64_t track_alias = 0;
  MessageParameters parameters{};
  bool operator==(const SubscribeOk&) const = default;
};

/// SUBSCRIBE_UPDATE [d15 §9.11], and REQUEST_UPDATE from draft 16 on, which changes other requests, too. An absent
/// parameter leaves its value as it was.
struct RequestUpdate {
  RequestReference existing{};  ///< the request that it changes, up to draft 16; then its stream tells
  MessageParameters parameters{};
  bool operator==(const RequestUpdate&) const = default;
};

/// PUBLISH_STATE_NOTIFY (draft-22 section 9.10): what the publisher has changed about a subscription by itself.
struct PublishStateNotify {
  MessageParameters parameters{};
  bool operator==(const PublishStateNotify&) const = default;
};

/// [d15 §9.12]. Up to draft 16.
struct Unsubscribe {
  bool operator==(const Unsubscribe&) const = default;
};

/// [d15 §9.19]. The form of SUBSCRIBE, but a question only: no subscription comes of it.
struct TrackStatus {
  FullTrackName track{};
  MessageParameters parameters{};
  bool operator==(const TrackStatus&) const = default;
};

}  // namespace msquic_py::moqt::wire
