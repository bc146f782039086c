// GOAWAY about single requests at the relay (draft-22 section 9.2), and tracks that it cannot offer for want of streams
// (section 3.6.3).
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using moqt::Draft;
using Lines = std::vector<std::string>;

class MovingTracksTest : public ::testing::TestWithParam<Draft> {
 protected:
  RelayNetwork network;
  RelayClient& source = network.connect_as(GetParam());
  RelayClient& viewer = network.connect_as(GetParam());
  TestPublisher publisher{network, source};
};

TEST_P(MovingTracksTest, WhoeverSubscribedOrOffersIsTold) {
  RelayClient& old = network.connect_as(Draft::k16);
  publisher.subscription = *source.session().publish(track_name());
  network.run();
  ASSERT_TRUE(viewer.session().subscribe(track_name()).ok());
  ASSERT_TRUE(old.session().subscribe(track_name()).ok());
  const auto elsewhere = viewer.session().subscribe(track_name("other"));
  network.run();
  EXPECT_EQ(network.relay.move_track(track_name(), "moqt://b"), 2u) << "a draft-16 session has no words for it";
  network.run();
  const auto told = viewer.only<ms::GoawayReceived>();
  EXPECT_EQ(told.new_session_uri, "moqt://b");
  EXPECT_NE(told.request, *elsewhere);
  EXPECT_EQ(source.only<ms::GoawayReceived>().request, publisher.subscription);
  EXPECT_EQ(old.count<ms::GoawayReceived>(), 0u);
  publisher.group(0, {"a"});
  EXPECT_EQ(objects(viewer), (Lines{"0/0 a"})) << "until it has moved, nothing changes";
}

TEST_P(MovingTracksTest, APublisherIsAskedAgain) {
  publisher.announce();
  ASSERT_TRUE(viewer.session().subscribe(track_name()).ok());
  network.run();
  publisher.accept();
  publisher.group(0, {"a"});
  const auto before = publisher.subscription;
  ASSERT_TRUE(source.session().goaway(before).ok());
  network.run();
  ASSERT_EQ(source.count<ms::SubscribeReceived>(), 2u);
  EXPECT_EQ(source.only<ms::Unsubscribed>().subscription, before);
  moqt::MessageParameters said;
  said.set_largest_object({0, 0});
  publisher.accept(std::move(said));
  publisher.group(1, {"b"});
  EXPECT_EQ(objects(viewer), (Lines{"0/0 a", "1/0 b"}));
  EXPECT_EQ(viewer.count<ms::SubscriptionDone>(), 0u);
}

TEST_P(MovingTracksTest, TracksThatCannotBeOfferedAreSkipped) {
  viewer.pair.server.session.on_request_streams_admitted(1);
  ASSERT_TRUE(
      viewer.session().subscribe_namespace(moqt::TrackNamespace{"live"}, {}, {}, ms::NamespaceInterest::kPublish).ok());
  network.run();
  ASSERT_TRUE(source.session().publish(track_name("one")).ok());
  network.run();
  ASSERT_TRUE(source.session().publish(track_name("two")).ok());
  network.run();
  EXPECT_EQ(viewer.only<ms::PublishReceived>().track, track_name("one"));
  EXPECT_EQ(viewer.only<ms::PublishSkipped>().track, track_name("two"));
  EXPECT_EQ(network.relay.counters().publishes_skipped, 1u);
  // A stream comes free; the track that was skipped is not offered after all. It can be subscribed to.
  viewer.pair.server.session.on_request_streams_admitted(1);
  network.run();
  EXPECT_EQ(viewer.count<ms::PublishReceived>(), 1u);
  ASSERT_TRUE(viewer.session().subscribe(track_name("two")).ok());
  network.run();
  EXPECT_EQ(viewer.count<ms::RequestAccepted>(), 2u) << "SUBSCRIBE_TRACKS, and SUBSCRIBE";
}

// ---- a listener that moves to another prefix (draft-22 section 9.5.2) ----

TEST_P(MovingTracksTest, ListenersMove) {
  publisher.announce({"live", "demo"});
  publisher.announce({"past", "demo"});
  ASSERT_TRUE(source.session().publish(track_name("one")).ok());
  ASSERT_TRUE(source.session().publish({moqt::TrackNamespace{"past"}, "two"}).ok());
  network.run();
  const auto listening = *viewer.session().subscribe_namespace(moqt::TrackNamespace{"live"});
  network.run();
  EXPECT_EQ(viewer.only<ms::NamespaceFound>().track_namespace, (moqt::TrackNamespace{"live", "demo"}));
  EXPECT_EQ(viewer.only<ms::PublishReceived>().track, track_name("one"));
  moqt::MessageParameters parameters;
  parameters.set_track_namespace_prefix(moqt::TrackNamespace{"past"});
  ASSERT_TRUE(viewer.session().update(listening, parameters).ok());
  network.run();
  EXPECT_EQ(viewer.only<ms::NamespaceLost>().track_namespace, (moqt::TrackNamespace{"live", "demo"}));
  EXPECT_EQ(viewer.all<ms::NamespaceFound>().back().track_namespace, (moqt::TrackNamespace{"past", "demo"}));
  ASSERT_EQ(viewer.count<ms::PublishReceived>(), 2u);
  EXPECT_EQ(viewer.all<ms::PublishReceived>().back().track.track_name, track_name("two").track_name);
  // What is under the old prefix is not heard of any more, what is under the new one is; and is taken back.
  publisher.announce({"live", "other"});
  const auto announced = publisher.announce({"past", "other"});
  EXPECT_EQ(viewer.count<ms::NamespaceFound>(), 3u);
  ASSERT_TRUE(source.session().cancel(announced).ok());
  network.run();
  EXPECT_EQ(viewer.all<ms::NamespaceLost>().back().track_namespace, (moqt::TrackNamespace{"past", "other"}));
}

INSTANTIATE_TEST_SUITE_P(Drafts, MovingTracksTest, ::testing::Values(Draft::k18, Draft::k22),
                         [](const auto& tested) { return "draft" + std::to_string(static_cast<int>(tested.param)); });

}  // namespace
}  // namespace msquic_py::relay
