#include <gtest/gtest.h>

#include "harness/raw_peer.h"

// Which of this endpoint's tokens the peer keeps, and what goes out for them [d15 §9.2.1.1].
namespace msquic_py::testing {
namespace {

using moqt::AuthorizationToken;
using moqt::MessageParameters;
using moqt::Perspective;
using moqt::TokenAliasType;
using moqt::session::SessionConfig;
using moqt::session::SessionError;

AuthorizationToken sent_value(std::string_view text, TokenAliasType how = TokenAliasType::kUseValue) {
  return {how, 0, 0, {text.begin(), text.end()}};
}

/// A client whose server keeps so many bytes of tokens (`setup` is SERVER_SETUP).
struct TokenSender {
  explicit TokenSender(std::string_view setup, SessionConfig config = {})
      : peer(Perspective::kClient, std::move(config)) {
    peer.control(setup);
    EXPECT_FALSE(peer.closed);
    peer.sent_control.clear();
  }
  /// What a SUBSCRIBE to track `name` of namespace "a" says, with these tokens.
  base::ByteVector subscribe(std::string_view name, std::vector<AuthorizationToken> tokens) {
    MessageParameters parameters;
    for (auto& token : tokens) parameters.add_authorization_token(std::move(token));
    EXPECT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, std::string(name)}, std::move(parameters)).ok());
    peer.sent_control.clear();
    peer.drain();
    return peer.sent_control;
  }
  RawPeer peer;
};

constexpr auto kNoCache = "21 0004 01 02 4064";
constexpr auto kCache18 = "21 0006 02 02 4064 04 12";
constexpr auto kCache40 = "21 0006 02 02 4064 04 28";

TEST(OutgoingTokens, WithoutACacheEachGoesInFull) {
  TokenSender client(kNoCache);
  EXPECT_EQ(client.subscribe("t", {sent_value("ab")}), hex("03 000d 00 01 0161 01 74 01 03 04 03 00 6162"));
  EXPECT_EQ(client.subscribe("u", {sent_value("ab")}), hex("03 000d 02 01 0161 01 75 01 03 04 03 00 6162"));
  EXPECT_EQ(client.subscribe("v", {sent_value("ab")}), hex("03 000d 04 01 0161 01 76 01 03 04 03 00 6162"));
}

TEST(OutgoingTokens, TheSecondUseRegistersAndTheThirdIsAnAlias) {
  TokenSender client(kCache18);
  EXPECT_EQ(client.subscribe("t", {sent_value("ab")}), hex("03 000d 00 01 0161 01 74 01 03 04 03 00 6162"));
  EXPECT_EQ(client.subscribe("u", {sent_value("ab")}), hex("03 000e 02 01 0161 01 75 01 03 05 01 01 00 6162"));
  EXPECT_EQ(client.subscribe("v", {sent_value("ab")}), hex("03 000b 04 01 0161 01 76 01 03 02 02 01"));
}

TEST(OutgoingTokens, OneThatTheApplicationRegistersNeedsNoSecondUse) {
  TokenSender client(kCache18);
  client.peer.session.register_token(sent_value("ab"));
  EXPECT_EQ(client.subscribe("t", {sent_value("ab")}), hex("03 000e 00 01 0161 01 74 01 03 05 01 01 00 6162"));
  EXPECT_EQ(client.subscribe("u", {sent_value("ab")}), hex("03 000b 02 01 0161 01 75 01 03 02 02 01"));
  TokenSender by_parameter(kCache18);
  EXPECT_EQ(by_parameter.subscribe("t", {sent_value("ab", TokenAliasType::kRegister)}),
            hex("03 000e 00 01 0161 01 74 01 03 05 01 01 00 6162"));
}

TEST(OutgoingTokens, ARetiredOneIsDeletedWithTheNextRequest) {
  TokenSender client(kCache18);
  client.peer.session.register_token(sent_value("ab"));
  (void)client.subscribe("t", {sent_value("ab")});
  client.peer.session.retire_token(sent_value("ab"));
  EXPECT_EQ(client.subscribe("u", {}), hex("03 000b 02 01 0161 01 75 01 03 02 00 01"));
  client.peer.session.register_token(sent_value("cd"));
  EXPECT_EQ(client.subscribe("v", {sent_value("cd")}), hex("03 000e 04 01 0161 01 76 01 03 05 01 02 00 6364"))
      << "there is room again, under another alias";
}

// [d15 §9.2.1.1]
TEST(OutgoingTokens, TheLeastRecentlyUsedMakesRoom) {
  TokenSender client(kCache18);
  (void)client.subscribe("t", {sent_value("ab")});
  (void)client.subscribe("u", {sent_value("ab")});
  (void)client.subscribe("v", {sent_value("cd")});
  EXPECT_EQ(client.subscribe("w", {sent_value("cd")}), hex("03 0011 06 01 0161 01 77 02 03 04 03 00 6364 03 02 00 01"))
      << "the limit is never exceeded, not within a message either";
  EXPECT_EQ(client.subscribe("x", {sent_value("cd")}), hex("03 000e 08 01 0161 01 78 01 03 05 01 02 00 6364"));
}

TEST(OutgoingTokens, OneThatIsTooLargeForTheCacheGoesInFull) {
  TokenSender client(kCache18);
  for (const std::string_view name : {"t", "u"}) (void)client.subscribe(name, {sent_value("abc")});
  EXPECT_EQ(client.subscribe("v", {sent_value("abc")}), hex("03 000e 04 01 0161 01 76 01 03 05 03 00 616263"));
}

TEST(OutgoingTokens, AliasesAreTheSessionsBusiness) {
  TokenSender client(kCache18);
  MessageParameters parameters;
  parameters.add_authorization_token({TokenAliasType::kUseAlias, 1, 0, {}});
  EXPECT_EQ(client.peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"}, parameters).error(),
            SessionError::kInvalidParameter);
}

TEST(OutgoingTokens, SomeGoWithEveryRequest) {
  SessionConfig config;
  config.request_tokens = {sent_value("ab", TokenAliasType::kRegister)};
  TokenSender client(kCache18, config);
  EXPECT_EQ(client.subscribe("t", {}), hex("03 000e 00 01 0161 01 74 01 03 05 01 01 00 6162"));
  EXPECT_EQ(client.subscribe("u", {sent_value("ab")}), hex("03 000b 02 01 0161 01 75 01 03 02 02 01")) << "once";
}

TEST(OutgoingTokens, SomeGoToPublishersAlone) {
  SessionConfig config;
  config.publisher_tokens = {sent_value("ab")};
  TokenSender client(kCache18, config);
  EXPECT_EQ(client.subscribe("t", {}), hex("03 000d 00 01 0161 01 74 01 03 04 03 00 6162"));
  client.peer.sent_control.clear();
  ASSERT_TRUE(client.peer.session.publish_namespace(moqt::TrackNamespace{"a"}).ok());
  client.peer.drain();
  EXPECT_EQ(client.peer.sent_control, hex("06 0005 02 01 0161 00")) << "a subscriber may hear of it";
}

// ---- CLIENT_SETUP: the limit is not known yet [d15 §9.3.1.5] ----

SessionConfig registering_config(std::vector<std::string_view> tokens) {
  SessionConfig config;
  config.implementation.clear();
  config.limits.max_open_requests = 50;
  config.limits.max_auth_token_cache_bytes = 0;
  for (const std::string_view each : tokens) {
    config.authorization_tokens.push_back(sent_value(each, TokenAliasType::kRegister));
  }
  return config;
}

TEST(OutgoingTokens, ClientSetupRegisters) {
  RawPeer setup(Perspective::kClient, registering_config({"ab"}));
  EXPECT_EQ(setup.sent_control, hex("20 000b 02 03 05 01 01 00 6162 02 4064"));
  TokenSender client(kCache18, registering_config({"ab"}));
  EXPECT_EQ(client.subscribe("t", {sent_value("ab")}), hex("03 000b 00 01 0161 01 74 01 03 02 02 01"));
}

// [d15 §9.3.1.5-2]
TEST(OutgoingTokens, WhatTheServerCouldNotRegisterIsPurged) {
  TokenSender none(kNoCache, registering_config({"ab"}));
  EXPECT_EQ(none.subscribe("t", {sent_value("ab")}), hex("03 000d 00 01 0161 01 74 01 03 04 03 00 6162"));

  // 40 bytes: 18 for the first, 26 for the second, and 18 for the third, which servers may have registered or not.
  TokenSender some(kCache40, registering_config({"ab", "0123456789", "cd"}));
  EXPECT_EQ(some.subscribe("t", {sent_value("ab")}), hex("03 000b 00 01 0161 01 74 01 03 02 02 01"));
  EXPECT_EQ(some.subscribe("u", {sent_value("cd")}), hex("03 000d 02 01 0161 01 75 01 03 04 03 00 6364"))
      << "no alias, and no new registration that could be one too many";
}

TEST(OutgoingTokens, AServerKeepsToTheClientsLimit) {
  SessionConfig config = registering_config({"ab", "cd"});
  RawPeer peer(Perspective::kServer, config);
  peer.control("20 0006 02 02 4064 04 12");
  EXPECT_EQ(peer.sent_control, hex("21 0011 03 03 05 01 01 00 6162 03 04 03 00 6364 02 4064"));
}

}  // namespace
}  // namespace msquic_py::testing
