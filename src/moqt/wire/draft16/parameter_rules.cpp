#include <array>

#include "moqt/model/parameter.h"
#include "moqt/wire/draft16/traits.h"

namespace msquic_py::moqt::wire::draft16 {
namespace {

constexpr std::uint64_t kAny = ~std::uint64_t{0};

constexpr std::uint64_t number(MessageParameter parameter) noexcept { return static_cast<std::uint64_t>(parameter); }
constexpr std::uint64_t number(SetupParameter parameter) noexcept { return static_cast<std::uint64_t>(parameter); }

using enum Place;
using Form = ParameterForm;

constexpr Places kSetups = at(kClientSetup, kServerSetup);

constexpr std::array kSetupTable{
    ParameterRule{number(SetupParameter::kPath), Form::kBytes, kSetups},
    ParameterRule{number(SetupParameter::kMaxRequestId), Form::kNumber, kSetups},
    ParameterRule{number(SetupParameter::kAuthorizationToken), Form::kToken, kSetups},
    ParameterRule{number(SetupParameter::kMaxAuthTokenCacheSize), Form::kNumber, kSetups},
    ParameterRule{number(SetupParameter::kAuthority), Form::kBytes, kSetups},
    ParameterRule{number(SetupParameter::kMoqtImplementation), Form::kBytes, kSetups},
};

// Section 9.2.2, parameter by parameter.
constexpr std::array kMessageTable{
    ParameterRule{number(MessageParameter::kDeliveryTimeout), Form::kNumber,
                  at(kPublishOk, kSubscribe, kSubscriptionUpdate), 1, kAny, "DELIVERY_TIMEOUT is 0 (section 9.2.2.2)"},
    ParameterRule{
        number(MessageParameter::kAuthorizationToken), Form::kToken,
        at(kPublish, kSubscribe, kSubscribeNamespace, kPublishNamespace, kTrackStatus, kFetch) | kEveryUpdate},
    // Whether REQUEST_OK may have it the text leaves to be done.
    ParameterRule{number(MessageParameter::kExpires), Form::kNumber, at(kSubscribeOk, kPublish, kPublishOk) | kEveryOk},
    ParameterRule{number(MessageParameter::kLargestObject), Form::kLocation,
                  at(kSubscribeOk, kPublish, kRequestUpdateOk, kTrackStatusOk)},
    ParameterRule{number(MessageParameter::kForward), Form::kNumber,
                  at(kSubscribe, kSubscriptionUpdate, kPublish, kPublishOk, kSubscribeNamespace), 0, 1,
                  "FORWARD is neither 0 nor 1 (section 9.2.2.8)"},
    ParameterRule{number(MessageParameter::kSubscriberPriority), Form::kNumber,
                  at(kSubscribe, kFetch, kSubscriptionUpdate, kFetchUpdate, kPublishOk), 0, 255,
                  "SUBSCRIBER_PRIORITY above 255 (section 9.2.2.3)"},
    ParameterRule{number(MessageParameter::kSubscriptionFilter), Form::kFilter,
                  at(kSubscribe, kPublishOk, kSubscriptionUpdate)},
    ParameterRule{number(MessageParameter::kGroupOrder), Form::kNumber, at(kSubscribe, kPublishOk, kFetch), 1, 2,
                  "GROUP_ORDER is neither 1 nor 2 (section 9.2.2.4)"},
    ParameterRule{number(MessageParameter::kNewGroupRequest), Form::kNumber,
                  at(kPublishOk, kSubscribe, kSubscriptionUpdate)},
};

// Section 11: the properties of a track whose values have a range.
constexpr std::array kPropertyTable{
    ParameterRule{number(MessageParameter::kDeliveryTimeout), Form::kNumber, ~Places{0}, 1, kAny,
                  "DELIVERY_TIMEOUT is 0 (section 11)"},
    ParameterRule{number(MessageParameter::kPublisherPriority), Form::kNumber, ~Places{0}, 0, 255,
                  "DEFAULT_PUBLISHER_PRIORITY above 255 (section 11)"},
    ParameterRule{number(MessageParameter::kGroupOrder), Form::kNumber, ~Places{0}, 1, 2,
                  "DEFAULT_PUBLISHER_GROUP_ORDER is neither 1 nor 2 (section 11)"},
    ParameterRule{number(MessageParameter::kDynamicGroups), Form::kNumber, ~Places{0}, 0, 1,
                  "DYNAMIC_GROUPS above 1 (section 11)"},
};

}  // namespace

constinit const std::span<const ParameterRule> kSetupParameterRules = kSetupTable;
constinit const std::span<const ParameterRule> kParameterRules = kMessageTable;
constinit const std::span<const ParameterRule> kPropertyRules = kPropertyTable;

}  // namespace msquic_py::moqt::wire::draft16
