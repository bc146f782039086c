#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "moqt/wire/cited.h"
#include "moqt/wire/code_numbers.h"
#include "moqt/wire/control/parameter_rule.h"
#include "moqt/wire/control/parameter_values.h"
#include "moqt/wire/data/fetch_object.h"
#include "moqt/wire/integers/vi64.h"
#include "moqt/wire/publish.h"

namespace msquic_py::moqt::wire::draft22 {

extern const std::span<const ParameterRule> kSetupOptionRules;
extern const std::span<const ParameterRule> kParameterRules;
extern const std::span<const ParameterRule> kPropertyRules;

/// UNKNOWN_STATUS_IN_RANGE has no code here: a fetch says it on its stream.
inline constexpr std::array kRequestCodes{
    CodeNumber{RequestErrorCode::kUnsupportedExtension, std::uint64_t{0x33}},
    CodeNumber{RequestErrorCode::kUnknownStatusInRange, std::uint64_t{0x0}},
};
inline constexpr std::array kPublishDoneCodes{
    CodeNumber{PublishDoneCode::kTooFarBehind, std::uint64_t{0x5}},
    CodeNumber{PublishDoneCode::kExpired, std::uint64_t{0x6}},
    CodeNumber{PublishDoneCode::kMalformedTrack, std::uint64_t{0x12}},
};

/// What is said in one place of the text, and what it says there, for the rooms that all drafts share.
struct Traits {
  static constexpr Draft kDraft = Draft::k22;
  using Integers = Vi64;

  // Control messages.
  static constexpr bool kDeltaTypes = true;
  static constexpr bool kTypedParameters = true;
  static constexpr bool kRefusesUnknownParameters = true;
  static constexpr bool kSetupByLength = true;
  static constexpr bool kTrackProperties = true;
  static constexpr bool kPropertiesOfRequestOk = true;
  static constexpr bool kPublishOkIsRequestOk = true;
  static constexpr bool kEmptyNamespaceFields = false;
  static constexpr std::size_t kFewestNamespaceFields = 0;
  static constexpr std::size_t kFewestPrefixFields = 0;
  static constexpr FilterForm kFilterForm = FilterForm::kFieldsByType;
  static constexpr bool kFetchRangeInFilter = true;
  static constexpr std::uint64_t kStreamCountUnknown = Vi64::kLargest;
  static constexpr const std::span<const ParameterRule>& kOptions = kSetupOptionRules;
  static constexpr const std::span<const ParameterRule>& kParameters = kParameterRules;
  static constexpr const std::span<const ParameterRule>& kProperties = kPropertyRules;
  static constexpr CodeNumbers kCodes{.request = kRequestCodes, .publish_done = kPublishDoneCodes};

  // Data streams and datagrams.
  static constexpr std::uint64_t kSubgroupTypeBits = 0x7F;
  static constexpr bool kControlStreams = true;
  static constexpr bool kPadding = true;
  static constexpr bool kStatusDoesNotExist = false;
  static constexpr bool kMandatoryTrackProperties = true;
  static constexpr bool kTimedOutRanges = true;
  static constexpr bool kObjectsHaveTimeouts = true;
  static constexpr FetchObjectForm kFetchObjectForm = FetchObjectForm::kDeltas;
  static constexpr Text kObjectIdTooLarge{"Object ID above 2^64-1"};
  static constexpr Text kSubgroupIdTooLarge{"Subgroup ID above 2^64-1"};

  struct Sections {
    static constexpr Text kStreamTypes{"6.4.1"};
    static constexpr Text kKeyValuePair{"8.3"};
    static constexpr Text kReasonPhrase{"8.5"};
    static constexpr Text kTrackNaming{"8.7"};
    static constexpr Text kToken{"8.9"};
    static constexpr Text kMessages{"9"};
    static constexpr Text kGoaway{"9.2"};
    static constexpr Text kRequestOk{"9.3"};
    static constexpr Text kRedirect{"9.4.1"};
    static constexpr Text kFetch{"9.11"};
    static constexpr Text kFetchOk{"9.12"};
    static constexpr Text kParameters{"9.20"};
    static constexpr Text kFilters{"9.20.9"};
    static constexpr Text kFilterParameter{"9.20.9"};
    static constexpr Text kLargestObject{"9.20.17"};
    static constexpr Text kDataStreams{"11"};
    static constexpr Text kObjectStatus{"11.1.1"};
    static constexpr Text kObjectProperties{"11.1.2"};
    static constexpr Text kDatagram{"11.2.1"};
    static constexpr Text kSubgroup{"11.3.1"};
    static constexpr Text kFetchObject{"11.4.1"};
  };
};

}  // namespace msquic_py::moqt::wire::draft22
