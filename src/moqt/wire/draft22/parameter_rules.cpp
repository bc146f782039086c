#include <array>

#include "moqt/model/parameter.h"
#include "moqt/wire/draft22/traits.h"

namespace msquic_py::moqt::wire::draft22 {
namespace {

constexpr std::uint64_t number(MessageParameter parameter) noexcept { return static_cast<std::uint64_t>(parameter); }
constexpr std::uint64_t number(SetupParameter parameter) noexcept { return static_cast<std::uint64_t>(parameter); }

using enum Place;
using Form = ParameterForm;

constexpr Places kSetups = at(kClientSetup, kServerSetup);

constexpr std::array kOptionTable{
    ParameterRule{number(SetupParameter::kPath), Form::kBytes, kSetups},
    ParameterRule{number(SetupParameter::kAuthorizationToken), Form::kToken, kSetups},
    ParameterRule{number(SetupParameter::kMaxAuthTokenCacheSize), Form::kNumber, kSetups},
    ParameterRule{number(SetupParameter::kAuthority), Form::kBytes, kSetups},
    ParameterRule{number(SetupParameter::kMaxFilterRanges), Form::kNumber, kSetups},
    ParameterRule{number(SetupParameter::kMoqtImplementation), Form::kBytes, kSetups},
    ParameterRule{number(SetupParameter::kMaxRequestUpdates), Form::kNumber, kSetups},
};

/// Where a Range Filter of objects may stand; that of tracks is for SUBSCRIBE_TRACKS alone.
constexpr Places kObjectFilters = at(kSubscribe, kFetch, kSubscribeTracks, kSubscriptionUpdate, kFill);

// The list of each message (sections 9.3 to 9.18), parameter by parameter. SUBSCRIBE_TRACKS takes what a subscription
// does (section 3.6.2), LOCATION_FILTER and FILL_PARAMETERS too, which its own list leaves out.
constexpr std::array kMessageTable{
    ParameterRule{number(MessageParameter::kDeliveryTimeout), Form::kNumber,
                  at(kSubscribe, kPublish, kSubscriptionUpdate)},
    ParameterRule{
        number(MessageParameter::kAuthorizationToken), Form::kToken,
        at(kSubscribe, kPublish, kFetch, kTrackStatus, kPublishNamespace, kSubscribeNamespace, kSubscribeTracks) |
            kEveryUpdate},
    ParameterRule{number(kRendezvousTimeout), Form::kNumber, at(kSubscribe)},
    ParameterRule{number(MessageParameter::kSubgroupDeliveryTimeout), Form::kNumber,
                  at(kSubscribe, kPublish, kSubscriptionUpdate)},
    ParameterRule{number(MessageParameter::kExpires), Form::kNumber,
                  at(kSubscribeOk, kPublish, kPublishOk, kPublishNamespaceOk, kSubscribeNamespaceOk, kSubscribeTracksOk,
                     kRequestUpdateOk)},
    ParameterRule{number(MessageParameter::kLargestObject), Form::kLocation,
                  at(kSubscribeOk, kPublish, kRequestUpdateOk, kTrackStatusOk, kPublishStateNotify)},
    ParameterRule{number(MessageParameter::kFillTimeout), Form::kNumber, at(kFetch, kFill)},
    ParameterRule{
        number(MessageParameter::kForward), Form::kByte,
        at(kSubscribe, kPublish, kSubscribeTracks, kSubscriptionUpdate, kSubscribeTracksUpdate, kPublishStateNotify), 0,
        1, "FORWARD is neither 0 nor 1 (section 9.20.18)"},
    ParameterRule{number(MessageParameter::kSubscriberPriority), Form::kByte,
                  at(kSubscribe, kPublish, kFetch, kSubscriptionUpdate, kFetchUpdate, kFill), 0, 255},
    ParameterRule{number(MessageParameter::kSubscriptionFilter), Form::kFilter,
                  at(kSubscribe, kPublish, kFetch, kSubscribeTracks, kSubscriptionUpdate, kPublishStateNotify, kFill)},
    ParameterRule{number(MessageParameter::kGroupOrder), Form::kByte,
                  at(kSubscribe, kPublish, kFetch, kSubscribeTracks, kFill), 1, 2,
                  "GROUP_ORDER is neither 1 nor 2 (section 9.20.8)"},
    ParameterRule{number(MessageParameter::kFillParameters), Form::kFill,
                  at(kSubscribe, kSubscribeTracks, kSubscriptionUpdate)},
    ParameterRule{number(MessageParameter::kSubgroupFilter), Form::kRangeFilter, kObjectFilters},
    ParameterRule{number(MessageParameter::kObjectIdFilter), Form::kRangeFilter, kObjectFilters},
    ParameterRule{number(MessageParameter::kPriorityFilter), Form::kRangeFilter, kObjectFilters},
    ParameterRule{number(MessageParameter::kObjectPropertyFilter), Form::kPropertyRangeFilter, kObjectFilters},
    ParameterRule{number(MessageParameter::kTrackPropertyFilter), Form::kPropertyRangeFilter,
                  at(kSubscribeTracks, kSubscribeTracksUpdate)},
    ParameterRule{number(MessageParameter::kNewGroupRequest), Form::kNumber, at(kSubscribe, kSubscriptionUpdate)},
    ParameterRule{number(MessageParameter::kTrackNamespacePrefix), Form::kNamespace,
                  at(kSubscribeNamespaceUpdate, kSubscribeTracksUpdate)},
    ParameterRule{number(MessageParameter::kIncludeProperties), Form::kByte,
                  at(kSubscribe, kFetch, kTrackStatus, kSubscribeTracks), 0, 1,
                  "INCLUDE_PROPERTIES is neither 0 nor 1 (section 9.20.21)"},
};

// Section 10: the properties of a track whose values have a range.
constexpr std::array kPropertyTable{
    ParameterRule{number(MessageParameter::kPublisherPriority), Form::kNumber, ~Places{0}, 0, 255,
                  "DEFAULT_PUBLISHER_PRIORITY above 255 (section 10.4)"},
    ParameterRule{number(MessageParameter::kGroupOrder), Form::kNumber, ~Places{0}, 1, 2,
                  "DEFAULT_PUBLISHER_GROUP_ORDER is neither 1 nor 2 (section 10.5)"},
    ParameterRule{number(MessageParameter::kDynamicGroups), Form::kNumber, ~Places{0}, 0, 1,
                  "DYNAMIC_GROUPS above 1 (section 10.6)"},
};

}  // namespace

constinit const std::span<const ParameterRule> kSetupOptionRules = kOptionTable;
constinit const std::span<const ParameterRule> kParameterRules = kMessageTable;
constinit const std::span<const ParameterRule> kPropertyRules = kPropertyTable;

}  // namespace msquic_py::moqt::wire::draft22
