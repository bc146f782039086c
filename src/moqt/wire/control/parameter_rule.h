#pragma once

#include <cstdint>
#include <span>

#include "moqt/wire/message_type.h"

namespace msquic_py::moqt::wire {

/// What the value of a parameter is. In drafts with Key-Value-Pairs a number fills an even type, and everything else
/// the bytes of an odd one; from draft 17 on the form itself says how the value is written.
enum class ParameterForm : std::uint8_t {
  kNumber,
  kByte,  ///< a number of one byte; only from draft 17 on
  kBytes,
  kLocation,
  kFilter,
  kToken,
  kNamespace,
  kRangeFilter,
  kPropertyRangeFilter,  ///< with a Property Type
  kFill,
};

/// Where a parameter may stand. What a draft allows in a REQUEST_OK or a REQUEST_UPDATE depends on the request, which
/// the message alone does not tell: they are several places, of which check_scope() picks the one.
enum class Place : std::uint8_t {
  kClientSetup,
  kServerSetup,
  kSubscribe,
  kSubscribeOk,
  kPublish,
  kPublishOk,
  kFetch,
  kFetchOk,
  kTrackStatus,
  kTrackStatusOk,
  kPublishNamespace,
  kPublishNamespaceOk,
  kSubscribeNamespace,
  kSubscribeNamespaceOk,
  kSubscribeTracks,
  kSubscribeTracksOk,
  kSubscriptionUpdate,
  kFetchUpdate,
  kPublishNamespaceUpdate,
  kSubscribeNamespaceUpdate,
  kSubscribeTracksUpdate,
  kRequestUpdateOk,
  kPublishStateNotify,
  kFill,
};
/// A bit for each Place.
using Places = std::uint32_t;

template <class... Each>
constexpr Places at(Each... places) noexcept {
  return ((Places{1} << static_cast<unsigned>(places)) | ...);
}

inline constexpr Places kEveryOk = at(Place::kPublishOk, Place::kTrackStatusOk, Place::kPublishNamespaceOk,
                                      Place::kSubscribeNamespaceOk, Place::kSubscribeTracksOk, Place::kRequestUpdateOk);
inline constexpr Places kEveryUpdate =
    at(Place::kSubscriptionUpdate, Place::kFetchUpdate, Place::kPublishNamespaceUpdate,
       Place::kSubscribeNamespaceUpdate, Place::kSubscribeTracksUpdate);

/// The places that the parameters of such a message may be in.
constexpr Places places_of(MessageType message) noexcept {
  switch (message) {
    case MessageType::kClientSetup: return at(Place::kClientSetup);
    case MessageType::kServerSetup: return at(Place::kServerSetup);
    case MessageType::kSetup: return at(Place::kClientSetup, Place::kServerSetup);
    case MessageType::kSubscribe: return at(Place::kSubscribe);
    case MessageType::kSubscribeOk: return at(Place::kSubscribeOk);
    case MessageType::kPublish: return at(Place::kPublish);
    case MessageType::kPublishOk: return at(Place::kPublishOk);
    case MessageType::kFetch: return at(Place::kFetch);
    case MessageType::kFetchOk: return at(Place::kFetchOk);
    case MessageType::kTrackStatus: return at(Place::kTrackStatus);
    case MessageType::kPublishNamespace: return at(Place::kPublishNamespace);
    case MessageType::kSubscribeNamespace: return at(Place::kSubscribeNamespace);
    case MessageType::kSubscribeTracks: return at(Place::kSubscribeTracks);
    case MessageType::kRequestUpdate: return kEveryUpdate;
    case MessageType::kRequestOk: return kEveryOk;
    case MessageType::kPublishStateNotify: return at(Place::kPublishStateNotify);
    default: return 0;
  }
}

/// What a draft says about a parameter it defines.
struct ParameterRule {
  std::uint64_t type;
  ParameterForm form;
  Places places;
  std::uint64_t minimum = 0;  ///< of a number
  std::uint64_t maximum = ~std::uint64_t{0};
  const char* out_of_range = "";  ///< violation text for a number outside
  Places of_track = 0;            ///< the places where it is about the track (draft-15)

  [[nodiscard]] constexpr bool repeatable() const noexcept {
    return form == ParameterForm::kToken || form == ParameterForm::kRangeFilter ||
           form == ParameterForm::kPropertyRangeFilter;
  }
};

/// Null when the draft does not define the parameter at all.
constexpr const ParameterRule* find_rule(std::span<const ParameterRule> rules, std::uint64_t type) noexcept {
  for (const ParameterRule& rule : rules) {
    if (rule.type == type) return &rule;
  }
  return nullptr;
}

}  // namespace msquic_py::moqt::wire
