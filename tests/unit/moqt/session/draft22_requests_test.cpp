// What draft-22 says otherwise than draft-18 about requests on streams of their own. Bytes are written from the text of
// draft-22, sections 3 and 9.
#include <gtest/gtest.h>

#include "harness/request_peer.h"

namespace msquic_py::moqt::session {
namespace {

using testing::hex;
using testing::RequestPeer;

RequestPeer peer_of(Perspective session_is) { return RequestPeer::established(session_is, {}, Draft::k22); }
FullTrackName track(std::string_view name = "t") { return {TrackNamespace{"a"}, name}; }

// ---- several subscriptions to one track, section 3.1 ----

TEST(Draft22Subscriptions, TwoToOneTrack) {
  auto peer = peer_of(Perspective::kServer);
  const auto first = peer.open("03 0007 00 01 0161 01 74 00");
  const auto second = peer.open("03 0007 02 01 0161 01 74 00");
  const auto asked = peer.all<SubscribeReceived>();
  ASSERT_EQ(asked.size(), 2u);
  for (const auto& each : asked) ASSERT_TRUE(peer.session.accept(each.request).ok());
  peer.drain();
  EXPECT_EQ(peer.take(first), hex("04 0002 01 00"));
  EXPECT_EQ(peer.take(second), hex("04 0002 02 00")) << "each has an alias of its own";
}

TEST(Draft22Subscriptions, TwoOfOurs) {
  auto peer = peer_of(Perspective::kClient);
  const auto first = peer.session.subscribe(track());
  const auto second = peer.session.subscribe(track());
  ASSERT_TRUE(second.ok());
  peer.drain();
  peer.say(peer.opened[0], "04 0002 05 00");
  peer.say(peer.opened[1], "04 0002 06 00");
  peer.stream(7, "10 06 00 80 | 00 01 78", true);  // alias 6, group 0, priority 128, one object
  EXPECT_EQ(peer.only<ObjectReceived>().subscription, *second);
  ASSERT_TRUE(peer.session.cancel(*first).ok());
  peer.stream(11, "10 06 01 80 | 00 01 78", true);
  EXPECT_EQ(peer.all<ObjectReceived>().size(), 2u);
}

// Section 3.3.1: a filter is valid wherever it lies.
TEST(Draft22Subscriptions, ToWhatIsPastAreAccepted) {
  auto peer = peer_of(Perspective::kServer);
  const auto stream = peer.open("03 000c 00 01 0161 01 74 01 21 03 01 00 01");  // {1, 0} to the end of group 2
  MessageParameters parameters;
  parameters.set_largest_object({9, 0});
  ASSERT_TRUE(peer.session.accept(peer.only<SubscribeReceived>().request, parameters).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("04 0005 01 01 09 09 00"));
}

// Section 9.20.9, type 4: the end is an object, not a group.
TEST(Draft22Subscriptions, EndWithinAGroup) {
  auto peer = peer_of(Perspective::kServer);
  (void)peer.open("03 000d 00 01 0161 01 74 01 21 04 01 00 01 03");  // {1, 0} to {2, 3}
  const auto subscription = peer.only<SubscribeReceived>().request;
  ASSERT_TRUE(peer.session.accept(subscription).ok());
  const PublishedSubscription& view = *peer.session.published(subscription);
  EXPECT_FALSE(view.wants({0, 9}));
  EXPECT_TRUE(view.wants({1, 100}));
  EXPECT_TRUE(view.wants({2, 3}));
  EXPECT_FALSE(view.wants({2, 4}));
}

// Section 9.10.
TEST(Draft22Subscriptions, ThePublisherTellsOfChanges) {
  auto peer = peer_of(Perspective::kClient);
  (void)peer.session.subscribe(track());
  peer.drain();
  peer.say(peer.opened[0], "04 0002 05 00 | 22 0004 01 09 05 07");
  EXPECT_FALSE(peer.closed);
  auto early = peer_of(Perspective::kClient);
  (void)early.session.subscribe(track());
  early.drain();
  early.say(early.opened[0], "22 0004 01 09 05 07");
  EXPECT_EQ(early.close_code(), SessionErrorCode::kProtocolViolation);
  auto other = peer_of(Perspective::kServer);
  other.open("03 0007 00 01 0161 01 74 00 | 22 0001 00");
  EXPECT_EQ(other.close_code(), SessionErrorCode::kProtocolViolation) << "a subscriber tells nothing";
}

// Section 3.3.2: without MAX_FILTER_RANGES they are refused, and nothing else happens.
TEST(Draft22Subscriptions, RangeFiltersAreRefused) {
  SessionConfig config;
  config.limits.max_filter_ranges = 0;
  auto peer = RequestPeer::established(Perspective::kServer, config, Draft::k22);
  const char* const asked[] = {
      "03 000c 00 01 0161 01 74 01 25 03 00 01 00",           // SUBSCRIBE, Subgroup 1 alone
      "16 000c 02 01 0161 01 74 01 26 03 00 01 00",           // FETCH, Object 1 alone
      "03 000f 04 01 0161 01 74 01 23 06 01 27 03 00 01 00",  // in FILL_PARAMETERS
  };
  for (const char* each : asked) {
    const auto stream = peer.open(each);
    const auto answer = peer.take(stream);
    ASSERT_GT(answer.size(), 3u) << each;
    EXPECT_EQ(answer[0], 0x05);
    EXPECT_EQ(answer[3], 0x36);  // INVALID_FILTER
  }
  EXPECT_TRUE(peer.all<SubscribeReceived>().empty());
  EXPECT_FALSE(peer.closed);
}

// ---- PUBLISH, sections 9.8 and 9.20 ----

// PUBLISH_OK says EXPIRES alone; what else is wanted of the subscription follows in REQUEST_UPDATE.
TEST(Draft22Publish, WhatIsWantedIsSaidInAnUpdate) {
  auto peer = peer_of(Perspective::kServer);
  const auto stream = peer.open("1d 000a 00 01 0161 01 74 05 01 10 00");  // alias 5, FORWARD 0
  MessageParameters parameters;
  parameters.set_forward(true);
  parameters.set_subscriber_priority(3);
  parameters.set_expires(1000);
  ASSERT_TRUE(peer.session.accept(peer.only<PublishReceived>().request, parameters).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("07 0004 01 08 83e8 | 02 0006 01 02 10 01 10 03"));
  peer.say(stream, "07 0001 00");
  EXPECT_TRUE(peer.all<RequestAccepted>().empty()) << "of that update the application knows nothing";
  EXPECT_FALSE(peer.closed);
}

TEST(Draft22Publish, NothingIsSaidOfWhatThePublishSaid) {
  auto peer = peer_of(Perspective::kServer);
  const auto stream = peer.open("1d 0008 00 01 0161 01 74 05 00");
  MessageParameters parameters;
  parameters.set_forward(true);
  ASSERT_TRUE(peer.session.accept(peer.only<PublishReceived>().request, parameters).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("07 0001 00"));
}

// What the PUBLISH has said of the track is what the subscriber decides by. The publisher has sent more by the time
// that it reads the update, and would reset the streams of what it counts as past (section 9.20.9).
TEST(Draft22Publish, ARelativeStartCountsFromWhatThePublishSaid) {
  struct Case {
    std::string_view publish;
    SubscriptionFilter filter;
    std::string_view update;
  };
  const Case cases[] = {
      {"1d 000b 00 01 0161 01 74 05 01 09 09 04", SubscriptionFilter::next_group_start(), "02 0006 01 01 21 02 0a 00"},
      {"1d 000b 00 01 0161 01 74 05 01 09 09 04", SubscriptionFilter::largest_object(), "02 0006 01 01 21 02 09 05"},
      {"1d 000b 00 01 0161 01 74 05 01 09 09 04", SubscriptionFilter::relative_group(2), "02 0006 01 01 21 02 08 00"},
      {"1d 0008 00 01 0161 01 74 05 00", SubscriptionFilter::next_group_start(), "02 0006 01 01 21 02 00 00"},
      {"1d 0008 00 01 0161 01 74 05 00", SubscriptionFilter::unfiltered(), "02 0004 01 01 21 00"},
  };
  for (const Case& each : cases) {
    auto peer = peer_of(Perspective::kServer);
    const auto stream = peer.open(each.publish);
    MessageParameters parameters;
    parameters.set_filter(each.filter);
    ASSERT_TRUE(peer.session.accept(peer.only<PublishReceived>().request, parameters).ok());
    peer.drain();
    EXPECT_EQ(peer.take(stream), hex("07 0001 00" + std::string(each.update)));
  }
}

TEST(Draft22Publish, AnAnswerLeavesItAsItIs) {
  auto peer = peer_of(Perspective::kClient);
  MessageParameters parameters;
  parameters.set_forward(false);
  const auto published = peer.session.publish(track(), parameters);
  peer.drain();
  EXPECT_EQ(peer.take(peer.opened[0]), hex("1d 000a 00 01 0161 01 74 01 01 10 00"));
  peer.say(peer.opened[0], "07 0001 00");
  EXPECT_FALSE(peer.session.published(*published)->forward);
  peer.say(peer.opened[0], "02 0004 01 01 10 01");
  ASSERT_TRUE(peer.session.accept(peer.only<UpdateReceived>().update).ok());
  EXPECT_TRUE(peer.session.published(*published)->forward);
}

// ---- joining, sections 3.5 and 9.11 ----

// There is no joining FETCH: when SUBSCRIBE_OK has said where the subscription begins, a FETCH brings what lies before.
TEST(Draft22Joining, IsAFetchOfTheRange) {
  auto peer = peer_of(Perspective::kClient);
  const auto subscription = peer.session.subscribe(track());
  const auto join = peer.session.join(*subscription, JoiningStart::relative(1));
  ASSERT_TRUE(join.ok());
  peer.drain();
  ASSERT_EQ(peer.opened.size(), 1u) << "the range is not known yet";
  peer.say(peer.opened[0], "04 0005 05 01 09 05 07");  // LARGEST_OBJECT {5, 7}
  ASSERT_EQ(peer.opened.size(), 2u);
  EXPECT_EQ(peer.take(peer.opened[1]), hex("16 000d 02 01 0161 01 74 01 21 04 04 00 01 07"));  // {4, 0} to {5, 7}
  peer.say(peer.opened[1], "18 0004 00 05 07 00");                                             // inclusive
  EXPECT_EQ(peer.only<FetchAccepted>().request, *join);
  EXPECT_EQ(peer.only<FetchAccepted>().end, (Location{5, 8}));
}

TEST(Draft22Joining, WithoutAnObjectThereIsNothingToFetch) {
  auto peer = peer_of(Perspective::kClient);
  const auto subscription = peer.session.subscribe(track());
  const auto join = peer.session.join(*subscription, JoiningStart::relative(1));
  peer.drain();
  peer.say(peer.opened[0], "04 0002 05 00");
  EXPECT_EQ(peer.opened.size(), 1u);
  EXPECT_EQ(peer.only<RequestRejected>().request, *join);
  EXPECT_EQ(peer.only<RequestRejected>().code, 0x11u);  // INVALID_RANGE
}

TEST(Draft22Joining, EndsWithASubscriptionThatNeverWas) {
  auto refused = peer_of(Perspective::kClient);
  auto subscription = refused.session.subscribe(track());
  (void)refused.session.join(*subscription, JoiningStart::relative(1));
  refused.drain();
  refused.say(refused.opened[0], "05 0005 10 00 02 6e6f", true);
  EXPECT_EQ(refused.all<RequestRejected>().size(), 2u);
  EXPECT_EQ(refused.session.open_requests(), 0u);
  auto cancelled = peer_of(Perspective::kClient);
  subscription = cancelled.session.subscribe(track());
  (void)cancelled.session.join(*subscription, JoiningStart::relative(1));
  ASSERT_TRUE(cancelled.session.cancel(*subscription).ok());
  cancelled.drain();
  EXPECT_EQ(cancelled.only<RequestRejected>().code, 0x32u);
  EXPECT_EQ(cancelled.session.open_requests(), 0u);
}

// Section 9.20.9: a relative start counts from the largest object, and an open end lies there.
TEST(Draft22Fetch, MayHaveARelativeStart) {
  auto peer = peer_of(Perspective::kServer);
  (void)peer.open("03 0007 02 01 0161 01 74 00");
  MessageParameters parameters;
  parameters.set_largest_object({5, 7});
  ASSERT_TRUE(peer.session.accept(peer.only<SubscribeReceived>().request, parameters).ok());
  (void)peer.open("16 000a 04 01 0161 01 74 01 21 01 02");
  EXPECT_EQ(peer.only<FetchReceived>().range, (FetchRange{{4, 0}, {5, 8}}));
  (void)peer.open("16 0007 06 01 0161 01 74 00");  // without a filter: everything
  EXPECT_EQ(peer.all<FetchReceived>().back().range.start, (Location{0, 0}));
  EXPECT_GT(peer.all<FetchReceived>().back().range.end, (Location{1u << 20, 0}));
}

// Where the session does not know the largest object, the application does.
TEST(Draft22Fetch, TheApplicationResolvesARelativeStart) {
  auto peer = peer_of(Perspective::kServer);
  const auto stream = peer.open("16 000a 00 01 0161 01 74 01 21 01 02");  // from one group before the present one on
  const auto asked = peer.only<FetchReceived>();
  EXPECT_EQ(asked.groups_back, 2u);
  EXPECT_EQ(peer.session.accept_fetch(asked.request, {false, {9, 0}}).error(), SessionError::kWrongState);
  const auto range = peer.session.resolve_fetch(asked.request, {5, 7});
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(*range, (FetchRange{{4, 0}, {5, 8}}));
  EXPECT_EQ(peer.session.resolve_fetch(asked.request, {5, 7}).error(), SessionError::kWrongState);
  ASSERT_TRUE(peer.session.accept_fetch(asked.request, {false, {5, 8}}).ok());
  const auto data = *peer.session.open_fetch(asked.request);
  FetchObject object;
  object.location = {3, 0};
  EXPECT_EQ(peer.session.append_fetch_object(data, object).error(), SessionError::kOutOfRange);
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("18 0004 00 05 07 00"));             // FETCH_OK: the end is inclusive
  const auto next = peer.open("16 000a 02 01 0161 01 74 01 21 01 00");  // from the next group on: nothing
  EXPECT_EQ(peer.session.resolve_fetch(peer.all<FetchReceived>().back().request, {5, 7}).error(),
            SessionError::kEmptyRange);
  peer.drain();
  EXPECT_EQ(peer.requests[next].bytes.at(3), 0x11);  // INVALID_RANGE
}

// ---- fills, section 3.4 ----

// Filter Next Object, and a fill from the current group on: 21 05, then 23 with one parameter, 21 01 01.
constexpr std::string_view kJoiningSubscribe = "03 000f 00 01 0161 01 74 02 21 05 02 04 01 21 01 01";

class Draft22Fill : public ::testing::Test {
 protected:
  void subscribe(std::optional<Location> largest, std::string_view bytes = kJoiningSubscribe) {
    stream_ = peer_.open(bytes);
    subscription_ = peer_.only<SubscribeReceived>().request;
    MessageParameters parameters;
    if (largest) parameters.set_largest_object(*largest);
    ASSERT_TRUE(peer_.session.accept(subscription_, parameters).ok());
    peer_.drain();
    (void)peer_.take(stream_);
  }

  RequestPeer peer_ = peer_of(Perspective::kServer);
  RequestStreamId stream_;
  RequestHandle subscription_;
};

TEST_F(Draft22Fill, IsAFetchWithoutMessages) {
  subscribe(Location{5, 1});
  const auto fill = peer_.only<FetchReceived>();
  EXPECT_EQ(fill.track, track());
  EXPECT_EQ(fill.range, (FetchRange{{5, 0}, {5, 2}}));
  EXPECT_EQ(fill.joined, subscription_);
  ASSERT_TRUE(peer_.session.accept_fetch(fill.request, {false, {5, 2}}).ok());
  const auto stream = peer_.session.open_fetch(fill.request);
  ASSERT_TRUE(stream.ok());
  FetchObject object;
  object.location = {5, 1};
  object.payload = base::SharedBytes::copy_of(hex("78"));
  object.payload_length = 1;
  ASSERT_TRUE(peer_.session.append_fetch_object(*stream, object).ok());
  ASSERT_TRUE(peer_.session.finish_stream(*stream).ok());
  peer_.drain();
  EXPECT_EQ(base::ByteVector(peer_.sent_stream.begin(), peer_.sent_stream.begin() + 2), hex("05 00"))
      << "FETCH_HEADER with the Request ID of SUBSCRIBE";
  EXPECT_TRUE(peer_.fin_sent);
  EXPECT_TRUE(peer_.take(stream_).empty()) << "nothing answers it";
  ASSERT_TRUE(peer_.session.publish_done(subscription_, PublishDoneCode::kTrackEnded).ok());
  peer_.drain();
  EXPECT_EQ(peer_.take(stream_), hex("0b 0003 02 01 00")) << "its stream counts";
}

TEST_F(Draft22Fill, OfNothingHasNoStream) {
  subscribe(std::nullopt);
  EXPECT_TRUE(peer_.all<FetchReceived>().empty());
}

// Section 3.4.1: a subscription that is paused has no fill, also not when it goes on.
TEST_F(Draft22Fill, OfAPausedSubscriptionThereIsNone) {
  subscribe(Location{5, 1}, "03 0011 00 01 0161 01 74 03 10 00 11 05 02 04 01 21 01 01");
  EXPECT_TRUE(peer_.all<FetchReceived>().empty());
  peer_.say(stream_, "02 0004 02 01 10 01");
  ASSERT_TRUE(peer_.session.accept(peer_.only<UpdateReceived>().update).ok());
  EXPECT_TRUE(peer_.all<FetchReceived>().empty());
}

TEST_F(Draft22Fill, ThatFailsIsResetBehindItsHeader) {
  subscribe(Location{5, 1});
  ASSERT_TRUE(peer_.session.reject(peer_.only<FetchReceived>().request, RequestErrorCode::kDoesNotExist).ok());
  peer_.drain();
  EXPECT_EQ(peer_.sent_stream, hex("05 00"));
  ASSERT_EQ(peer_.resets.size(), 1u);
  EXPECT_FALSE(peer_.requests[stream_].fin);
  EXPECT_TRUE(peer_.session.published(subscription_) != nullptr) << "the subscription goes on";
}

// A relay opens the stream when it begins, and hears later that nobody has the objects.
TEST_F(Draft22Fill, ThatFailsWithAnOpenStreamIsResetBehindItsHeader) {
  subscribe(Location{5, 1});
  const auto fill = peer_.only<FetchReceived>().request;
  ASSERT_TRUE(peer_.session.open_fetch(fill).ok());
  peer_.drain();
  EXPECT_TRUE(peer_.sent_stream.empty()) << "nothing to say yet";
  ASSERT_TRUE(peer_.session.reject(fill, RequestErrorCode::kDoesNotExist).ok());
  peer_.drain();
  EXPECT_EQ(peer_.sent_stream, hex("05 00"));
  ASSERT_EQ(peer_.resets.size(), 1u);
  EXPECT_TRUE(peer_.session.published(subscription_) != nullptr) << "the subscription goes on";
}

TEST_F(Draft22Fill, EndsWithItsSubscription) {
  subscribe(Location{5, 1});
  const auto fill = peer_.only<FetchReceived>().request;
  ASSERT_TRUE(peer_.session.open_fetch(fill).ok());
  peer_.cancel(stream_);
  EXPECT_EQ(peer_.only<FetchCancelled>().request, fill);
  EXPECT_EQ(peer_.session.open_requests(), 0u);
}

TEST_F(Draft22Fill, IsAskedForByAnUpdate) {
  subscribe(Location{5, 1}, "03 0007 00 01 0161 01 74 00");
  EXPECT_TRUE(peer_.all<FetchReceived>().empty());
  peer_.say(stream_, "02 0005 02 01 23 01 00");  // no parameters inside: all that there is
  ASSERT_TRUE(peer_.session.accept(peer_.only<UpdateReceived>().update).ok());
  peer_.drain();
  const auto fill = peer_.only<FetchReceived>();
  EXPECT_EQ(fill.range, (FetchRange{{0, 0}, {5, 2}}));
  const auto stream = peer_.session.open_fetch(fill.request);
  ASSERT_TRUE(peer_.session.finish_stream(*stream).ok());
  peer_.drain();
  EXPECT_EQ(peer_.sent_stream, hex("05 02")) << "FETCH_HEADER with the Request ID of the update";
}

// ---- MAX_REQUEST_UPDATES, section 9.1.7 ----

TEST(Draft22Updates, WaitWhileThePeerTakesNoMore) {
  RequestPeer peer(Perspective::kClient, {}, Draft::k22);
  peer.control("af00 0002 08 01");
  const auto subscription = peer.session.subscribe(track());
  peer.drain();
  const auto stream = peer.opened[0];
  peer.say(stream, "04 0002 05 00");
  (void)peer.take(stream);
  for (const std::uint8_t priority : {std::uint8_t{1}, std::uint8_t{2}}) {
    MessageParameters parameters;
    parameters.set_subscriber_priority(priority);
    ASSERT_TRUE(peer.session.update(*subscription, parameters).ok());
  }
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("02 0004 02 01 20 01"));
  peer.say(stream, "07 0001 00");
  EXPECT_EQ(peer.take(stream), hex("02 0004 04 01 20 02"));
}

}  // namespace
}  // namespace msquic_py::moqt::session
