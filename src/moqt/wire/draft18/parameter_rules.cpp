#include <array>

#include "moqt/model/parameter.h"
#include "moqt/wire/draft18/traits.h"

namespace msquic_py::moqt::wire::draft18 {
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
    ParameterRule{number(SetupParameter::kMoqtImplementation), Form::kBytes, kSetups},
};

// Section 10.2, parameter by parameter.
constexpr std::array kMessageTable{
    ParameterRule{number(MessageParameter::kDeliveryTimeout), Form::kNumber,
                  at(kPublishOk, kSubscribe, kSubscriptionUpdate)},
    ParameterRule{
        number(MessageParameter::kAuthorizationToken), Form::kToken,
        at(kPublish, kSubscribe, kSubscribeNamespace, kSubscribeTracks, kPublishNamespace, kTrackStatus, kFetch) |
            kEveryUpdate},
    ParameterRule{number(kRendezvousTimeout), Form::kNumber, at(kSubscribe)},
    ParameterRule{number(MessageParameter::kSubgroupDeliveryTimeout), Form::kNumber,
                  at(kPublishOk, kSubscribe, kSubscriptionUpdate)},
    // In the answer to TRACK_STATUS, too, which is to have what SUBSCRIBE_OK would have had (section 10.14).
    ParameterRule{number(MessageParameter::kExpires), Form::kNumber,
                  at(kSubscribeOk, kPublish, kPublishOk, kRequestUpdateOk, kTrackStatusOk)},
    ParameterRule{number(MessageParameter::kLargestObject), Form::kLocation,
                  at(kSubscribeOk, kPublish, kRequestUpdateOk, kTrackStatusOk)},
    ParameterRule{number(MessageParameter::kFillTimeout), Form::kNumber, at(kFetch)},
    ParameterRule{number(MessageParameter::kForward), Form::kByte,
                  at(kSubscribe, kSubscriptionUpdate, kPublish, kPublishOk, kSubscribeTracks), 0, 1,
                  "FORWARD is neither 0 nor 1 (section 10.2.12)"},
    ParameterRule{number(MessageParameter::kSubscriberPriority), Form::kByte,
                  at(kSubscribe, kFetch, kSubscriptionUpdate, kFetchUpdate, kPublishOk), 0, 255},
    ParameterRule{number(MessageParameter::kSubscriptionFilter), Form::kFilter,
                  at(kSubscribe, kPublishOk, kSubscriptionUpdate)},
    ParameterRule{number(MessageParameter::kGroupOrder), Form::kByte, at(kSubscribe, kPublishOk, kFetch), 1, 2,
                  "GROUP_ORDER is neither 1 nor 2 (section 10.2.8)"},
    ParameterRule{number(MessageParameter::kNewGroupRequest), Form::kNumber,
                  at(kPublishOk, kSubscribe, kSubscriptionUpdate)},
    ParameterRule{number(MessageParameter::kTrackNamespacePrefix), Form::kNamespace,
                  at(kSubscribeNamespaceUpdate, kSubscribeTracksUpdate)},
};

// Section 12: the properties of a track whose values have a range.
constexpr std::array kPropertyTable{
    ParameterRule{number(MessageParameter::kPublisherPriority), Form::kNumber, ~Places{0}, 0, 255,
                  "DEFAULT_PUBLISHER_PRIORITY above 255 (section 12.4)"},
    ParameterRule{number(MessageParameter::kGroupOrder), Form::kNumber, ~Places{0}, 1, 2,
                  "DEFAULT_PUBLISHER_GROUP_ORDER is neither 1 nor 2 (section 12.5)"},
    ParameterRule{number(MessageParameter::kDynamicGroups), Form::kNumber, ~Places{0}, 0, 1,
                  "DYNAMIC_GROUPS above 1 (section 12.6)"},
};

}  // namespace

constinit const std::span<const ParameterRule> kSetupOptionRules = kOptionTable;
constinit const std::span<const ParameterRule> kParameterRules = kMessageTable;
constinit const std::span<const ParameterRule> kPropertyRules = kPropertyTable;

}  // namespace msquic_py::moqt::wire::draft18
