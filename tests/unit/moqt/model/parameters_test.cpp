#include <gtest/gtest.h>

#include "moqt/model/message_parameters.h"
#include "moqt/model/setup_parameters.h"
#include "moqt/model/subscription_filter.h"

namespace msquic_py::moqt {
namespace {

TEST(MessageParameters, GiveWhatWasSetAndNothingElse) {
  MessageParameters parameters;
  EXPECT_FALSE(parameters.forward());
  EXPECT_FALSE(parameters.largest_object());
  parameters.set_forward(false);
  parameters.set_largest_object({5, 7});
  parameters.set_group_order(GroupOrder::kDescending);
  parameters.set_filter(SubscriptionFilter::absolute_range({1, 2}, 3));
  parameters.set_subscriber_priority(255);
  EXPECT_EQ(parameters.forward(), false);
  EXPECT_EQ(parameters.largest_object(), (Location{5, 7}));
  EXPECT_EQ(parameters.group_order(), GroupOrder::kDescending);
  EXPECT_EQ(parameters.filter(), SubscriptionFilter::absolute_range({1, 2}, 3));
  EXPECT_EQ(parameters.subscriber_priority(), 255);
  EXPECT_FALSE(parameters.publisher_priority());
}

TEST(MessageParameters, SetReplacesInPlaceAndTokensAccumulate) {
  MessageParameters parameters;
  parameters.set_forward(true);
  parameters.set_expires(10);
  parameters.set_forward(false);
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters.items()[0].type, 0x10u);
  parameters.add_authorization_token({TokenAliasType::kUseValue, 0, 1, {1}});
  parameters.add_authorization_token({TokenAliasType::kUseAlias, 9, 0, {}});
  EXPECT_EQ(parameters.authorization_tokens().size(), 2u);
  parameters.remove(0x03);
  EXPECT_EQ(parameters.size(), 2u);
}

TEST(MessageParameters, IgnoreNumbersThatWereKeptUnchecked) {
  MessageParameters parameters;
  parameters.append({0x20, std::uint64_t{256}});
  parameters.append({0x22, std::uint64_t{0}});
  parameters.append({0x10, std::uint64_t{2}});
  EXPECT_FALSE(parameters.subscriber_priority());
  EXPECT_FALSE(parameters.group_order());
  EXPECT_FALSE(parameters.forward());
}

TEST(MessageParameters, DeliveryTimeoutZeroIsNone) {
  MessageParameters parameters;
  parameters.set_delivery_timeout(0);
  EXPECT_FALSE(parameters.delivery_timeout());
  parameters.set_delivery_timeout(1);
  EXPECT_EQ(parameters.delivery_timeout(), 1u);
}

TEST(SetupParameters, DefaultsAreZero) {
  SetupParameters parameters;
  EXPECT_EQ(parameters.max_request_id(), 0u);
  EXPECT_EQ(parameters.max_auth_token_cache_size(), 0u);
  EXPECT_FALSE(parameters.path());
  parameters.set_path("");
  EXPECT_EQ(parameters.path(), "");
}

// [d15 §5.1.2-3]
TEST(SubscriptionFilter, ResolvesItsStart) {
  const Location largest{7, 3};
  EXPECT_EQ(SubscriptionFilter::next_group_start().resolve_start(largest), (Location{8, 0}));
  EXPECT_EQ(SubscriptionFilter::next_group_start().resolve_start({}), (Location{0, 0}));
  EXPECT_EQ(SubscriptionFilter::largest_object().resolve_start(largest), (Location{7, 4}));
  EXPECT_EQ(SubscriptionFilter::largest_object().resolve_start({}), (Location{0, 0}));
  EXPECT_EQ(SubscriptionFilter::absolute_start({2, 1}).resolve_start(largest), (Location{2, 1}));
  EXPECT_TRUE(SubscriptionFilter::absolute_range({2, 9}, 2).valid());
  EXPECT_FALSE(SubscriptionFilter::absolute_range({2, 0}, 1).valid());
}

}  // namespace
}  // namespace msquic_py::moqt
