// Requests of draft-18, each on a stream of its own. Bytes are written from the text of draft-18, sections 3.3 and 10.
#include <gtest/gtest.h>

#include <chrono>

#include "harness/request_peer.h"

namespace msquic_py::moqt::session {
namespace {

using testing::hex;
using testing::RequestPeer;

FullTrackName track(std::string_view name = "t") { return {TrackNamespace{"a"}, name}; }

// ---- setup ----

// Section 3.3: each endpoint opens a unidirectional stream that begins with SETUP, 0x2F00, without waiting.
TEST(RequestStreams, EachEndpointOpensItsControlStreamWithSetup) {
  for (const Perspective side : {Perspective::kClient, Perspective::kServer}) {
    RequestPeer peer(side);
    EXPECT_EQ(peer.sent_control, hex("af00 0000"));
    peer.control_bytewise("af00 0000");
    EXPECT_EQ(peer.session.state(), SessionState::kEstablished);
    EXPECT_EQ(peer.all<Established>().size(), 1u);
    EXPECT_FALSE(peer.closed);
  }
}

// Section 10.3.1: PATH 1 and AUTHORITY 5 as Key-Value-Pairs with delta types, to the end of the message.
TEST(RequestStreams, SetupCarriesPathAndAuthority) {
  SessionConfig config;
  config.path = "/m";
  config.authority = "h";
  RequestPeer peer(Perspective::kClient, config);
  EXPECT_EQ(peer.sent_control, hex("af00 0007 01 02 2f6d 04 01 68"));
}

TEST(RequestStreams, AServerThatAsksFirstSendsItsSetupWhenTheClientIsAdmitted) {
  SessionConfig config;
  config.asks_authorization = true;
  RequestPeer peer(Perspective::kServer, config);
  EXPECT_TRUE(peer.sent_control.empty());
  peer.control("af00 0000");
  const auto waiting = peer.open("03 0007 00 01 0161 01 74 00");
  EXPECT_EQ(peer.session.state(), SessionState::kSettingUp);
  ASSERT_TRUE(peer.session.authorize_session().ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("af00 0000"));
  ASSERT_EQ(peer.all<AuthorizationRequested>().size(), 2u);  // the session, then SUBSCRIBE
  EXPECT_TRUE(peer.take(waiting).empty());
}

// Section 3.3: what comes ahead of the control streams is kept until both SETUPs are there.
TEST(RequestStreams, ARequestAheadOfSetupWaits) {
  RequestPeer peer(Perspective::kServer);
  const auto first = peer.open("03 0007 00 01 0161 01 ");
  const auto second = peer.open("0d 0007 02 01 0161 01 74 00", true);
  peer.say(first, "74 00");
  EXPECT_TRUE(peer.all<SubscribeReceived>().empty());
  peer.control("af00 0000");
  EXPECT_EQ(peer.only<SubscribeReceived>().track, track());
  ASSERT_TRUE(peer.session.accept(peer.only<TrackStatusReceived>().request).ok());
  peer.drain();
  EXPECT_EQ(peer.take(second), hex("07 0001 00"));
  EXPECT_TRUE(peer.requests[second].fin);
}

TEST(RequestStreams, MoreThanCanBeKeptAheadOfSetupIsReset) {
  RequestPeer peer(Perspective::kServer);
  std::string longest = "1d ffff";
  for (int i = 0; i < 65'535; ++i) longest += "00";
  std::vector<RequestPeer::RequestStreamId> streams;
  for (int i = 0; i < 20; ++i) streams.push_back(peer.open(longest.substr(0, longest.size() - 2)));
  EXPECT_FALSE(peer.requests[streams.front()].reset);
  EXPECT_EQ(peer.requests[streams.back()].reset, 0x9u);    // EXCESSIVE_LOAD
  EXPECT_EQ(peer.requests[streams.back()].stopped, 0x9u);  // of both directions
  EXPECT_FALSE(peer.closed);
}

// ---- our requests ----

TEST(RequestStreams, ASubscriptionFromItsRequestToPublishDone) {
  auto peer = RequestPeer::established(Perspective::kClient);
  const auto subscription = peer.session.subscribe(track());
  ASSERT_TRUE(subscription.ok());
  peer.drain();
  ASSERT_EQ(peer.opened.size(), 1u);
  const auto stream = peer.opened.front();
  EXPECT_EQ(peer.take(stream), hex("03 0007 00 01 0161 01 74 00"));
  EXPECT_FALSE(peer.requests[stream].fin) << "updates may follow";

  peer.say_bytewise(stream, "04 0005 09 01 09 05 07");  // alias 9, LARGEST_OBJECT {5, 7}
  EXPECT_EQ(peer.only<RequestAccepted>().request, *subscription);
  EXPECT_EQ(peer.only<RequestAccepted>().parameters.largest_object(), (Location{5, 7}));
  EXPECT_EQ(peer.session.track_alias(*subscription), 9u);

  MessageParameters parameters;
  parameters.set_forward(false);
  const auto update = peer.session.update(*subscription, parameters);
  ASSERT_TRUE(update.ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("02 0004 02 01 10 00"));  // REQUEST_UPDATE, Request ID 2, on the same stream
  EXPECT_EQ(peer.opened.size(), 1u);
  peer.say(stream, "07 0001 00");
  EXPECT_EQ(peer.all<RequestAccepted>().back().request, *update);

  peer.say(stream, "0b 0003 02 00 00", true);  // TRACK_ENDED, no streams
  EXPECT_EQ(peer.only<SubscriptionDone>().code, 2u);
  EXPECT_TRUE(peer.requests[stream].fin);
  EXPECT_FALSE(peer.requests[stream].reset);
  EXPECT_EQ(peer.session.open_requests(), 0u);
}

// Section 5.1: the subscriber ends a subscription with STOP_SENDING; section 3.3.2: both directions are broken off.
TEST(RequestStreams, CancellingResetsAndStops) {
  auto peer = RequestPeer::established(Perspective::kClient);
  const auto subscription = peer.session.subscribe(track());
  peer.drain();
  const auto stream = peer.opened.front();
  ASSERT_TRUE(peer.session.cancel(*subscription).ok());
  peer.drain();
  EXPECT_EQ(peer.requests[stream].reset, 0x1u);  // CANCELLED
  EXPECT_EQ(peer.requests[stream].stopped, 0x1u);
  peer.say(stream, "04 0002 09 00");  // on its way meanwhile
  EXPECT_TRUE(peer.all<RequestAccepted>().empty());
  EXPECT_FALSE(peer.closed);
}

TEST(RequestStreams, ARefusedRequestIsFinishedByBoth) {
  auto peer = RequestPeer::established(Perspective::kClient);
  (void)peer.session.subscribe(track());
  peer.drain();
  const auto stream = peer.opened.front();
  peer.say(stream, "05 0005 10 00 02 6e6f", true);  // DOES_NOT_EXIST, no retry, "no"
  EXPECT_EQ(peer.only<RequestRejected>().code, 0x10u);
  EXPECT_EQ(peer.only<RequestRejected>().reason, "no");
  EXPECT_TRUE(peer.requests[stream].fin);
  EXPECT_FALSE(peer.requests[stream].stopped);
}

TEST(RequestStreams, ARequestWhoseStreamEndsUnansweredHasFailed) {
  auto peer = RequestPeer::established(Perspective::kClient);
  (void)peer.session.subscribe(track("reset"));
  (void)peer.session.track_status(track("finished"));
  peer.drain();
  ASSERT_EQ(peer.opened.size(), 2u);
  peer.reset(peer.opened[0], 0x4);  // GOING_AWAY
  peer.finish(peer.opened[1]);
  const auto rejected = peer.all<RequestRejected>();
  ASSERT_EQ(rejected.size(), 2u);
  EXPECT_EQ(rejected[0].code, 0x6u);  // REQUEST_ERROR's GOING_AWAY
  EXPECT_EQ(rejected[1].code, 0x0u);
  EXPECT_EQ(peer.session.open_requests(), 0u);
}

// Why a request is refused may be on its way when STOP_SENDING comes.
TEST(RequestStreams, StopSendingAloneDoesNotEndAnUnansweredRequest) {
  auto peer = RequestPeer::established(Perspective::kClient);
  (void)peer.session.publish(track());
  peer.drain();
  const auto stream = peer.opened.front();
  peer.stop(stream);
  EXPECT_TRUE(peer.all<RequestRejected>().empty());
  peer.say(stream, "05 0005 20 00 02 6e6f", true);  // UNINTERESTED
  EXPECT_EQ(peer.only<RequestRejected>().code, 0x20u);
}

TEST(RequestStreams, ASubscriptionWithoutPublishDoneIsLost) {
  for (const bool reset : {true, false}) {
    auto peer = RequestPeer::established(Perspective::kClient);
    (void)peer.session.subscribe(track());
    peer.drain();
    const auto stream = peer.opened.front();
    peer.say(stream, "04 0002 09 00");
    reset ? peer.reset(stream) : peer.finish(stream);
    EXPECT_TRUE(peer.all<SubscriptionDone>().empty()) << "late streams may still come";
    peer.advance(std::chrono::seconds(3));
    EXPECT_EQ(peer.only<SubscriptionDone>().code, 0u);
  }
}

// Datagrams may come late, so that PUBLISH_DONE waits for its time. A publisher that goes meanwhile, and closes its
// control stream first, which closes the session (section 3.3), has ended the track all the same.
TEST(RequestStreams, APublisherThatGoesHasEndedItsDatagrams) {
  auto peer = RequestPeer::established(Perspective::kServer);
  const auto stream = peer.open("1d 0008 00 01 0161 01 74 05 00");  // PUBLISH, alias 5
  const auto subscription = peer.only<PublishReceived>().request;
  ASSERT_TRUE(peer.session.accept(subscription).ok());
  peer.drain();
  peer.datagram("00 05 00 00 80 78");          // group 0, object 0
  peer.say(stream, "0b 0003 02 00 00", true);  // TRACK_ENDED, no streams
  peer.control("", true);
  EXPECT_TRUE(peer.all<SubscriptionDone>().empty());
  peer.advance(peer.session.config().timeouts.control_closed);
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(peer.only<SubscriptionDone>().subscription, subscription);
  EXPECT_EQ(peer.only<SubscriptionDone>().code, 0x2u);
}

TEST(RequestStreams, PublishIsAnsweredByRequestOk) {
  auto peer = RequestPeer::established(Perspective::kClient);
  const auto published = peer.session.publish(track());
  peer.drain();
  const auto stream = peer.opened.front();
  EXPECT_EQ(peer.take(stream), hex("1d 0008 00 01 0161 01 74 01 00"));  // alias 1
  peer.say(stream, "07 0003 01 20 05");                                 // REQUEST_OK with SUBSCRIBER_PRIORITY 5
  EXPECT_EQ(peer.only<RequestAccepted>().request, *published);
  EXPECT_EQ(peer.session.published(*published)->subscriber_priority, 5);
  ASSERT_TRUE(peer.session.publish_done(*published, PublishDoneCode::kTrackEnded).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("0b 0003 02 00 00"));
  EXPECT_TRUE(peer.requests[stream].fin);
}

TEST(RequestStreams, ASubscriberStopsWhatWasPublished) {
  auto peer = RequestPeer::established(Perspective::kClient);
  const auto published = peer.session.publish(track());
  peer.drain();
  const auto stream = peer.opened.front();
  peer.say(stream, "07 0001 00");
  peer.stop(stream);
  EXPECT_EQ(peer.only<Unsubscribed>().subscription, *published);
  EXPECT_EQ(peer.requests[stream].stopped, 0x1u) << "nothing more is read of it either";
}

TEST(RequestStreams, AFetchHasItsAnswerAndItsObjectsApart) {
  auto peer = RequestPeer::established(Perspective::kClient);
  const auto fetch = peer.session.fetch(track(), {0, 0}, {0, 2});
  peer.drain();
  const auto stream = peer.opened.front();
  EXPECT_EQ(peer.take(stream), hex("16 000c 00 01 01 0161 01 74 00 00 00 02 00"));
  peer.stream(7, "05 00 | 1c 00 00 80 01 78", true);  // group and object present, priority 128, one byte
  peer.say(stream, "18 0004 00 00 02 00", true);
  EXPECT_EQ(peer.only<FetchAccepted>().end, (Location{0, 2}));
  EXPECT_EQ(peer.only<FetchObjectReceived>().location, (Location{0, 0}));
  EXPECT_TRUE(peer.only<FetchEnded>().finished);
  EXPECT_EQ(peer.only<FetchEnded>().fetch, *fetch);
  EXPECT_TRUE(peer.requests[stream].fin);
}

TEST(RequestStreams, JoiningNamesTheRequestOfTheSubscription) {
  auto peer = RequestPeer::established(Perspective::kClient);
  const auto subscription = peer.session.subscribe(track());
  ASSERT_TRUE(peer.session.join(*subscription, JoiningStart::relative(1)).ok()) << "whatever its filter is";
  peer.drain();
  ASSERT_EQ(peer.opened.size(), 2u);
  EXPECT_EQ(peer.take(peer.opened[1]), hex("16 0005 02 02 00 01 00"));
}

// Requests wait for the streams that the peer admits, and are counted against the limit of what may wait.
TEST(RequestStreams, RequestsWaitForTheStreamsThatThePeerAdmits) {
  SessionConfig config;
  config.limits.max_waiting_requests = 2;
  auto peer = RequestPeer::established(Perspective::kClient, config);
  peer.session.on_request_streams_admitted(1);
  const auto first = peer.session.subscribe(track("1"));
  const auto second = peer.session.subscribe(track("2"));
  ASSERT_TRUE(peer.session.subscribe(track("3")).ok());
  EXPECT_EQ(peer.session.subscribe(track("4")).error(), SessionError::kTooManyRequests);
  peer.drain();
  EXPECT_EQ(peer.opened.size(), 1u);
  EXPECT_FALSE(peer.session.waits_for_credit(*first));
  EXPECT_TRUE(peer.session.waits_for_credit(*second));
  ASSERT_TRUE(peer.session.cancel(*second).ok());
  peer.session.on_request_streams_admitted(1);
  peer.drain();
  ASSERT_EQ(peer.opened.size(), 2u);
  EXPECT_EQ(peer.take(peer.opened[1]), hex("03 0007 02 01 0161 01 33 00"));
  EXPECT_EQ(peer.all<RequestsPossible>().size(), 1u);
}

// ---- requests of the peer ----

TEST(RequestStreams, TheAnswersToTheUpdatesOfAStreamKeepTheirOrder) {
  auto peer = RequestPeer::established(Perspective::kServer);
  const auto stream = peer.open("03 0007 00 01 0161 01 74 00");
  peer.say(stream, "02 0004 02 01 20 01 | 02 0004 04 01 20 02");
  const auto updates = peer.all<UpdateReceived>();
  ASSERT_EQ(updates.size(), 2u);
  ASSERT_TRUE(peer.session.accept(updates[1].update).ok());
  peer.drain();
  EXPECT_TRUE(peer.take(stream).empty()) << "an answer says nothing of which request it is to";
  ASSERT_TRUE(peer.session.accept(peer.only<SubscribeReceived>().request).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("04 0002 01 00"));
  MessageParameters parameters;
  parameters.set_largest_object({3, 4});
  ASSERT_TRUE(peer.session.accept(updates[0].update, parameters).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("07 0004 01 09 03 04 | 07 0001 00"));
}

TEST(RequestStreams, AnUpdateThatFailsEndsItsSubscription) {
  auto peer = RequestPeer::established(Perspective::kServer);
  const auto stream = peer.open("03 0007 00 01 0161 01 74 00");
  ASSERT_TRUE(peer.session.accept(peer.only<SubscribeReceived>().request).ok());
  peer.say(stream, "02 0004 02 01 20 01");
  ASSERT_TRUE(peer.session.reject(peer.only<UpdateReceived>().update, RequestErrorCode::kNotSupported, "no").ok());
  peer.drain();
  // REQUEST_ERROR NOT_SUPPORTED, then PUBLISH_DONE UPDATE_FAILED and FIN (section 10.9.1).
  EXPECT_EQ(peer.take(stream), hex("04 0002 01 00 | 05 0005 03 00 02 6e6f | 0b 0005 08 00 02 6e6f"));
  EXPECT_TRUE(peer.requests[stream].fin);
}

TEST(RequestStreams, ASubscriberThatCancelsIsUnsubscribed) {
  auto peer = RequestPeer::established(Perspective::kServer);
  const auto stream = peer.open("03 0007 00 01 0161 01 74 00");
  ASSERT_TRUE(peer.session.accept(peer.only<SubscribeReceived>().request).ok());
  peer.cancel(stream);
  EXPECT_EQ(peer.all<Unsubscribed>().size(), 1u);
  EXPECT_EQ(peer.session.open_requests(), 0u);
  EXPECT_FALSE(peer.closed);
}

// A FIN only says that no update will follow.
TEST(RequestStreams, ASubscriberMayFinishItsDirection) {
  auto peer = RequestPeer::established(Perspective::kServer);
  const auto stream = peer.open("03 0007 00 01 0161 01 74 00", true);
  ASSERT_TRUE(peer.session.accept(peer.only<SubscribeReceived>().request).ok());
  peer.drain();
  EXPECT_TRUE(peer.all<Unsubscribed>().empty());
  EXPECT_FALSE(peer.requests[stream].fin);
  peer.stop(stream);
  EXPECT_EQ(peer.all<Unsubscribed>().size(), 1u);
}

// Section 5.1: a second subscription to a track, with the same role, is refused.
TEST(RequestStreams, ASecondSubscriptionToATrackIsRefused) {
  auto peer = RequestPeer::established(Perspective::kServer);
  (void)peer.open("03 0007 00 01 0161 01 74 00");
  const auto second = peer.open("03 0007 02 01 0161 01 74 00");
  EXPECT_EQ(peer.all<SubscribeReceived>().size(), 1u);
  EXPECT_EQ(peer.requests[second].bytes.at(3), 0x19);  // DUPLICATE_SUBSCRIPTION
  EXPECT_TRUE(peer.requests[second].fin);
  (void)peer.open("1d 0008 04 01 0161 01 74 05 00");
  const auto again = peer.open("1d 0008 06 01 0161 01 74 06 00");
  EXPECT_EQ(peer.all<PublishReceived>().size(), 1u) << "the other role";
  EXPECT_EQ(peer.requests[again].bytes.at(3), 0x19);
  EXPECT_FALSE(peer.closed);
}

// Section 5.1: our SUBSCRIBE without an answer ends before the peer's PUBLISH is accepted.
TEST(RequestStreams, APublishTakesThePlaceOfASubscribeWithoutAnswer) {
  auto peer = RequestPeer::established(Perspective::kClient);
  const auto subscription = peer.session.subscribe(track());
  peer.drain();
  const auto offered = peer.open("1d 0008 01 01 0161 01 74 05 00");
  ASSERT_TRUE(peer.session.accept(peer.only<PublishReceived>().request).ok());
  peer.drain();
  EXPECT_EQ(peer.only<RequestRejected>().request, *subscription);
  EXPECT_EQ(peer.requests[peer.opened.front()].stopped, 0x1u);
  EXPECT_EQ(peer.take(offered), hex("07 0001 00"));
}

// Section 10.12.2: joining needs Forward State 1 and nothing of the filter.
TEST(RequestStreams, AJoiningFetchOfASubscriptionThatForwardsNothingIsRefused) {
  auto peer = RequestPeer::established(Perspective::kServer);
  (void)peer.open("03 0009 00 01 0161 01 74 01 10 00");  // FORWARD 0
  MessageParameters parameters;
  parameters.set_largest_object({5, 7});
  ASSERT_TRUE(peer.session.accept(peer.only<SubscribeReceived>().request, parameters).ok());
  const auto refused = peer.open("16 0005 02 02 00 01 00");
  EXPECT_EQ(peer.requests[refused].bytes.at(3), 0x11);  // INVALID_RANGE
  EXPECT_FALSE(peer.closed);

  (void)peer.open("03 0007 04 01 0161 01 75 00");
  ASSERT_TRUE(peer.session.accept(peer.all<SubscribeReceived>().back().request, parameters).ok());
  (void)peer.open("16 0005 06 02 04 01 00");
  EXPECT_EQ(peer.only<FetchReceived>().range.start, (Location{4, 0}));
  EXPECT_EQ(peer.only<FetchReceived>().range.end, (Location{5, 8}));
}

TEST(RequestStreams, PriorityOfAFetchIsUpdated) {
  auto peer = RequestPeer::established(Perspective::kServer);
  const auto stream = peer.open("16 000c 00 01 01 0161 01 74 00 00 00 02 00");
  ASSERT_TRUE(peer.session.accept_fetch(peer.only<FetchReceived>().request, {false, {0, 2}}).ok());
  peer.say(stream, "02 0004 02 01 20 07");
  EXPECT_EQ(peer.take(stream), hex("18 0004 00 00 02 00 | 07 0001 00"));
  peer.cancel(stream);
  EXPECT_EQ(peer.only<FetchCancelled>().cause, FetchCancelled::Cause::kFetchCancel);
}

TEST(RequestStreams, ATokenIsShownWithEachRequestAndNeverByAlias) {
  auto peer = RequestPeer::established(Perspective::kClient);
  const AuthorizationToken token{TokenAliasType::kUseValue, 0, 0, {0x78}};
  for (const char* name : {"1", "2", "3"}) {
    MessageParameters parameters;
    parameters.add_authorization_token(token);
    (void)peer.session.subscribe(track(name), parameters);
  }
  peer.drain();
  // AUTHORIZATION_TOKEN 3, length 3: USE_VALUE, type 0, "x".
  EXPECT_EQ(peer.take(peer.opened[2]), hex("03 000c 04 01 0161 01 33 01 03 03 03 00 78"));
}

}  // namespace
}  // namespace msquic_py::moqt::session
