#include <gtest/gtest.h>

#include <algorithm>

#include "harness/raw_peer.h"
#include "moqt/session/data/object_encoding.h"

// What SUBSCRIBE_UPDATE, PUBLISH, PUBLISH_OK and TRACK_STATUS mean for a subscription: sections 5.1, 9.2.1, 9.11
// to 9.19.
namespace msquic_py::testing {
namespace {

using moqt::FullTrackName;
using moqt::Location;
using moqt::MessageParameters;
using moqt::Perspective;
using moqt::SessionErrorCode;
using moqt::TrackNamespace;
using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test

const FullTrackName kSubscribedTrack{TrackNamespace{"a"}, "t"};

/// A server whose client has sent this SUBSCRIBE as request 0.
struct Subscribed {
  RawPeer peer = RawPeer::established(Perspective::kServer);
  RequestHandle subscription;

  explicit Subscribed(std::string_view subscribe = "03 0007 00 01 0161 01 74 00", MessageParameters answer = {}) {
    peer.control(subscribe);
    subscription = peer.all<SubscribeReceived>().at(0).request;
    EXPECT_TRUE(peer.session.accept(subscription, std::move(answer)).ok());
    peer.drain();
    peer.sent_control.clear();
  }
  /// The client sends this SUBSCRIBE_UPDATE, and the application grants it.
  void update(std::string_view bytes) {
    peer.events.clear();
    peer.control(bytes);
    ASSERT_EQ(peer.all<UpdateReceived>().size(), 1u) << bytes;
    ASSERT_TRUE(peer.session.accept(peer.all<UpdateReceived>()[0].update).ok());
    peer.drain();
  }
  const PublishedSubscription& view() const { return *peer.session.published(subscription); }
};

// [d15 §9.11-8]
TEST(Updates, ForwardPriorityAndFilterApplyAndAbsentOnesStay) {
  Subscribed subscribed("03 000b 00 01 0161 01 74 02 10 00 20 07");
  EXPECT_FALSE(subscribed.view().forward);
  EXPECT_EQ(subscribed.view().subscriber_priority, 7);
  subscribed.update("02 0005 02 00 01 20 05");
  EXPECT_FALSE(subscribed.view().forward);
  EXPECT_EQ(subscribed.view().subscriber_priority, 5);
  EXPECT_EQ(subscribed.peer.sent_control, hex("07 0002 02 00"));
  subscribed.update("02 0005 04 00 01 10 01");
  EXPECT_TRUE(subscribed.view().forward);
  EXPECT_EQ(subscribed.view().subscriber_priority, 5);
}

// [d15 §9.2.1-1]
TEST(Updates, GroupOrderIsNotDefinedForThemAndIgnored) {
  Subscribed subscribed;
  subscribed.update("02 0005 02 00 01 22 02");
  EXPECT_EQ(subscribed.view().group_order, moqt::GroupOrder::kAscending);
}

TEST(Updates, EndGroupMayShrinkAndGrow) {
  Subscribed subscribed("03 000d 00 01 0161 01 74 01 21 04 04 00 00 09");
  EXPECT_EQ(subscribed.view().last_group, 9u);
  subscribed.update("02 0009 02 00 01 21 04 04 00 00 04");
  EXPECT_EQ(subscribed.view().last_group, 4u);
  subscribed.update("02 0009 04 00 01 21 04 04 00 00 14");
  EXPECT_EQ(subscribed.view().last_group, 20u);
  EXPECT_TRUE(subscribed.view().wants({20, 1000})) << "all of the end group";
  EXPECT_FALSE(subscribed.view().wants({21, 0}));
}

// [d15 §9.11-2]
TEST(Updates, StartMayNotDecreaseAgainstOneThatWaitsForItsAnswer) {
  Subscribed subscribed("03 000c 00 01 0161 01 74 01 21 03 03 0a 00");
  subscribed.peer.control("02 0008 02 00 01 21 03 03 14 00");  // {20, 0}
  EXPECT_FALSE(subscribed.peer.closed);
  subscribed.peer.control("02 0008 04 00 01 21 03 03 0f 00");  // {15, 0}
  EXPECT_EQ(subscribed.peer.close_code(), SessionErrorCode::kProtocolViolation);
}

// [d15 §9.11-4]
TEST(Updates, ReversedRangeEndsTheSubscriptionNotTheSession) {
  Subscribed subscribed;
  RawPeer& peer = subscribed.peer;
  peer.control("02 0009 02 00 01 21 04 04 0a 00 09");
  EXPECT_FALSE(peer.closed);
  ASSERT_GE(peer.sent_control.size(), 5u);
  EXPECT_EQ(peer.sent_control[0], 0x05);
  EXPECT_EQ(peer.sent_control[4], 0x11) << "INVALID_RANGE";
  const std::size_t done = 3 + peer.sent_control[2];
  ASSERT_GE(peer.sent_control.size(), done + 5);
  EXPECT_EQ(peer.sent_control[done], 0x0b) << "PUBLISH_DONE";
  EXPECT_EQ(peer.sent_control[done + 4], 0x08) << "UPDATE_FAILED";
  ASSERT_EQ(peer.all<Unsubscribed>().size(), 1u) << "the application hears of it";
  EXPECT_EQ(peer.session.published(subscribed.subscription), nullptr);
  EXPECT_EQ(peer.session.open_requests(), 0u);
}

// [d15 §5.1-1, §9.11-3]
TEST(Updates, ThatWaitAreAnsweredWhenTheSubscriptionIsRefused) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("03 0007 00 01 0161 01 74 00 | 02 0005 02 00 01 20 05");
  ASSERT_TRUE(
      peer.session.reject(peer.all<SubscribeReceived>().at(0).request, moqt::RequestErrorCode::kDoesNotExist).ok());
  peer.drain();
  ASSERT_GE(peer.sent_control.size(), 11u);
  EXPECT_EQ(peer.sent_control[3], 0x00);
  EXPECT_EQ(peer.sent_control[6], 0x05);
  EXPECT_EQ(peer.sent_control[9], 0x02) << "the update";
  EXPECT_EQ(peer.session.open_requests(), 0u);
}

TEST(Updates, OfAPublishNameItsRequest) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto publication = peer.session.publish(kSubscribedTrack);
  peer.control("1e 0002 01 00 | 02 0005 00 01 01 20 05");
  ASSERT_EQ(peer.all<UpdateReceived>().size(), 1u);
  EXPECT_EQ(peer.all<UpdateReceived>()[0].subscription, *publication);
  ASSERT_TRUE(peer.session.accept(peer.all<UpdateReceived>()[0].update).ok());
  EXPECT_EQ(peer.session.published(*publication)->subscriber_priority, 5);

  auto own = RawPeer::established(Perspective::kServer);
  own.control("1d 0008 00 01 0161 01 74 07 00 | 02 0003 02 00 00");
  EXPECT_EQ(own.close_code(), SessionErrorCode::kProtocolViolation) << "a publisher updates nothing";
}

// [d15 §9.2.1.2-2]
TEST(DeliveryTimeout, IsTheLesserOfBothAndTheLatestOfEach) {
  MessageParameters answer;
  answer.set_delivery_timeout(300);
  Subscribed subscribed("03 000a 00 01 0161 01 74 01 02 4064", answer);
  EXPECT_EQ(subscribed.view().timeouts.object.in_effect(), 100u);
  subscribed.update("02 0006 02 00 01 02 40c8");
  EXPECT_EQ(subscribed.view().timeouts.object.in_effect(), 200u);
  subscribed.update("02 0006 04 00 01 02 41f4");
  EXPECT_EQ(subscribed.view().timeouts.object.in_effect(), 300u);
}

// [d15 §9.2.1.10-2]
TEST(Publish, ForwardLeftOutOfPublishOkIsOne) {
  MessageParameters paused;
  paused.set_forward(false);
  auto peer = RawPeer::established(Perspective::kServer);
  const auto publication = peer.session.publish(kSubscribedTrack, paused);
  EXPECT_FALSE(peer.session.published(*publication)->forward);
  peer.control("1e 0002 01 00");
  EXPECT_TRUE(peer.session.published(*publication)->forward);

  auto still = RawPeer::established(Perspective::kServer);
  const auto kept = still.session.publish(kSubscribedTrack, paused);
  still.control("1e 0004 01 01 10 00");
  EXPECT_FALSE(still.session.published(*kept)->forward);
}

// [d15 §5.1.2-3]
TEST(Publish, ARelativeFilterOfPublishOkCountsFromWhatPublishTold) {
  // Group 4 is sent while PUBLISH_OK is on its way: the subscriber, which was told of {3, 1}, asked for it.
  for (const std::string_view filter : {"21 01 01", "21 01 02"}) {  // Next Group Start, Largest Object
    MessageParameters told;
    told.set_largest_object({3, 1});
    auto peer = RawPeer::established(Perspective::kServer);
    const auto publication = peer.session.publish(kSubscribedTrack, told);
    const auto stream = peer.session.open_subgroup(*publication, {.group = 4, .publisher_priority = {}});
    base::SlabArena arena;
    const auto encoded = encode_object(moqt::Draft::k15, arena, 0, std::nullopt, 0);
    ASSERT_TRUE(peer.session.append_object(*stream, 0, encoded->wire, encoded->delta_size).ok());
    peer.session.note_largest_object(*publication, {4, 0});
    peer.drain();
    peer.control("1e 0005 01 01 " + std::string(filter));
    EXPECT_FALSE(peer.closed);
    EXPECT_TRUE(peer.resets.empty());
    EXPECT_TRUE(peer.session.published(*publication)->wants({4, 0}));
    EXPECT_FALSE(peer.session.published(*publication)->wants({3, 1}));
    // An update counts from what there is by now.
    peer.control("02 0006 00 01 01 21 01 01");
    ASSERT_EQ(peer.all<UpdateReceived>().size(), 1u);
    ASSERT_TRUE(peer.session.accept(peer.all<UpdateReceived>()[0].update).ok());
    peer.drain();
    EXPECT_EQ(peer.resets.size(), 1u);
    EXPECT_EQ(peer.session.published(*publication)->start, (Location{5, 0}));
  }
}

// [d15 §5.1.1-1]
TEST(Publish, UnsubscribeResetsItsStreams) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto publication = peer.session.publish(kSubscribedTrack);
  const auto stream = peer.session.open_subgroup(*publication, {});
  base::SlabArena arena;
  const auto encoded = encode_object(moqt::Draft::k15, arena, 0, std::nullopt, 0);
  ASSERT_TRUE(peer.session.append_object(*stream, 0, encoded->wire, encoded->delta_size).ok());
  peer.drain();
  peer.control("1e 0002 01 00 | 0a 0001 01");
  ASSERT_EQ(peer.resets.size(), 1u);
  EXPECT_EQ(peer.resets[0].code, 0x1u) << "CANCELLED";
  EXPECT_EQ(peer.all<Unsubscribed>().size(), 1u);
  peer.control("0a 0001 01");
  EXPECT_FALSE(peer.closed);
}

// [d15 §5.1.1-2, §9.15-2]
TEST(Publish, DoneWaitsForTheAnswerAndForTheStreams) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto publication = peer.session.publish(kSubscribedTrack);
  const auto stream = peer.session.open_subgroup(*publication, {});
  base::SlabArena arena;
  const auto encoded = encode_object(moqt::Draft::k15, arena, 0, std::nullopt, 0);
  ASSERT_TRUE(peer.session.append_object(*stream, 0, encoded->wire, encoded->delta_size).ok());
  ASSERT_TRUE(peer.session.publish_done(*publication, moqt::PublishDoneCode::kTrackEnded).ok());
  peer.drain();
  peer.sent_control.clear();
  peer.control("1e 0002 01 00");
  EXPECT_TRUE(peer.sent_control.empty()) << "a stream is still open";
  ASSERT_TRUE(peer.session.finish_stream(*stream).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("0b 0004 01 02 01 00"));
}

// [d15 §5.1.1-3, §9.13-3]
TEST(Publish, RefusedOneHasItsStreamsStopped) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("1d 0008 00 01 0161 01 74 07 00");
  peer.stream(2, "14 07 00 00 80 | 00 01 61");
  EXPECT_EQ(peer.all<ObjectReceived>().size(), 1u) << "objects may come before PUBLISH_OK";
  ASSERT_TRUE(
      peer.session.reject(peer.all<PublishReceived>().at(0).request, moqt::RequestErrorCode::kUninterested).ok());
  peer.drain();
  ASSERT_EQ(peer.stopped.size(), 1u);
  EXPECT_EQ(peer.stopped[0].stream, 2u);
  peer.stream(6, "14 07 01 00 80 | 00 01 61");
  EXPECT_EQ(peer.stopped.size(), 2u) << "and those that come late";
  EXPECT_FALSE(peer.closed);
}

// [d15 §5.1-2]
TEST(Publish, DoneMayCrossTheAnswer) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("1d 0008 00 01 0161 01 74 07 00 | 0b 0004 00 02 00 00");
  EXPECT_FALSE(peer.closed);
  ASSERT_TRUE(peer.session.accept(peer.all<PublishReceived>().at(0).request).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("1e 0002 00 00"));
  EXPECT_EQ(peer.all<SubscriptionDone>().size(), 1u);
  EXPECT_EQ(peer.session.open_requests(), 0u);
}

// [d15 §9.19-1]
TEST(TrackStatus, IsRefusedWhereSubscribeWouldBe) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("0d 000d 00 01 0161 01 74 01 21 04 04 0a 00 09");
  ASSERT_GE(peer.sent_control.size(), 5u);
  EXPECT_EQ(peer.sent_control[4], 0x11) << "INVALID_RANGE";
  EXPECT_TRUE(peer.all<TrackStatusReceived>().empty());

  auto past = RawPeer::established(Perspective::kServer);
  past.control("0d 000d 00 01 0161 01 74 01 21 04 04 00 00 03");
  MessageParameters answer;
  answer.set_largest_object({5, 0});
  EXPECT_EQ(past.session.accept(past.all<TrackStatusReceived>().at(0).request, answer).error(),
            SessionError::kInvalidRange);
  past.drain();
  EXPECT_EQ(past.sent_control[4], 0x11);
  EXPECT_EQ(past.session.open_requests(), 0u);
}

TEST(TokensInAMessage, MustDiffer) {
  const auto after = [](std::string_view bytes) {
    auto peer = RawPeer::established(Perspective::kServer);
    peer.control(bytes);
    return peer.close_code();
  };
  EXPECT_EQ(after("03 0013 00 01 0161 01 74 02 03 04 03 00 6162 03 04 03 00 6162"),
            SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(after("03 0013 00 01 0161 01 74 02 03 04 03 00 6162 03 04 03 00 6163"), std::nullopt) << "another value";
  EXPECT_EQ(after("03 0013 00 01 0161 01 74 02 03 04 03 00 6162 03 04 03 01 6162"), std::nullopt) << "another type";

  RawPeer setup(Perspective::kServer);
  setup.control("20 0012 03 02 4064 03 05 01 01 00 6162 03 05 01 02 00 6162");
  EXPECT_EQ(setup.close_code(), SessionErrorCode::kProtocolViolation) << "aliases of one value";
}

// [d15 §9.10-1, §9.13-1]
TEST(Aliases, OfTracksThatLiveDiffer) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("03 0007 00 01 0161 01 74 00 | 03 0007 02 01 0161 01 75 00");
  const auto subscribes = peer.all<SubscribeReceived>();
  ASSERT_EQ(subscribes.size(), 2u);
  std::vector<std::uint64_t> aliases;
  for (const auto& each : subscribes) {
    ASSERT_TRUE(peer.session.accept(each.request).ok());
    aliases.push_back(peer.session.published(each.request)->track_alias);
  }
  const auto publication = peer.session.publish({moqt::TrackNamespace{"a"}, "v"});
  ASSERT_TRUE(publication.ok());
  aliases.push_back(peer.session.published(*publication)->track_alias);
  std::sort(aliases.begin(), aliases.end());
  EXPECT_EQ(std::adjacent_find(aliases.begin(), aliases.end()), aliases.end());
}

// [d15 §9.11-5]
TEST(Updates, WithARangeThatEndsBeforeItStartsAreNotSent) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto subscription = peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"});
  ASSERT_TRUE(subscription.ok());
  peer.drain();
  peer.control("04 0003 01 05 00");
  peer.sent_control.clear();
  MessageParameters reversed;
  reversed.set_filter(moqt::SubscriptionFilter::absolute_range({5, 0}, 4));
  EXPECT_EQ(peer.session.update(*subscription, reversed).error(), SessionError::kInvalidParameter);
  EXPECT_TRUE(peer.sent_control.empty());
}

// [d15 §9.2.1.12-1]
TEST(NewGroupRequests, GoToWhoSaidDynamicGroupsOnly) {
  MessageParameters wish;
  wish.set_new_group_request(0);
  const auto after = [&](std::string_view subscribe_ok) {
    auto peer = RawPeer::established(Perspective::kServer);
    const auto subscription = peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"});
    EXPECT_TRUE(subscription.ok());
    peer.drain();
    peer.control(subscribe_ok);
    const auto update = peer.session.update(*subscription, wish);
    return update.ok() ? std::nullopt : std::optional(update.error());
  };
  EXPECT_EQ(after("04 0003 01 05 00"), SessionError::kNoDynamicGroups);
  EXPECT_EQ(after("04 0005 01 05 01 30 00"), SessionError::kNoDynamicGroups);
  EXPECT_EQ(after("04 0005 01 05 01 30 01"), std::nullopt);

  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("1d 0008 00 01 0161 01 74 07 00 | 1d 000a 02 01 0161 01 75 08 01 30 01");
  const auto published = peer.all<PublishReceived>();
  ASSERT_EQ(published.size(), 2u);
  EXPECT_EQ(peer.session.accept(published[0].request, wish).error(), SessionError::kNoDynamicGroups);
  EXPECT_TRUE(peer.session.accept(published[0].request).ok()) << "without it";
  EXPECT_TRUE(peer.session.accept(published[1].request, wish).ok());
}

// [d15 §9.11-1]
TEST(Updates, WithAnEarlierStartAreNotSent) {
  auto peer = RawPeer::established(Perspective::kServer);
  MessageParameters parameters;
  parameters.set_filter(moqt::SubscriptionFilter::largest_object());
  const auto subscription = peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"}, parameters);
  ASSERT_TRUE(subscription.ok());
  peer.drain();
  peer.control("04 0007 01 05 01 09 02 07 03");  // LARGEST_OBJECT {7, 3}: it begins at {7, 4}
  const auto update = [&](moqt::SubscriptionFilter filter) {
    MessageParameters changes;
    changes.set_filter(filter);
    const auto begun = peer.session.update(*subscription, changes);
    return begun.ok() ? std::nullopt : std::optional(begun.error());
  };
  EXPECT_EQ(update(moqt::SubscriptionFilter::absolute_start({7, 3})), SessionError::kInvalidParameter);
  EXPECT_EQ(update(moqt::SubscriptionFilter::absolute_start({7, 4})), std::nullopt);
  EXPECT_EQ(update(moqt::SubscriptionFilter::absolute_range({9, 0}, 9)), std::nullopt);
  EXPECT_EQ(update(moqt::SubscriptionFilter::absolute_range({8, 9}, 9)), SessionError::kInvalidParameter);
  EXPECT_EQ(update(moqt::SubscriptionFilter::next_group_start()), std::nullopt) << "the publisher resolves it";
}

}  // namespace
}  // namespace msquic_py::testing
