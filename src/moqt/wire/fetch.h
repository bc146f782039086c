#pragma once

#include <cstdint>
#include <variant>

#include "moqt/model/full_track_name.h"
#include "moqt/model/location.h"
#include "moqt/model/message_parameters.h"
#include "moqt/wire/request_reference.h"

namespace msquic_py::moqt::wire {

enum class FetchType : std::uint64_t { kStandalone = 0x1, kRelativeJoining = 0x2, kAbsoluteJoining = 0x3 };

/// [d15 §9.16.1].
struct StandaloneFetch {
  FullTrackName track{};
  Location start{};  ///< inclusive
  Location end{};    ///< last wanted object plus one; object 0 means all of the group
  bool operator==(const StandaloneFetch&) const = default;
};

/// [d15 §9.16.2]: from `joining_start` up to where the joined subscription began.
struct JoiningFetch {
  bool relative = true;       ///< joining_start counts groups back from the largest one; otherwise it is a Group ID
  RequestReference joined{};  ///< the subscription up to whose beginning is fetched
  std::uint64_t joining_start = 0;
  bool operator==(const JoiningFetch&) const = default;
};

/// From draft 20 on: up to the largest object, from the beginning of a group before the one that comes next.
struct RelativeFetch {
  FullTrackName track{};
  std::uint64_t groups_back = 0;  ///< 1 is the group of the largest object
  bool operator==(const RelativeFetch&) const = default;
};

/// [d15 §9.16]. Drafts from 20 on have no joining FETCH and say the range of the others in a LOCATION_FILTER, which
/// their codec puts into `range` and takes from it. An open end is a StandaloneFetch up to the last possible group.
using FetchScope = std::variant<StandaloneFetch, JoiningFetch, RelativeFetch>;
struct Fetch {
  FetchScope range{};
  MessageParameters parameters{};

  [[nodiscard]] FetchType fetch_type() const noexcept {
    const auto* joining = std::get_if<JoiningFetch>(&range);
    if (joining == nullptr) return FetchType::kStandalone;  // a RelativeFetch has no number
    return joining->relative ? FetchType::kRelativeJoining : FetchType::kAbsoluteJoining;
  }
  bool operator==(const Fetch&) const = default;
};

/// [d15 §9.17].
struct FetchOk {
  bool end_of_track = false;  ///< end_location is that of the last object of the track
  Location end_location{};    ///< as StandaloneFetch::end
  MessageParameters parameters{};
  bool operator==(const FetchOk&) const = default;
};

/// [d15 §9.18]. Up to draft 16.
struct FetchCancel {
  bool operator==(const FetchCancel&) const = default;
};

}  // namespace msquic_py::moqt::wire
