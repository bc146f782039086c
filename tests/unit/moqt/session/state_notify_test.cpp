// PUBLISH_STATE_NOTIFY of draft-22 (section 9.10): what a publisher tells of a subscription that has changed without an
// update of its subscriber. Bytes are written from the text.
#include <gtest/gtest.h>

#include "harness/request_peer.h"

namespace msquic_py::moqt::session {
namespace {

using testing::hex;
using testing::RequestPeer;

class StateNotify : public ::testing::Test {
 protected:
  /// A SUBSCRIBE of the peer, accepted.
  RequestHandle subscribed(std::optional<Location> largest = std::nullopt) {
    stream_ = peer.open("03 0007 00 01 0161 01 74 00");
    const RequestHandle request = peer.only<SubscribeReceived>().request;
    MessageParameters parameters;
    if (largest) parameters.set_largest_object(*largest);
    EXPECT_TRUE(peer.session.accept(request, parameters).ok());
    peer.drain();
    (void)peer.take(stream_);
    return request;
  }
  base::ByteVector said() {
    peer.drain();
    return peer.take(stream_);
  }

  RequestPeer peer = RequestPeer::established(Perspective::kServer, {}, Draft::k22);
  RequestStreamId stream_;
};

// Type 0x22, length, parameters in ascending order: LARGEST_OBJECT 0x09, FORWARD 0x10, LOCATION_FILTER 0x21.
TEST_F(StateNotify, SaysWhatChangedAndWhereTheTrackStands) {
  const auto request = subscribed(Location{4, 2});
  MessageParameters changes;
  changes.set_forward(false);
  ASSERT_TRUE(peer.session.notify_state(request, changes).ok());
  EXPECT_EQ(said(), hex("22 0006 02 09 04 02 07 00"));
  EXPECT_FALSE(peer.session.published(request)->forward);

  MessageParameters filter;
  filter.set_filter(SubscriptionFilter::absolute_start({7, 1}));
  filter.set_forward(true);
  filter.set_largest_object({6, 0});
  ASSERT_TRUE(peer.session.notify_state(request, filter).ok());
  EXPECT_EQ(said(), hex("22 000a 03 09 06 00 07 01 11 02 07 01"));
  EXPECT_TRUE(peer.session.published(request)->forward);
  EXPECT_EQ(peer.session.published(request)->start, (Location{7, 1}));
  EXPECT_EQ(peer.session.published(request)->largest, (Location{6, 0}));
}

TEST_F(StateNotify, OfATrackWithoutObjects) {
  const auto request = subscribed();
  ASSERT_TRUE(peer.session.notify_state(request).ok());
  EXPECT_EQ(said(), hex("22 0001 00"));
}

// What goes out follows what was said: a relative filter counts from the object that is told.
TEST_F(StateNotify, ARelativeFilterCountsFromTheLargestObject) {
  const auto request = subscribed(Location{4, 2});
  MessageParameters filter;
  filter.set_filter(SubscriptionFilter::next_group_start());
  ASSERT_TRUE(peer.session.notify_state(request, filter).ok());
  EXPECT_EQ(said(), hex("22 0007 02 09 04 02 18 01 00"));  // type 0x01, StartGroup 0
  EXPECT_EQ(peer.session.published(request)->start, (Location{5, 0}));
}

TEST_F(StateNotify, APauseResetsWhatIsOpen) {
  const auto request = subscribed();
  const auto stream = peer.session.open_subgroup(request, {});
  ASSERT_TRUE(stream.ok());
  MessageParameters changes;
  changes.set_forward(false);
  ASSERT_TRUE(peer.session.notify_state(request, changes).ok());
  peer.drain();
  EXPECT_EQ(peer.only<OutgoingStreamStopped>().cause, OutgoingStreamStopped::Cause::kUpdate);
}

TEST_F(StateNotify, IsForSubscriptionsThatArePublishedTo) {
  const auto request = subscribed();
  MessageParameters wrong;
  wrong.set_subscriber_priority(3);
  EXPECT_EQ(peer.session.notify_state(request, wrong).error(), SessionError::kInvalidParameter);
  MessageParameters reversed;
  reversed.set_filter(SubscriptionFilter::absolute_range({5, 0}, 4));
  EXPECT_EQ(peer.session.notify_state(request, reversed).error(), SessionError::kInvalidParameter);
  const auto received = peer.session.subscribe({TrackNamespace{"a"}, "u"});
  EXPECT_EQ(peer.session.notify_state(*received).error(), SessionError::kWrongRole);
  const auto offered = peer.session.publish({TrackNamespace{"a"}, "v"});
  EXPECT_EQ(peer.session.notify_state(*offered).error(), SessionError::kWrongState) << "not answered yet";
  ASSERT_TRUE(peer.session.publish_done(request, PublishDoneCode::kTrackEnded).ok());
  EXPECT_EQ(peer.session.notify_state(request).error(), SessionError::kUnknownRequest);
}

TEST_F(StateNotify, EarlierDraftsHaveNone) {
  auto old = RequestPeer::established(Perspective::kServer, {}, Draft::k18);
  old.open("03 0007 00 01 0161 01 74 00");
  const auto request = old.only<SubscribeReceived>().request;
  ASSERT_TRUE(old.session.accept(request).ok());
  EXPECT_EQ(old.session.notify_state(request).error(), SessionError::kNotInDraft);
}

TEST_F(StateNotify, IsToldToTheSubscriber) {
  auto subscriber = RequestPeer::established(Perspective::kClient, {}, Draft::k22);
  const auto request = subscriber.session.subscribe({TrackNamespace{"a"}, "t"});
  subscriber.drain();
  subscriber.say(subscriber.opened[0], "04 0002 05 00 | 22 000a 03 09 06 00 07 00 11 02 07 01");
  const auto changed = subscriber.only<SubscriptionChanged>();
  EXPECT_EQ(changed.subscription, *request);
  EXPECT_EQ(changed.parameters.largest_object(), (Location{6, 0}));
  EXPECT_EQ(changed.parameters.forward(), false);
  EXPECT_EQ(changed.parameters.filter(), SubscriptionFilter::absolute_start({7, 1}));
  EXPECT_TRUE(subscriber.take(subscriber.opened[0]).size() > 0) << "SUBSCRIBE alone: it is not answered";
}

// Section 9.5.1: a publisher that takes updates together answers with one REQUEST_ERROR when they fail.
TEST(CoalescedUpdates, OneRefusalIsForAllOfThem) {
  for (const Draft draft : {Draft::k18, Draft::k22}) {
    auto peer = RequestPeer::established(Perspective::kClient, {}, draft);
    const auto subscription = peer.session.subscribe({TrackNamespace{"a"}, "t"});
    peer.drain();
    peer.say(peer.opened[0], "04 0002 05 00");
    const auto first = peer.session.update(*subscription, {});
    const auto second = peer.session.update(*subscription, {});
    ASSERT_TRUE(first.ok() && second.ok());
    peer.drain();
    peer.say(peer.opened[0], "05 0003 00 00 00 | 0b 0003 08 00 00", true);  // UPDATE_FAILED, no streams
    std::vector<RequestHandle> rejected;
    for (const auto& each : peer.all<RequestRejected>()) rejected.push_back(each.request);
    EXPECT_EQ(rejected, (std::vector{*first, *second}));
    EXPECT_EQ(peer.only<SubscriptionDone>().subscription, *subscription);
    EXPECT_FALSE(peer.closed);
  }
}

// Each that is granted is answered for itself, also where the application answers the later one first.
TEST(CoalescedUpdates, EachSuccessHasItsAnswer) {
  auto peer = RequestPeer::established(Perspective::kServer, {}, Draft::k22);
  const auto stream = peer.open("03 0007 00 01 0161 01 74 00");
  const auto subscription = peer.only<SubscribeReceived>().request;
  ASSERT_TRUE(peer.session.accept(subscription).ok());
  peer.drain();
  (void)peer.take(stream);
  peer.say(stream, "02 0004 02 01 20 05 | 02 0006 04 02 10 00 10 07");  // priority 5; FORWARD 0, priority 7
  const auto updates = peer.all<UpdateReceived>();
  ASSERT_EQ(updates.size(), 2u);
  MessageParameters at;
  at.set_largest_object({1, 0});
  ASSERT_TRUE(peer.session.accept(updates[1].update, at).ok());
  ASSERT_TRUE(peer.session.accept(updates[0].update).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("07 0001 00 | 07 0004 01 09 01 00"));
}

}  // namespace
}  // namespace msquic_py::moqt::session
