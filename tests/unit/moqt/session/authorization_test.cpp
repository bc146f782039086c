#include <gtest/gtest.h>

#include "harness/raw_peer.h"
#include "moqt/session/authorization/verdict.h"

// What a peer asks waits for the application's word [d15 §8.4] [d15 §8.5] [d15 §9.2.1.1].
namespace msquic_py::testing {
namespace {

using moqt::AuthorizationToken;
using moqt::Perspective;
using moqt::RequestErrorCode;
using moqt::SessionErrorCode;
using moqt::TokenAliasType;
using moqt::session::AuthorizationRequested;
using moqt::session::AuthorizationWithdrawn;
using moqt::session::Established;
using moqt::session::FetchReceived;
using moqt::session::NamespaceDone;
using moqt::session::NamespacePublished;
using moqt::session::ObjectReceived;
using moqt::session::Operation;
using moqt::session::PublishReceived;
using moqt::session::SessionConfig;
using moqt::session::SessionError;
using moqt::session::SessionState;
using moqt::session::SubscribeReceived;
using moqt::session::Unsubscribed;
using moqt::session::UpdateReceived;
using moqt::session::Verdict;

AuthorizationToken shown_value(std::string_view text) {
  return {TokenAliasType::kUseValue, 0, 0, {text.begin(), text.end()}};
}

SessionConfig asking_config() {
  SessionConfig config;
  config.implementation.clear();
  config.limits.max_open_requests = 50;
  config.limits.max_auth_token_cache_bytes = 64;
  config.asks_authorization = true;
  return config;
}

/// A server that asks about everything; it has admitted this client already.
RawPeer admitting() {
  RawPeer peer(Perspective::kServer, asking_config());
  peer.control("20 0004 01 02 4064");
  EXPECT_TRUE(peer.session.authorize_session().ok());
  peer.drain();
  peer.events.clear();
  peer.sent_control.clear();
  return peer;
}

void decide(RawPeer& peer, moqt::session::RequestHandle request, const Verdict& verdict) {
  moqt::session::apply(peer.session, request, verdict);
  peer.drain();
}

base::ByteVector request_error_bytes(std::string_view head, std::string_view reason) {
  auto bytes = hex(head);
  bytes.insert(bytes.end(), reason.begin(), reason.end());
  return bytes;
}

constexpr auto kAskedSubscribe = "03 000d 00 01 0161 01 74 01 03 04 03 00 6162";  // track "a"/"t", token "ab"

// ---- the session ----

TEST(SessionAdmission, ServerSetupWaits) {
  RawPeer peer(Perspective::kServer, asking_config());
  // PATH "/m", AUTHORITY "h", a token.
  peer.control("20 0011 04 01 02 2f6d 02 4064 05 01 68 03 04 03 00 6162");
  EXPECT_TRUE(peer.sent_control.empty());
  EXPECT_TRUE(peer.all<Established>().empty());
  const auto asked = peer.all<AuthorizationRequested>();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].operation, Operation::kSetup);
  EXPECT_FALSE(asked[0].request);
  EXPECT_EQ(asked[0].tokens, std::vector{shown_value("ab")});
  ASSERT_NE(peer.session.peer_setup(), nullptr);
  EXPECT_EQ(peer.session.peer_setup()->path(), "/m");
  EXPECT_EQ(peer.session.peer_setup()->authority(), "h");

  decide(peer, {}, Verdict::allow());
  EXPECT_EQ(peer.sent_control, hex("21 0007 02 04 4040 02 4064"));
  EXPECT_EQ(peer.all<Established>().size(), 1u);
  EXPECT_EQ(peer.session.authorize_session().error(), SessionError::kWrongState) << "once";
}

// [d15 §9.2.1.1-7, §3.4]
TEST(SessionAdmission, ARefusedOneIsClosedWithTheCodeOfItsKind) {
  const auto closed_with = [](const Verdict& verdict) {
    RawPeer peer(Perspective::kServer, asking_config());
    peer.control("20 0004 01 02 4064");
    decide(peer, {}, verdict);
    EXPECT_TRUE(peer.sent_control.empty());
    return peer.close_code();
  };
  EXPECT_EQ(closed_with(Verdict::refuse(RequestErrorCode::kUnauthorized, "no")), SessionErrorCode::kUnauthorized);
  EXPECT_EQ(closed_with(Verdict::refuse(RequestErrorCode::kExpiredAuthToken, "old")),
            SessionErrorCode::kExpiredAuthToken);
  EXPECT_EQ(closed_with(Verdict::refuse(RequestErrorCode::kMalformedAuthToken, "?")),
            SessionErrorCode::kMalformedAuthToken);
  Verdict elsewhere = Verdict::refuse(RequestErrorCode::kUnauthorized, "no such path");
  elsewhere.session_code = SessionErrorCode::kInvalidPath;
  EXPECT_EQ(closed_with(elsewhere), SessionErrorCode::kInvalidPath);
}

TEST(SessionAdmission, WhatTheClientSaysMeanwhileIsReadAfterwards) {
  RawPeer peer(Perspective::kServer, asking_config());
  peer.control("20 0004 01 02 4064 | 15 0002 4070 | 15 00");  // MAX_REQUEST_ID 112, and a part of another
  peer.control("02 4080");
  EXPECT_FALSE(peer.closed);
  decide(peer, {}, Verdict::allow());
  EXPECT_FALSE(peer.closed);
  peer.control("15 0002 4080");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << "128 has been said, and does not rise";
}

TEST(SessionAdmission, WhatTheClientSaysMeanwhileIsBounded) {
  RawPeer peer(Perspective::kServer, asking_config());
  peer.control("20 0004 01 02 4064");
  for (int i = 0; i < 20'000 && !peer.closed; ++i) peer.control("1a 0001 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kInternalError);
}

TEST(SessionAdmission, AnApplicationThatDoesNotAnswerEndsIt) {
  RawPeer peer(Perspective::kServer, asking_config());
  peer.control("20 0004 01 02 4064");
  peer.advance(std::chrono::seconds(9));
  EXPECT_FALSE(peer.closed);
  peer.advance(std::chrono::seconds(2));
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kInternalError);
}

// ---- requests ----

TEST(RequestAuthorization, TheRequestIsReportedWhenItIsAllowed) {
  auto peer = admitting();
  peer.control(kAskedSubscribe);
  const auto asked = peer.all<AuthorizationRequested>();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].operation, Operation::kSubscribe);
  EXPECT_EQ(asked[0].track, (moqt::FullTrackName{moqt::TrackNamespace{"a"}, "t"}));
  EXPECT_EQ(asked[0].tokens, std::vector{shown_value("ab")});
  EXPECT_TRUE(peer.all<SubscribeReceived>().empty());
  EXPECT_EQ(peer.session.accept(asked[0].request).error(), SessionError::kWrongState) << "not allowed yet";

  decide(peer, asked[0].request, Verdict::allow());
  ASSERT_EQ(peer.all<SubscribeReceived>().size(), 1u);
  EXPECT_TRUE(peer.session.accept(asked[0].request).ok());
  EXPECT_EQ(peer.session.authorize(asked[0].request).error(), SessionError::kUnknownRequest) << "once";
}

// [d15 §9.2.1.1-7]
TEST(RequestAuthorization, ARefusedOneIsNeverReported) {
  auto peer = admitting();
  peer.control(kAskedSubscribe);
  decide(peer, peer.all<AuthorizationRequested>().at(0).request,
         Verdict::refuse(RequestErrorCode::kUnauthorized, "no"));
  EXPECT_EQ(peer.sent_control, request_error_bytes("05 0005 00 01 02", "no"));
  EXPECT_TRUE(peer.all<SubscribeReceived>().empty());
  EXPECT_TRUE(peer.all<AuthorizationWithdrawn>().empty());
  EXPECT_EQ(peer.session.open_requests(), 0u);
}

TEST(RequestAuthorization, EveryRequestThatMayCarryTokensIsAskedAbout) {
  const auto asked_about = [](std::string_view bytes) {
    auto peer = admitting();
    peer.control(bytes);
    EXPECT_EQ(peer.events.size(), 1u) << bytes;
    const auto asked = peer.all<AuthorizationRequested>();
    if (asked.size() != 1) return Operation::kSetup;
    EXPECT_EQ(asked[0].track.track_namespace, moqt::TrackNamespace{"a"});
    decide(peer, asked[0].request, Verdict::refuse(RequestErrorCode::kUnauthorized, "no"));
    EXPECT_EQ(peer.sent_control, request_error_bytes("05 0005 00 01 02", "no")) << bytes;
    return asked[0].operation;
  };
  EXPECT_EQ(asked_about("03 0007 00 01 0161 01 74 00"), Operation::kSubscribe);
  EXPECT_EQ(asked_about("1d 0008 00 01 0161 01 74 07 00"), Operation::kPublish);
  EXPECT_EQ(asked_about("16 000c 00 01 01 0161 01 74 00 00 01 00 00"), Operation::kFetch);
  EXPECT_EQ(asked_about("0d 0007 00 01 0161 01 74 00"), Operation::kTrackStatus);
  EXPECT_EQ(asked_about("06 0005 00 01 0161 00"), Operation::kPublishNamespace);
  EXPECT_EQ(asked_about("11 0005 00 01 0161 00"), Operation::kSubscribeNamespace);
}

TEST(RequestAuthorization, AnUpdateWaitsBehindItsSubscription) {
  auto peer = admitting();
  peer.control(kAskedSubscribe);
  peer.control("02 000b 02 00 02 10 00 03 04 03 00 6364");  // SUBSCRIBE_UPDATE: FORWARD 0, token "cd"
  ASSERT_EQ(peer.all<AuthorizationRequested>().size(), 1u) << "about the subscription alone";
  const auto subscription = peer.all<AuthorizationRequested>().at(0).request;
  decide(peer, subscription, Verdict::allow());
  ASSERT_EQ(peer.all<AuthorizationRequested>().size(), 2u);
  const auto update = peer.all<AuthorizationRequested>().at(1);
  EXPECT_EQ(update.operation, Operation::kSubscribeUpdate);
  EXPECT_EQ(update.tokens, std::vector{shown_value("cd")});
  EXPECT_EQ(update.track, (moqt::FullTrackName{moqt::TrackNamespace{"a"}, "t"}));
  EXPECT_TRUE(peer.all<UpdateReceived>().empty());
  ASSERT_TRUE(peer.session.accept(subscription).ok());
  decide(peer, update.request, Verdict::allow());
  ASSERT_EQ(peer.all<UpdateReceived>().size(), 1u);
  EXPECT_TRUE(peer.session.accept(update.request).ok());
  EXPECT_FALSE(peer.session.published(subscription)->forward);
}

TEST(RequestAuthorization, ARefusedUpdateEndsItsSubscription) {
  auto peer = admitting();
  peer.control(kAskedSubscribe);
  const auto subscription = peer.all<AuthorizationRequested>().at(0).request;
  decide(peer, subscription, Verdict::allow());
  ASSERT_TRUE(peer.session.accept(subscription).ok());
  peer.control("02 0003 02 00 00");
  peer.sent_control.clear();
  decide(peer, peer.all<AuthorizationRequested>().at(1).request,
         Verdict::refuse(RequestErrorCode::kUnauthorized, "no"));
  auto expected = request_error_bytes("05 0005 02 01 02", "no");
  const auto done = request_error_bytes("0b 0006 00 08 00 02", "no");  // UPDATE_FAILED, no streams
  expected.insert(expected.end(), done.begin(), done.end());
  EXPECT_EQ(peer.sent_control, expected);
  EXPECT_EQ(peer.all<Unsubscribed>().size(), 1u);
}

TEST(RequestAuthorization, RefusingASubscriptionRefusesWhatWaitsBehindIt) {
  auto peer = admitting();
  peer.control(kAskedSubscribe);
  peer.control("02 0003 02 00 00");
  decide(peer, peer.all<AuthorizationRequested>().at(0).request,
         Verdict::refuse(RequestErrorCode::kUnauthorized, "no"));
  EXPECT_EQ(peer.session.open_requests(), 0u);
  EXPECT_EQ(peer.all<AuthorizationRequested>().size(), 1u);
  EXPECT_FALSE(peer.closed);
}

TEST(RequestAuthorization, WhatThePeerWithdrawsIsNotReported) {
  auto subscribed = admitting();
  subscribed.control(kAskedSubscribe);
  subscribed.control("0a 0001 00");
  EXPECT_TRUE(subscribed.all<Unsubscribed>().empty()) << "nobody has heard of it";
  ASSERT_EQ(subscribed.all<AuthorizationWithdrawn>().size(), 1u);
  decide(subscribed, subscribed.all<AuthorizationWithdrawn>().at(0).request, Verdict::allow());
  EXPECT_TRUE(subscribed.all<SubscribeReceived>().empty());

  auto published = admitting();
  published.control("06 0005 00 01 0161 00 | 09 0003 01 0161");
  EXPECT_TRUE(published.all<NamespacePublished>().empty());
  EXPECT_TRUE(published.all<NamespaceDone>().empty());
  EXPECT_EQ(published.all<AuthorizationWithdrawn>().size(), 1u);

  auto fetched = admitting();
  fetched.control("16 000c 00 01 01 0161 01 74 00 00 01 00 00 | 17 0001 00");
  EXPECT_TRUE(fetched.all<moqt::session::FetchCancelled>().empty());
  EXPECT_EQ(fetched.all<AuthorizationWithdrawn>().size(), 1u);
  EXPECT_EQ(fetched.session.open_requests(), 0u);
}

TEST(RequestAuthorization, ASecondAnnouncementDoesNotOvertakeTheFirst) {
  auto peer = admitting();
  peer.control("06 0005 00 01 0161 00 | 06 0005 02 01 0161 00");
  EXPECT_EQ(peer.sent_control, request_error_bytes("05 002b 02 00 28", "the namespace is being announced already"))
      << "no REQUEST_OK before anybody has allowed it";
  decide(peer, peer.all<AuthorizationRequested>().at(0).request, Verdict::allow());
  EXPECT_EQ(peer.all<NamespacePublished>().size(), 1u);
}

TEST(RequestAuthorization, AnApplicationThatDoesNotAnswerIsATimeout) {
  auto peer = admitting();
  peer.control(kAskedSubscribe);
  peer.advance(std::chrono::seconds(11));
  EXPECT_EQ(peer.sent_control, request_error_bytes("05 0019 00 02 16", "not authorized in time"));
  EXPECT_EQ(peer.all<AuthorizationWithdrawn>().size(), 1u);
  EXPECT_TRUE(peer.all<SubscribeReceived>().empty());
  EXPECT_FALSE(peer.closed);
}

TEST(RequestAuthorization, AJoiningFetchIsAskedAboutWhenItsSubscriptionStands) {
  auto peer = admitting();
  peer.control("03 000a 00 01 0161 01 74 01 21 01 02");  // SUBSCRIBE, filter Largest Object
  peer.control("16 0005 02 02 00 01 00");                // relative joining FETCH, one group back
  ASSERT_EQ(peer.all<AuthorizationRequested>().size(), 1u);
  const auto subscription = peer.all<AuthorizationRequested>().at(0).request;
  decide(peer, subscription, Verdict::allow());
  moqt::MessageParameters parameters;
  parameters.set_largest_object({3, 4});
  ASSERT_TRUE(peer.session.accept(subscription, parameters).ok());
  peer.drain();
  ASSERT_EQ(peer.all<AuthorizationRequested>().size(), 2u);
  EXPECT_EQ(peer.all<AuthorizationRequested>().at(1).operation, Operation::kFetch);
  decide(peer, peer.all<AuthorizationRequested>().at(1).request, Verdict::allow());
  EXPECT_EQ(peer.all<FetchReceived>().size(), 1u);
}

// [d15 §9.2.1.1-9]
TEST(RequestAuthorization, ARefusedExpiredTokenIsNotAskedAboutAgain) {
  auto peer = admitting();
  peer.control("03 000e 00 01 0161 01 74 01 03 05 01 01 00 6162");  // REGISTER alias 1
  decide(peer, peer.all<AuthorizationRequested>().at(0).request,
         Verdict::refuse(RequestErrorCode::kExpiredAuthToken, "old"));
  EXPECT_EQ(peer.sent_control, request_error_bytes("05 0006 00 05 03", "old"));
  peer.sent_control.clear();
  peer.control("03 000b 02 01 0161 01 75 01 03 02 02 01");
  EXPECT_EQ(peer.sent_control, request_error_bytes("05 0018 02 05 15", "the token has expired"));
  EXPECT_EQ(peer.all<AuthorizationRequested>().size(), 1u);
  EXPECT_FALSE(peer.closed) << "the alias is still registered";
}

// [d15 §9.2.1.1-8]
TEST(RequestAuthorization, ARefusedTokenStaysRegistered) {
  auto peer = admitting();
  peer.control("03 000e 00 01 0161 01 74 01 03 05 01 01 00 6162");
  decide(peer, peer.all<AuthorizationRequested>().at(0).request,
         Verdict::refuse(RequestErrorCode::kUnauthorized, "not this track"));
  peer.control("03 000b 02 01 0161 01 75 01 03 02 02 01");
  ASSERT_EQ(peer.all<AuthorizationRequested>().size(), 2u);
  EXPECT_EQ(peer.all<AuthorizationRequested>().at(1).tokens, std::vector{shown_value("ab")});
}

// ---- objects ahead of the word on their PUBLISH ----

constexpr auto kAskedPublish = "1d 0008 00 01 0161 01 74 07 00";  // alias 7
constexpr auto kEarlyObjects = "10 07 00 80 00 0178";             // subgroup 0 of group 0, object 0: "x"

TEST(ObjectsOfAPublish, WaitForItsAuthorization) {
  auto peer = admitting();
  peer.control(kAskedPublish);
  peer.stream(2, kEarlyObjects);
  EXPECT_TRUE(peer.all<ObjectReceived>().empty());
  // Longer than data of an unknown alias would wait, and more than it may be.
  peer.advance(std::chrono::seconds(5));
  EXPECT_TRUE(peer.stopped.empty());
  decide(peer, peer.all<AuthorizationRequested>().at(0).request, Verdict::allow());
  ASSERT_EQ(peer.all<PublishReceived>().size(), 1u);
  EXPECT_EQ(peer.all<ObjectReceived>().size(), 1u);
}

TEST(ObjectsOfAPublish, WaitWithThePublisher) {
  for (const bool ahead : {false, true}) {
    auto peer = admitting();
    if (ahead) peer.session.on_uni_stream_data(peer.now, 2, base::SharedBytes::copy_of(hex(kEarlyObjects)), false);
    peer.session.on_control_data(peer.now, hex(kAskedPublish));
    if (!ahead) peer.session.on_uni_stream_data(peer.now, 2, base::SharedBytes::copy_of(hex(kEarlyObjects)), false);
    const auto actions = [&] {
      std::size_t paused = 0;
      std::size_t resumed = 0;
      moqt::session::Action action;
      while (peer.session.poll_action(peer.now, action)) {
        paused += std::holds_alternative<moqt::session::PauseStream>(action);
        resumed += std::holds_alternative<moqt::session::ResumeStream>(action);
      }
      return std::pair(paused, resumed);
    };
    EXPECT_EQ(actions(), std::pair(std::size_t{1}, std::size_t{0})) << "by flow control";
    peer.drain();
    moqt::session::apply(peer.session, peer.all<AuthorizationRequested>().at(0).request, Verdict::allow());
    EXPECT_EQ(actions(), std::pair(std::size_t{0}, std::size_t{1}));
  }
}

TEST(ObjectsOfAPublish, AreStoppedWhenItIsRefused) {
  auto peer = admitting();
  peer.control(kAskedPublish);
  peer.stream(2, kEarlyObjects);
  decide(peer, peer.all<AuthorizationRequested>().at(0).request,
         Verdict::refuse(RequestErrorCode::kUnauthorized, "no"));
  ASSERT_EQ(peer.stopped.size(), 1u);
  EXPECT_EQ(peer.stopped[0].stream, 2u);
  EXPECT_TRUE(peer.all<ObjectReceived>().empty());
  EXPECT_TRUE(peer.all<PublishReceived>().empty());
}

TEST(ObjectsOfAPublish, AreLateWhenItHasEndedMeanwhile) {
  auto peer = admitting();
  peer.control(kAskedPublish);
  peer.stream(2, kEarlyObjects, true);
  peer.control("0b 0004 00 02 01 00");  // PUBLISH_DONE: TRACK_ENDED, one stream
  decide(peer, peer.all<AuthorizationRequested>().at(0).request, Verdict::allow());
  EXPECT_EQ(peer.all<ObjectReceived>().size(), 1u);
  ASSERT_TRUE(peer.session.accept(peer.all<PublishReceived>().at(0).request).ok());
  peer.drain();
  EXPECT_EQ(peer.all<moqt::session::SubscriptionDone>().size(), 1u);
}

TEST(AuthorizationOff, NothingIsAsked) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control(kAskedSubscribe);
  EXPECT_TRUE(peer.all<AuthorizationRequested>().empty());
  EXPECT_EQ(peer.all<SubscribeReceived>().at(0).parameters.authorization_tokens(), std::vector{shown_value("ab")});
}

}  // namespace
}  // namespace msquic_py::testing
