#include <gtest/gtest.h>

#include "harness/raw_peer.h"

// AUTHORIZATION TOKEN and what a peer registers with this endpoint [d15 §9.2.1.1] [d15 §9.3.1.4] [d15 §9.3.1.5].
// Bytes are written from the text: a token is 03, its length, then alias type, alias, token type and value.
namespace msquic_py::testing {
namespace {

using moqt::AuthorizationToken;
using moqt::Perspective;
using moqt::RequestErrorCode;
using moqt::SessionErrorCode;
using moqt::TokenAliasType;
using moqt::session::Established;
using moqt::session::SessionConfig;
using moqt::session::SubscribeReceived;

AuthorizationToken kept_value(std::uint64_t type, std::string_view text) {
  return {TokenAliasType::kUseValue, 0, type, {text.begin(), text.end()}};
}

/// A server that keeps `limit` bytes of tokens, past SETUP.
RawPeer keeping_server(std::uint64_t limit) {
  SessionConfig config;
  config.limits.max_auth_token_cache_bytes = limit;
  return RawPeer::established(Perspective::kServer, config);
}

// SUBSCRIBE to tracks "t", "u" … of namespace "a", with Request IDs 0, 2 …
constexpr auto kRegister1 = "03 000e 00 01 0161 01 74 01 03 05 01 01 00 6162 |";  // alias 1: type 0, "ab"
constexpr auto kUse1 = "03 000b 02 01 0161 01 75 01 03 02 02 01 |";
constexpr auto kDelete1 = "03 000b 02 01 0161 01 75 01 03 02 00 01 |";

// [d15 §9.2.1.1-2]
TEST(TokenCache, AnAliasStandsForTypeAndValue) {
  auto peer = keeping_server(18);
  peer.control(kRegister1);
  peer.control(kUse1);
  const auto received = peer.all<SubscribeReceived>();
  ASSERT_EQ(received.size(), 2u);
  for (const auto& each : received) {
    EXPECT_EQ(each.parameters.authorization_tokens(), std::vector{kept_value(0, "ab")}) << "no alias reaches anybody";
  }
}

// [d15 §9.2.1.1-10, §9.3.1.4]
TEST(TokenCache, ItsSizeIsThatOfTheValuesAndSixteenForEach) {
  auto fits = keeping_server(18);
  fits.control(kRegister1);
  EXPECT_FALSE(fits.closed) << "16 bytes and the two of the value";
  auto small = keeping_server(17);
  small.control(kRegister1);
  EXPECT_EQ(small.close_code(), SessionErrorCode::kAuthTokenCacheOverflow);
}

// [d15 §9.2.1.1-10, §9.3.1.4]
TEST(TokenCache, TheSumOfAllTokensCounts) {
  auto peer = keeping_server(36);
  peer.control(kRegister1);
  peer.control("03 000e 02 01 0161 01 75 01 03 05 01 02 00 6163");
  EXPECT_FALSE(peer.closed) << "18 and 18";
  peer.control("03 000c 04 01 0161 01 76 01 03 03 01 03 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kAuthTokenCacheOverflow) << "an empty value takes 16 as well";
}

// [d15 §9.2.1.1-1, §9.3.1.4]
TEST(TokenCache, ADeletedTokenGivesItsBytesAndItsAliasBack) {
  auto peer = keeping_server(18);
  peer.control(kRegister1);
  peer.control(kDelete1);
  EXPECT_TRUE(peer.all<SubscribeReceived>().at(1).parameters.authorization_tokens().empty());
  peer.control("03 000e 04 01 0161 01 76 01 03 05 01 01 00 6364");
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(peer.all<SubscribeReceived>().at(2).parameters.authorization_tokens(), std::vector{kept_value(0, "cd")});
}

TEST(TokenCache, WhatADeletedAliasAllowedStays) {
  auto peer = keeping_server(18);
  peer.control(kRegister1);
  const auto request = peer.all<SubscribeReceived>().at(0).request;
  peer.control(kDelete1);
  EXPECT_TRUE(peer.session.accept(request).ok());
}

// [d15 §9.2.1.1-5]
TEST(TokenCache, AnAliasIsRegisteredOnce) {
  auto peer = keeping_server(4096);
  peer.control(kRegister1);
  peer.control("03 000e 02 01 0161 01 75 01 03 05 01 01 00 6364");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kDuplicateAuthTokenAlias);
}

// [d15 §9.2.1.1-6, §9.2.1.1-1]
TEST(TokenCache, AnAliasMustBeRegistered) {
  auto use = keeping_server(4096);
  use.control("03 000b 00 01 0161 01 74 01 03 02 02 01");
  EXPECT_EQ(use.close_code(), SessionErrorCode::kUnknownAuthTokenAlias);
  auto remove = keeping_server(4096);
  remove.control("03 000b 00 01 0161 01 74 01 03 02 00 01");
  EXPECT_EQ(remove.close_code(), SessionErrorCode::kUnknownAuthTokenAlias);
  auto gone = keeping_server(4096);
  gone.control(kRegister1);
  gone.control(kDelete1);
  gone.control("03 000b 04 01 0161 01 76 01 03 02 02 01");
  EXPECT_EQ(gone.close_code(), SessionErrorCode::kUnknownAuthTokenAlias);
}

TEST(TokenCache, TheTokensOfAMessageTakeEffectInTheirOrder) {
  auto peer = keeping_server(18);
  // REGISTER 1 "ab", DELETE 1, REGISTER 1 "cd": each leaves room for the next.
  peer.control("03 0019 00 01 0161 01 74 03 03 05 01 01 00 6162 03 02 00 01 03 05 01 01 00 6364");
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(peer.all<SubscribeReceived>().at(0).parameters.authorization_tokens(),
            (std::vector{kept_value(0, "ab"), kept_value(0, "cd")}));
}

// [d15 §9.2.1.1-8]
TEST(TokenCache, ARefusedMessageRegistersAllTheSame) {
  auto peer = keeping_server(4096);
  // SUBSCRIBE for groups 5 to 4 (filter 4): INVALID_RANGE.
  peer.control("03 0014 00 01 0161 01 74 02 03 05 01 01 00 6162 21 04 04 05 00 04");
  EXPECT_FALSE(peer.closed);
  EXPECT_TRUE(peer.all<SubscribeReceived>().empty());
  peer.control(kUse1);
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(peer.all<SubscribeReceived>().at(0).parameters.authorization_tokens(), std::vector{kept_value(0, "ab")});
}

// [d15 §9.2.1.1-11]
TEST(TokenCache, TokensMustDifferWhenTheirAliasesAreResolved) {
  auto peer = keeping_server(4096);
  peer.control(kRegister1);
  peer.control("03 0011 02 01 0161 01 75 02 03 02 02 01 03 04 03 00 6162");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation);
}

// [d15 §9.2.1.1-9]
TEST(TokenCache, AnExpiredTokenKeepsItsAliasAndItsSize) {
  auto peer = keeping_server(18);
  peer.control(kRegister1);
  peer.session.expire_token(kept_value(0, "ab"));
  peer.sent_control.clear();
  peer.control(kUse1);
  EXPECT_EQ(peer.all<SubscribeReceived>().size(), 1u);
  const std::string reason = "the token has expired";
  auto expected = hex("05 0018 02 05 15");
  expected.insert(expected.end(), reason.begin(), reason.end());
  EXPECT_EQ(peer.sent_control, expected) << "REQUEST_ERROR EXPIRED_AUTH_TOKEN, 0x5";
  peer.control("03 000c 04 01 0161 01 76 01 03 03 01 02 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kAuthTokenCacheOverflow) << "it counts as before";
}

TEST(TokenCache, AnUpdateWithAnExpiredTokenEndsItsSubscription) {
  auto peer = keeping_server(4096);
  peer.control(kRegister1);
  ASSERT_TRUE(peer.session.accept(peer.all<SubscribeReceived>().at(0).request).ok());
  peer.drain();
  peer.sent_control.clear();
  peer.session.expire_token(kept_value(0, "ab"));
  peer.control("02 0007 02 00 01 03 02 02 01");
  EXPECT_FALSE(peer.closed);
  ASSERT_GT(peer.sent_control.size(), 5u);
  EXPECT_EQ(base::ByteVector(peer.sent_control.begin(), peer.sent_control.begin() + 5), hex("05 0018 02 05"));
  EXPECT_EQ(peer.sent_control[27], 0x0b) << "PUBLISH_DONE";
  EXPECT_EQ(peer.sent_control[31], 0x08) << "UPDATE_FAILED";
  EXPECT_EQ(peer.all<moqt::session::Unsubscribed>().size(), 1u);
}

TEST(TokenCache, EveryRequestThatMayCarryATokenIsReadForIt) {
  const auto registers = [](std::string_view bytes) {
    auto peer = keeping_server(4096);
    peer.control(bytes);
    EXPECT_FALSE(peer.closed) << bytes;
    peer.control("0d 000b 02 01 0161 01 75 01 03 02 02 01");  // TRACK_STATUS that uses alias 1
    return !peer.closed;
  };
  EXPECT_TRUE(registers("1d 000f 00 01 0161 01 74 07 01 03 05 01 01 00 6162")) << "PUBLISH";
  EXPECT_TRUE(registers("16 0013 00 01 01 0161 01 74 00 00 01 00 01 03 05 01 01 00 6162")) << "FETCH";
  EXPECT_TRUE(registers("06 000c 00 01 0161 01 03 05 01 01 00 6162")) << "PUBLISH_NAMESPACE";
  EXPECT_TRUE(registers("11 000c 00 01 0161 01 03 05 01 01 00 6162")) << "SUBSCRIBE_NAMESPACE";
  EXPECT_TRUE(registers("0d 000e 00 01 0161 01 74 01 03 05 01 01 00 6162")) << "TRACK_STATUS";
}

// ---- SETUP ----

// [d15 §9.3.1.4]
TEST(TokensInSetup, TheCacheIsAdvertised) {
  SessionConfig config;
  config.implementation.clear();
  config.limits.max_open_requests = 50;
  RawPeer peer(Perspective::kServer, config);
  peer.control("20 0004 01 02 4064");
  EXPECT_EQ(peer.sent_control, hex("21 0007 02 04 5000 02 4064")) << "MAX_AUTH_TOKEN_CACHE_SIZE = 4096";
}

// [d15 §9.3.1.5-1]
TEST(TokensInSetup, AClientRegistersWithoutKnowingTheLimit) {
  SessionConfig config;
  config.limits.max_auth_token_cache_bytes = 18;
  RawPeer peer(Perspective::kServer, config);
  // REGISTER 1 type 0 "ab", and 2 type 0 "cd", which has no room left and counts as USE_VALUE.
  peer.control("20 0012 03 02 4064 03 05 01 01 00 6162 03 05 01 02 00 6364");
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(peer.all<Established>().at(0).peer.authorization_tokens(),
            (std::vector{kept_value(0, "ab"), kept_value(0, "cd")}));
  peer.control("03 000b 00 01 0161 01 74 01 03 02 02 01");
  EXPECT_FALSE(peer.closed);
  peer.control("03 000b 02 01 0161 01 75 01 03 02 02 02");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kUnknownAuthTokenAlias);
}

// [d15 §9.2.1.1-3]
TEST(TokensInSetup, AClientMayNotDeleteOrUseAnAlias) {
  for (const std::string_view bytes : {"20 0005 01 03 02 00 01", "20 0005 01 03 02 02 01"}) {
    RawPeer peer(Perspective::kServer);
    peer.control(bytes);
    EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << bytes;
  }
}

// [d15 §9.2.1.1-5]
TEST(TokensInSetup, AnAliasTwiceIsOnceTooOften) {
  RawPeer peer(Perspective::kServer);
  peer.control("20 0012 03 02 4064 03 05 01 01 00 6162 03 05 01 01 00 6163");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kDuplicateAuthTokenAlias);
}

// [d15 §9.2.1.1-10]
TEST(TokensInSetup, AServerKnowsTheLimit) {
  SessionConfig config;
  config.limits.max_auth_token_cache_bytes = 17;
  RawPeer client(Perspective::kClient, config);
  client.control("21 000b 02 02 4064 03 05 01 01 00 6162");
  EXPECT_EQ(client.close_code(), SessionErrorCode::kAuthTokenCacheOverflow);
  config.limits.max_auth_token_cache_bytes = 18;
  RawPeer fits(Perspective::kClient, config);
  fits.control("21 000b 02 02 4064 03 05 01 01 00 6162");
  EXPECT_FALSE(fits.closed);
}

}  // namespace
}  // namespace msquic_py::testing
