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

/// [d15 §9.11]. An absent parameter leaves its value as it was.
struct SubscribeUpdate {
  RequestReference subscription{};  ///< the SUBSCRIBE or PUBLISH that it changes
  MessageParameters parameters{};
  bool operator==(const SubscribeUpdate&) const = default;
};

/// [d15 §9.12].
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
