#pragma once

#include <cstddef>
#include <span>

#include "moqt/wire/cited.h"
#include "moqt/wire/code_numbers.h"
#include "moqt/wire/control/parameter_rule.h"
#include "moqt/wire/control/parameter_values.h"
#include "moqt/wire/data/fetch_object.h"
#include "moqt/wire/integers/quic_varint.h"
#include "moqt/wire/publish.h"

namespace msquic_py::moqt::wire::draft15 {

extern const std::span<const ParameterRule> kSetupParameterRules;
extern const std::span<const ParameterRule> kParameterRules;

/// What is said in one place of the text, and what it says there, for the rooms that all drafts share.
struct Traits {
  static constexpr Draft kDraft = Draft::k15;
  using Integers = QuicVarint;

  // Control messages.
  static constexpr bool kDeltaTypes = false;
  static constexpr bool kTypedParameters = false;
  static constexpr bool kRefusesUnknownParameters = false;
  static constexpr bool kSetupByLength = false;
  static constexpr bool kTrackProperties = false;
  static constexpr bool kPropertiesOfRequestOk = false;
  static constexpr bool kPublishOkIsRequestOk = false;
  static constexpr bool kEmptyNamespaceFields = true;
  static constexpr std::size_t kFewestNamespaceFields = 1;
  static constexpr std::size_t kFewestPrefixFields = 1;
  static constexpr FilterForm kFilterForm = FilterForm::kEndGroup;
  static constexpr bool kFetchRangeInFilter = false;
  static constexpr std::uint64_t kStreamCountUnknown = wire::kStreamCountUnknown;
  static constexpr const std::span<const ParameterRule>& kOptions = kSetupParameterRules;
  static constexpr const std::span<const ParameterRule>& kParameters = kParameterRules;
  static constexpr std::span<const ParameterRule> kProperties{};
  static constexpr CodeNumbers kCodes{};

  // Data streams and datagrams.
  static constexpr std::uint64_t kSubgroupTypeBits = 0x3F;
  static constexpr bool kControlStreams = false;
  static constexpr bool kPadding = false;
  static constexpr bool kStatusDoesNotExist = true;
  static constexpr bool kMandatoryTrackProperties = false;
  static constexpr bool kTimedOutRanges = false;
  static constexpr bool kObjectsHaveTimeouts = false;
  static constexpr FetchObjectForm kFetchObjectForm = FetchObjectForm::kAbsolute;
  static constexpr Text kObjectIdTooLarge{"Object ID above 2^62-1"};
  static constexpr Text kSubgroupIdTooLarge{"Subgroup ID above 2^62-1"};

  struct Sections {
    static constexpr Text kKeyValuePair{"1.4.2"};
    static constexpr Text kReasonPhrase{"1.4.3"};
    static constexpr Text kTrackNaming{"2.4.1"};
    static constexpr Text kFilters{"5.1.2"};
    static constexpr Text kMessages{"9"};
    static constexpr Text kParameters{"9.2"};
    static constexpr Text kToken{"9.2.1.1"};
    static constexpr Text kFilterParameter{"9.2.1.7"};
    static constexpr Text kLargestObject{"9.2.1.9"};
    static constexpr Text kGoaway{"9.4"};
    static constexpr Text kRequestOk{"9.7"};
    static constexpr Text kRedirect{"9.8"};
    static constexpr Text kFetch{"9.16"};
    static constexpr Text kFetchOk{"9.17"};
    static constexpr Text kStreamTypes{"10"};
    static constexpr Text kDataStreams{"10"};
    static constexpr Text kObjectStatus{"10.2.1.1"};
    static constexpr Text kObjectProperties{"10.2.1.2"};
    static constexpr Text kDatagram{"10.3.1"};
    static constexpr Text kSubgroup{"10.4.2"};
    static constexpr Text kFetchObject{"10.4.4"};
  };
};

}  // namespace msquic_py::moqt::wire::draft15
