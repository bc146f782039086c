#include "moqt/wire/draft15/parameter_rule.h"

#include <array>
#include <span>

#include "base/varint.h"
#include "moqt/model/parameter.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

constexpr std::uint64_t kAny = base::kVarintMax;

constexpr std::uint64_t bit(MessageType type) noexcept { return std::uint64_t{1} << static_cast<std::uint64_t>(type); }
template <class... Types>
constexpr std::uint64_t in(Types... types) noexcept {
  return (bit(types) | ...);
}
constexpr std::uint64_t number(MessageParameter parameter) noexcept { return static_cast<std::uint64_t>(parameter); }
constexpr std::uint64_t number(SetupParameter parameter) noexcept { return static_cast<std::uint64_t>(parameter); }

using enum MessageType;

constexpr std::uint64_t kSetups = in(kClientSetup, kServerSetup);

constexpr std::array kSetupRules{
    ParameterRule{number(SetupParameter::kPath), ParameterForm::kBytes, 0, kAny, "", kSetups},
    ParameterRule{number(SetupParameter::kMaxRequestId), ParameterForm::kNumber, 0, kAny, "", kSetups},
    ParameterRule{number(SetupParameter::kAuthorizationToken), ParameterForm::kToken, 0, kAny, "", kSetups},
    ParameterRule{number(SetupParameter::kMaxAuthTokenCacheSize), ParameterForm::kNumber, 0, kAny, "", kSetups},
    ParameterRule{number(SetupParameter::kAuthority), ParameterForm::kBytes, 0, kAny, "", kSetups},
    ParameterRule{number(SetupParameter::kMoqtImplementation), ParameterForm::kBytes, 0, kAny, "", kSetups},
};

// [d15 §9.2.1.4-1, §9.2.1.5-1, §9.2.1.6-1, §9.2.1.10-1, §9.2.1.11-1]: the ranges that numbers have.
// REQUEST_OK takes what any of the requests it answers allows: which one that was, the codec does not know.
constexpr std::array kMessageRules{
    ParameterRule{number(MessageParameter::kDeliveryTimeout), ParameterForm::kNumber, 0, kAny, "",
                  in(kTrackStatus, kRequestOk, kPublish, kPublishOk, kSubscribe, kSubscribeOk, kSubscribeUpdate)},
    ParameterRule{
        number(MessageParameter::kAuthorizationToken), ParameterForm::kToken, 0, kAny, "",
        in(kPublish, kSubscribe, kSubscribeUpdate, kSubscribeNamespace, kPublishNamespace, kTrackStatus, kFetch)},
    ParameterRule{number(MessageParameter::kMaxCacheDuration), ParameterForm::kNumber, 0, kAny, "",
                  in(kPublish, kSubscribeOk, kFetchOk, kRequestOk)},
    ParameterRule{number(MessageParameter::kExpires), ParameterForm::kNumber, 0, kAny, "",
                  in(kSubscribeOk, kPublish, kPublishOk, kRequestOk)},
    ParameterRule{number(MessageParameter::kLargestObject), ParameterForm::kLocation, 0, kAny, "",
                  in(kSubscribeOk, kPublish, kRequestOk)},
    ParameterRule{number(MessageParameter::kPublisherPriority), ParameterForm::kNumber, 0, 255,
                  "PUBLISHER_PRIORITY above 255 (section 9.2.1.4)", in(kSubscribeOk, kPublish)},
    ParameterRule{
        number(MessageParameter::kForward), ParameterForm::kNumber, 0, 1,
        "FORWARD is neither 0 nor 1 (section 9.2.1.10)",
        in(kSubscribe, kSubscribeUpdate, kPublish, kPublishOk, kTrackStatus, kRequestOk, kSubscribeNamespace)},
    ParameterRule{number(MessageParameter::kSubscriberPriority), ParameterForm::kNumber, 0, 255,
                  "SUBSCRIBER_PRIORITY above 255 (section 9.2.1.5)",
                  in(kSubscribe, kSubscribeUpdate, kTrackStatus, kPublishOk, kFetch)},
    ParameterRule{number(MessageParameter::kSubscriptionFilter), ParameterForm::kFilter, 0, kAny, "",
                  in(kSubscribe, kTrackStatus, kPublishOk, kSubscribeUpdate)},
    ParameterRule{number(MessageParameter::kGroupOrder), ParameterForm::kNumber, 1, 2,
                  "GROUP_ORDER is neither 1 nor 2 (section 9.2.1.6)",
                  in(kSubscribe, kSubscribeOk, kTrackStatus, kRequestOk, kPublish, kPublishOk, kFetch)},
    ParameterRule{number(MessageParameter::kDynamicGroups), ParameterForm::kNumber, 0, 1,
                  "DYNAMIC_GROUPS above 1 (section 9.2.1.11)", in(kPublish, kSubscribeOk)},
    ParameterRule{number(MessageParameter::kNewGroupRequest), ParameterForm::kNumber, 0, kAny, "",
                  in(kPublishOk, kSubscribe, kSubscribeUpdate)},
};

}  // namespace

const ParameterRule* find_parameter_rule(MessageType message, std::uint64_t type) noexcept {
  const std::uint64_t mask = bit(message);
  const std::span<const ParameterRule> rules = (mask & kSetups) != 0 ? std::span<const ParameterRule>(kSetupRules)
                                                                     : std::span<const ParameterRule>(kMessageRules);
  for (const ParameterRule& rule : rules) {
    if (rule.type == type) return (rule.messages & mask) != 0 ? &rule : nullptr;  // [d15 §9.2.1-1]
  }
  return nullptr;
}

}  // namespace msquic_py::moqt::wire::draft15
