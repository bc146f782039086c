// The list of tokens of moqt-relay --require-token.

#include "relay/token_policy.h"

#include <gtest/gtest.h>

namespace msquic_py::relay {
namespace {

using moqt::AuthorizationToken;
using moqt::TokenAliasType;
using moqt::session::AuthorizationRequested;
using moqt::session::Operation;
using Tokens = std::vector<AuthorizationToken>;

AuthorizationToken policy_token(std::string_view text, std::uint64_t type = 0) {
  return {TokenAliasType::kUseValue, 0, type, {text.begin(), text.end()}};
}

TokenPolicy parsed(std::string_view list) {
  auto policy = TokenPolicy::parse(list);
  EXPECT_TRUE(policy.ok());
  return policy.ok() ? std::move(policy).value() : TokenPolicy();
}

bool lets(TokenPolicy& policy, Operation operation, moqt::TrackNamespace name, Tokens tokens, std::uint64_t peer = 1) {
  const AuthorizationRequested question{{7}, operation, {std::move(name), "t"}, std::move(tokens)};
  const auto verdict = policy.judge({peer, nullptr, {}}, question);
  EXPECT_TRUE(verdict.has_value()) << "it never waits";
  return verdict && verdict->allowed;
}

TEST(TokenPolicy, ATokenAllowsWhatItsLineSays) {
  auto policy =
      parsed("# who may watch\n viewer\tsubscribe,fetch live/demo # for the demo\n\n7:studio publish live\r\nroot\n");
  const Tokens viewer{policy_token("viewer")};
  EXPECT_TRUE(lets(policy, Operation::kSubscribe, {"live", "demo"}, viewer));
  EXPECT_TRUE(lets(policy, Operation::kSubscribe, {"live", "demo", "more"}, viewer));
  EXPECT_TRUE(lets(policy, Operation::kFetch, {"live", "demo"}, viewer));
  EXPECT_TRUE(lets(policy, Operation::kTrackStatus, {"live", "demo"}, viewer));
  EXPECT_TRUE(lets(policy, Operation::kSubscribeNamespace, {"live", "demo"}, viewer));
  EXPECT_FALSE(lets(policy, Operation::kSubscribeNamespace, {"live"}, viewer)) << "more than the token is good for";
  EXPECT_FALSE(lets(policy, Operation::kSubscribe, {"live", "demonstration"}, viewer)) << "fields are whole";
  EXPECT_FALSE(lets(policy, Operation::kPublish, {"live", "demo"}, viewer));

  EXPECT_TRUE(lets(policy, Operation::kPublish, {"live", "demo"}, {policy_token("studio", 7)}));
  EXPECT_TRUE(lets(policy, Operation::kPublishNamespace, {"live"}, {policy_token("studio", 7)}));
  EXPECT_FALSE(lets(policy, Operation::kPublish, {"live", "demo"}, {policy_token("studio")})) << "of another type";
  EXPECT_FALSE(lets(policy, Operation::kSubscribe, {"live", "demo"}, {policy_token("studio", 7)}));

  EXPECT_TRUE(lets(policy, Operation::kPublish, {"x"}, {policy_token("root")}));
  EXPECT_TRUE(lets(policy, Operation::kFetch, {"x"}, {policy_token("guess"), policy_token("root")}));
  EXPECT_FALSE(lets(policy, Operation::kFetch, {"x"}, {}));
}

TEST(TokenPolicy, ATokenOfTheSessionCountsForItsRequests) {
  auto policy = parsed("viewer subscribe live");
  EXPECT_TRUE(lets(policy, Operation::kSetup, {}, {policy_token("viewer")}, 1));
  EXPECT_TRUE(lets(policy, Operation::kSubscribe, {"live"}, {}, 1));
  EXPECT_FALSE(lets(policy, Operation::kPublish, {"live"}, {}, 1));
  EXPECT_FALSE(lets(policy, Operation::kSubscribe, {"live"}, {}, 2)) << "another session";
  policy.left(1);
  EXPECT_FALSE(lets(policy, Operation::kSubscribe, {"live"}, {}, 1));
}

TEST(TokenPolicy, ASessionMayComeWithoutATokenButNotWithAWrongOne) {
  auto policy = parsed("viewer");
  EXPECT_TRUE(lets(policy, Operation::kSetup, {}, {}));
  EXPECT_FALSE(lets(policy, Operation::kSetup, {}, {policy_token("guess")}));
}

TEST(TokenPolicy, AnUpdateNeedsNoTokenButAWrongOneIsRefused) {
  auto policy = parsed("viewer subscribe");
  EXPECT_TRUE(lets(policy, Operation::kSubscribeUpdate, {"live"}, {}));
  EXPECT_TRUE(lets(policy, Operation::kSubscribeUpdate, {"live"}, {policy_token("viewer")}));
  EXPECT_FALSE(lets(policy, Operation::kSubscribeUpdate, {"live"}, {policy_token("guess")}));
}

TEST(TokenPolicy, WhatIsWrongWithAListIsSaid) {
  const auto error = [](std::string_view list) {
    const auto policy = TokenPolicy::parse(list);
    return policy.ok() ? std::string() : policy.error();
  };
  EXPECT_EQ(error("a\nb watch\n"),
            "line 2: what a token allows is publish, subscribe, fetch or *, separated by commas");
  EXPECT_EQ(error("7:"), "line 1: a token without a value");
  EXPECT_EQ(error("a * live more"), "line 1: a token, what it allows and a namespace, and nothing more");
  EXPECT_EQ(error("# nothing\n"), "there is no token in the list: nobody could do anything");
  EXPECT_EQ(error("key:with:colons"), "") << "no number before the colon: all of it is the value";
}

}  // namespace
}  // namespace msquic_py::relay
