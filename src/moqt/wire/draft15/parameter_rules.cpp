#include <array>

#include "base/varint.h"
#include "moqt/model/parameter.h"
#include "moqt/wire/draft15/traits.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

constexpr std::uint64_t kAny = base::kVarintMax;

constexpr std::uint64_t number(MessageParameter parameter) noexcept { return static_cast<std::uint64_t>(parameter); }
constexpr std::uint64_t number(SetupParameter parameter) noexcept { return static_cast<std::uint64_t>(parameter); }

using enum Place;

constexpr Places kSetups = at(kClientSetup, kServerSetup);

constexpr std::array kSetupTable{
    ParameterRule{number(SetupParameter::kPath), ParameterForm::kBytes, kSetups},
    ParameterRule{number(SetupParameter::kMaxRequestId), ParameterForm::kNumber, kSetups},
    ParameterRule{number(SetupParameter::kAuthorizationToken), ParameterForm::kToken, kSetups},
    ParameterRule{number(SetupParameter::kMaxAuthTokenCacheSize), ParameterForm::kNumber, kSetups},
    ParameterRule{number(SetupParameter::kAuthority), ParameterForm::kBytes, kSetups},
    ParameterRule{number(SetupParameter::kMoqtImplementation), ParameterForm::kBytes, kSetups},
};

// [d15 §9.2.1.4-1, §9.2.1.5-1, §9.2.1.6-1, §9.2.1.10-1, §9.2.1.11-1]: the ranges that numbers have.
// REQUEST_OK takes what any of the requests it answers allows: which one that was, the codec does not know. What the
// publisher says about its track, drafts from 16 on say in Track Properties.
constexpr std::array kMessageTable{
    ParameterRule{number(MessageParameter::kDeliveryTimeout), ParameterForm::kNumber,
                  at(kTrackStatus, kPublish, kPublishOk, kSubscribe, kSubscribeOk, kSubscriptionUpdate) | kEveryOk, 0,
                  kAny, "", at(kPublish, kSubscribeOk, kTrackStatusOk)},
    ParameterRule{
        number(MessageParameter::kAuthorizationToken), ParameterForm::kToken,
        at(kPublish, kSubscribe, kSubscriptionUpdate, kSubscribeNamespace, kPublishNamespace, kTrackStatus, kFetch)},
    ParameterRule{number(MessageParameter::kMaxCacheDuration), ParameterForm::kNumber,
                  at(kPublish, kSubscribeOk, kFetchOk, kTrackStatusOk), 0, kAny, "",
                  at(kPublish, kSubscribeOk, kFetchOk, kTrackStatusOk)},
    ParameterRule{number(MessageParameter::kExpires), ParameterForm::kNumber,
                  at(kSubscribeOk, kPublish, kPublishOk) | kEveryOk},
    ParameterRule{number(MessageParameter::kLargestObject), ParameterForm::kLocation,
                  at(kSubscribeOk, kPublish, kTrackStatusOk, kRequestUpdateOk)},
    ParameterRule{number(MessageParameter::kPublisherPriority), ParameterForm::kNumber, at(kSubscribeOk, kPublish), 0,
                  255, "PUBLISHER_PRIORITY above 255 (section 9.2.1.4)", at(kSubscribeOk, kPublish)},
    ParameterRule{
        number(MessageParameter::kForward), ParameterForm::kNumber,
        at(kSubscribe, kSubscriptionUpdate, kPublish, kPublishOk, kTrackStatus, kSubscribeNamespace, kTrackStatusOk), 0,
        1, "FORWARD is neither 0 nor 1 (section 9.2.1.10)"},
    ParameterRule{number(MessageParameter::kSubscriberPriority), ParameterForm::kNumber,
                  at(kSubscribe, kSubscriptionUpdate, kTrackStatus, kPublishOk, kFetch), 0, 255,
                  "SUBSCRIBER_PRIORITY above 255 (section 9.2.1.5)"},
    ParameterRule{number(MessageParameter::kSubscriptionFilter), ParameterForm::kFilter,
                  at(kSubscribe, kTrackStatus, kPublishOk, kSubscriptionUpdate)},
    ParameterRule{number(MessageParameter::kGroupOrder), ParameterForm::kNumber,
                  at(kSubscribe, kSubscribeOk, kTrackStatus, kPublish, kPublishOk, kFetch, kTrackStatusOk), 1, 2,
                  "GROUP_ORDER is neither 1 nor 2 (section 9.2.1.6)", at(kSubscribeOk, kPublish, kTrackStatusOk)},
    ParameterRule{number(MessageParameter::kDynamicGroups), ParameterForm::kNumber, at(kPublish, kSubscribeOk), 0, 1,
                  "DYNAMIC_GROUPS above 1 (section 9.2.1.11)", at(kPublish, kSubscribeOk)},
    ParameterRule{number(MessageParameter::kNewGroupRequest), ParameterForm::kNumber,
                  at(kPublishOk, kSubscribe, kSubscriptionUpdate)},
};

}  // namespace

constinit const std::span<const ParameterRule> kSetupParameterRules = kSetupTable;
constinit const std::span<const ParameterRule> kParameterRules = kMessageTable;

}  // namespace msquic_py::moqt::wire::draft15
