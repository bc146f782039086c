// SUBGROUP_DELIVERY_TIMEOUT, and what drafts from 18 on say of OBJECT_DELIVERY_TIMEOUT otherwise (draft-18 section 8,
// draft-22 section 5.2). Bytes are written from these texts.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "harness/request_peer.h"
#include "harness/session_pair.h"

namespace msquic_py::moqt::session {
namespace {

using namespace std::chrono_literals;
using testing::hex;
using testing::RequestPeer;
using testing::SessionPair;

constexpr std::uint64_t kDeliveryTimeout = 0x2;  // DELIVERY_TIMEOUT as a stream's reset

/// A stream of the session whose object stays unacknowledged.
class SubgroupTimeout : public ::testing::TestWithParam<Draft> {
 protected:
  SubgroupTimeout() : pair(1, {}, {}, true, GetParam()) {}
  void SetUp() override { pair.establish(); }
  void subscribe(std::optional<std::uint64_t> subscriber, std::optional<std::uint64_t> publisher = {}) {
    MessageParameters wish, answer;
    if (subscriber) wish.set_subgroup_delivery_timeout(*subscriber);
    if (publisher) answer.set_track_subgroup_delivery_timeout(*publisher);
    receiving = *pair.client.session.subscribe(FullTrackName(TrackNamespace{"a"}, "t"), std::move(wish));
    pair.run();
    subscription = pair.server.only<SubscribeReceived>().request;
    ASSERT_TRUE(pair.server.session.accept(subscription, std::move(answer)).ok());
    pair.run();
    pair.clear_events();
  }
  StreamHandle write(std::uint64_t group, SubgroupProperties properties = {}) {
    properties.group = group;
    const auto stream = pair.server.session.open_subgroup(subscription, properties);
    EXPECT_TRUE(stream.ok());
    const auto object = base::SharedBytes::copy_of(base::ByteVector{0, 1, 'x'});  // delta, length, payload
    EXPECT_TRUE(pair.server.session.append_object(*stream, 0, object, 1).ok());
    pair.run();
    return *stream;
  }
  void finish(StreamHandle stream) {
    ASSERT_TRUE(pair.server.session.finish_stream(stream).ok());
    pair.run();
  }
  [[nodiscard]] std::size_t resets() const { return pair.server.done<ResetStream>().size(); }

  SessionPair pair;
  RequestHandle receiving;
  RequestHandle subscription;
};

TEST_P(SubgroupTimeout, ResetsWhatIsNotAcknowledgedInTime) {
  subscribe(500);
  pair.server.acknowledge = false;
  const auto stream = write(0);
  pair.advance(1h);
  EXPECT_EQ(resets(), 0u) << "more of the subgroup may be published";
  finish(stream);
  pair.advance(499ms);
  EXPECT_EQ(resets(), 0u);
  pair.advance(1ms);
  ASSERT_EQ(resets(), 1u);
  EXPECT_EQ(pair.server.done<ResetStream>()[0].code, kDeliveryTimeout);
  EXPECT_EQ(pair.server.session.published(subscription)->outstanding_bytes, 0u);
  EXPECT_EQ(pair.server.count<OutgoingStreamStopped>(), 0u) << "the application is done with it";
}

TEST_P(SubgroupTimeout, LeavesAloneWhatHasBeenAcknowledged) {
  subscribe(500);
  finish(write(0));
  pair.advance(1h);
  EXPECT_EQ(resets(), 0u);
}

TEST_P(SubgroupTimeout, CountsFromThePublicationOfTheLastObject) {
  subscribe(500);
  const auto stream = write(0);
  pair.server.session.set_send_window(0);
  ASSERT_TRUE(pair.server.session.note_published(stream, pair.now - 200ms).ok());
  pair.run();
  pair.advance(299ms);
  EXPECT_EQ(resets(), 0u);
  pair.advance(1ms);
  EXPECT_EQ(resets(), 1u);
  const auto event = pair.server.only<OutgoingStreamStopped>();
  EXPECT_EQ(event.cause, OutgoingStreamStopped::Cause::kSubgroupTimeout);
  EXPECT_FALSE(event.resumable());
}

TEST_P(SubgroupTimeout, TheShorterOneOfBothSidesCounts) {
  pair.server.acknowledge = false;
  for (const auto& [subscriber, publisher, effective] :
       {std::tuple<std::optional<std::uint64_t>, std::optional<std::uint64_t>, std::uint64_t>{400, 900, 400},
        {900, 400, 400},
        {{}, 300, 300},
        {0, 300, 300},
        {300, 0, 300}}) {
    SCOPED_TRACE(effective);
    const std::size_t before = resets();
    subscribe(subscriber, publisher);
    finish(write(0));
    pair.advance(std::chrono::milliseconds(effective - 1));
    EXPECT_EQ(resets(), before);
    pair.advance(1ms);
    EXPECT_EQ(resets(), before + 1);
    ASSERT_TRUE(pair.client.session.cancel(receiving).ok());
    pair.run();
    pair.clear_events();
  }
}

TEST_P(SubgroupTimeout, AnUpdateChangesItAndTakesItBack) {
  subscribe(60'000);
  pair.server.acknowledge = false;
  finish(write(0));
  pair.advance(2s);
  const auto update = [&](std::uint64_t timeout) {
    MessageParameters parameters;
    parameters.set_subgroup_delivery_timeout(timeout);
    ASSERT_TRUE(pair.client.session.update(receiving, parameters).ok());
    pair.run();
    ASSERT_TRUE(pair.server.session.accept(pair.server.all<UpdateReceived>().back().update).ok());
    pair.run();
  };
  update(0);
  pair.advance(1h);
  EXPECT_EQ(resets(), 0u);
  update(1000);
  pair.advance(0ms);
  EXPECT_EQ(resets(), 1u);
}

TEST_P(SubgroupTimeout, OutlivesItsSubscription) {
  subscribe(500);
  pair.server.acknowledge = false;
  finish(write(0));
  ASSERT_TRUE(pair.server.session.publish_done(subscription, PublishDoneCode::kTrackEnded).ok());
  pair.run();
  EXPECT_EQ(pair.server.session.published(subscription), nullptr) << "PUBLISH_DONE has gone out";
  pair.advance(500ms);
  EXPECT_EQ(resets(), 1u);
}

TEST_P(SubgroupTimeout, OfADatagramIsThatOfAnObject) {
  subscribe(500);
  pair.server.session.set_send_window(0);
  // Group, Object, Priority, payload: what follows the alias of a datagram of type 0x00.
  const auto after = base::SharedBytes::copy_of(base::ByteVector{0, 1, 128, 'x'});
  ASSERT_TRUE(
      pair.server.session.send_datagram(subscription, DatagramProperties{0x00, {0, 1}, std::uint8_t{128}}, after).ok());
  pair.run();
  pair.advance(499ms);
  EXPECT_EQ(pair.server.session.published(subscription)->datagrams_dropped, 0u);
  pair.advance(1ms);
  EXPECT_EQ(pair.server.session.published(subscription)->datagrams_dropped, 1u);
}

// What an object is reset for is the end of its subgroup: no new stream is opened for the rest.
TEST_P(SubgroupTimeout, AnObjectThatIsLateEndsItsSubgroup) {
  MessageParameters wish;
  wish.set_delivery_timeout(500);
  (void)pair.client.session.subscribe(FullTrackName(TrackNamespace{"a"}, "t"), std::move(wish));
  pair.run();
  subscription = pair.server.only<SubscribeReceived>().request;
  ASSERT_TRUE(pair.server.session.accept(subscription).ok());
  pair.server.session.set_send_window(0);
  write(0);
  pair.advance(500ms);
  EXPECT_EQ(pair.server.only<OutgoingStreamStopped>().cause, OutgoingStreamStopped::Cause::kSubgroupTimeout);
}

// The subscriber keeps what PUBLISH_DONE has ended for at least the larger one of the timeouts (draft-22 section 9.9).
TEST_P(SubgroupTimeout, TheSubscriberWaitsAsLong) {
  subscribe(120'000);
  pair.server.hold_data = true;
  finish(write(0));
  ASSERT_TRUE(pair.server.session.publish_done(subscription, PublishDoneCode::kTrackEnded).ok());
  pair.run();
  pair.advance(119s);
  EXPECT_EQ(pair.client.count<SubscriptionDone>(), 0u);
  pair.advance(1s);
  EXPECT_EQ(pair.client.count<SubscriptionDone>(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Drafts, SubgroupTimeout, ::testing::Values(Draft::k18, Draft::k22),
                         [](const auto& tested) { return "draft" + std::to_string(static_cast<int>(tested.param)); });

// ---- on the wire ----

TEST(SubgroupTimeoutBytes, AreAParameterAndAPropertyOfTheTrack) {
  for (const Draft draft : {Draft::k18, Draft::k22}) {
    auto server = RequestPeer::established(Perspective::kServer, {}, draft);
    // SUBSCRIBE, parameter 0x06: 500 is 81f4.
    const auto stream = server.open("03 000a 00 01 0161 01 74 01 06 81f4");
    const auto asked = server.only<SubscribeReceived>();
    EXPECT_EQ(asked.parameters.subgroup_delivery_timeout(), 500u);
    MessageParameters answer;
    answer.set_track_subgroup_delivery_timeout(300);  // 812c
    answer.set_track_delivery_timeout(40);
    ASSERT_TRUE(server.session.accept(asked.request, std::move(answer)).ok());
    server.drain();
    // SUBSCRIBE_OK: alias 1, no parameter; Track Properties 0x02 and, 4 more, 0x06.
    EXPECT_EQ(server.take(stream), hex("04 0007 01 00 02 28 04 812c"));
    const PublishedSubscription& view = *server.session.published(asked.request);
    EXPECT_EQ(view.timeouts.subgroup.in_effect(), 300u);
    EXPECT_EQ(view.timeouts.object.in_effect(), 40u);
  }
}

// As parameters of a PUBLISH they are what the subscription begins with, which is the subscriber's to change (draft-22
// section 9.8).
TEST(SubgroupTimeoutBytes, OfAPublishAreOfTheSubscription) {
  auto peer = RequestPeer::established(Perspective::kClient, {}, Draft::k22);
  MessageParameters parameters;
  parameters.set_subgroup_delivery_timeout(7);
  parameters.set_delivery_timeout(9);
  parameters.set_track_subgroup_delivery_timeout(50);
  const auto publish = *peer.session.publish({TrackNamespace{"a"}, "t"}, parameters);
  peer.drain();
  // Request 0, alias 1, OBJECT_DELIVERY_TIMEOUT 9, SUBGROUP_DELIVERY_TIMEOUT 7; property 0x06: 50.
  EXPECT_EQ(peer.take(peer.opened[0]), hex("1d 000e 00 01 0161 01 74 01 02 02 09 04 07 06 32"));
  const PublishedSubscription& view = *peer.session.published(publish);
  EXPECT_EQ(view.timeouts.subgroup.in_effect(), 7u);
  EXPECT_EQ(view.timeouts.object.in_effect(), 9u);
  // PUBLISH_OK, then REQUEST_UPDATE 1: SUBGROUP_DELIVERY_TIMEOUT 0, there is none of the subscriber any more.
  peer.say(peer.opened[0], "07 0001 00 | 02 0004 01 01 06 00");
  ASSERT_TRUE(peer.session.accept(peer.only<UpdateReceived>().update).ok());
  EXPECT_EQ(view.timeouts.subgroup.in_effect(), 50u);
}

TEST(SubgroupTimeoutBytes, BelongToLaterDraftsAlone) {
  SessionPair pair;  // of draft-15
  pair.establish();
  MessageParameters wish;
  wish.set_subgroup_delivery_timeout(1);
  (void)pair.client.session.subscribe(FullTrackName(TrackNamespace{"a"}, "t"), std::move(wish));
  pair.run();
  const auto subscription = pair.server.only<SubscribeReceived>().request;
  ASSERT_TRUE(pair.server.session.accept(subscription).ok());
  EXPECT_EQ(pair.server.session.published(subscription)->timeouts.subgroup.in_effect(), 0u);
}

TEST(SubgroupTimeoutBytes, ThoseOfTheFirstObjectTakeThePlaceOfThePublishers) {
  auto peer = RequestPeer::established(Perspective::kServer, {}, Draft::k22);
  (void)peer.open("03 000a 00 01 0161 01 74 01 06 81f4");  // the subscriber's: 500
  const auto subscription = peer.only<SubscribeReceived>().request;
  MessageParameters answer;
  answer.set_track_subgroup_delivery_timeout(100);
  ASSERT_TRUE(peer.session.accept(subscription, std::move(answer)).ok());
  const auto timeouts = peer.session.published(subscription)->timeouts.subgroup;
  EXPECT_EQ(timeouts.in_effect(), 100u);
  EXPECT_EQ(timeouts.in_effect(400), 400u);
  EXPECT_EQ(timeouts.in_effect(700), 500u);
  EXPECT_EQ(timeouts.in_effect(0), 500u) << "the first object says that there is none";
}

}  // namespace
}  // namespace msquic_py::moqt::session
