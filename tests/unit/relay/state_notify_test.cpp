// What a relay makes of PUBLISH_STATE_NOTIFY (draft-22 sections 7.2 and 9.10).
#include <gtest/gtest.h>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;

class StateNotifyTest : public ::testing::Test {
 protected:
  static RelayNetwork& of_draft_22(RelayNetwork& network) {
    network.draft = moqt::Draft::k22;
    return network;
  }
  void subscribe(RelayClient& client, bool forward = true) {
    moqt::MessageParameters parameters;
    if (!forward) parameters.set_forward(false);
    ASSERT_TRUE(client.session().subscribe(track_name(), std::move(parameters)).ok());
    network_.run();
  }
  void tell(const moqt::MessageParameters& changes) {
    ASSERT_TRUE(publisher_client_.session().notify_state(publisher_.subscription, changes).ok());
    network_.run();
  }
  static moqt::MessageParameters forward(bool value) {
    moqt::MessageParameters parameters;
    parameters.set_forward(value);
    return parameters;
  }

  RelayNetwork network_;
  RelayClient& publisher_client_ = of_draft_22(network_).connect();
  TestPublisher publisher_{network_, publisher_client_};
  RelayClient& viewer_ = network_.connect();
};

TEST_F(StateNotifyTest, WhereTheTrackStandsIsPassedOn) {
  RelayClient& older = network_.connect_as(moqt::Draft::k18);
  publisher_.announce();
  subscribe(viewer_);
  publisher_.accept();
  subscribe(older);
  moqt::MessageParameters further;
  further.set_largest_object({8, 3});
  tell(further);
  const auto changed = viewer_.only<ms::SubscriptionChanged>();
  EXPECT_EQ(changed.parameters.largest_object(), (moqt::Location{8, 3}));
  EXPECT_EQ(changed.parameters.size(), 1u) << "of its own subscription nothing else has changed";
  EXPECT_EQ(older.count<ms::SubscriptionChanged>(), 0u);
  further.set_largest_object({8, 3});
  tell(further);
  EXPECT_EQ(viewer_.count<ms::SubscriptionChanged>(), 1u) << "that is known";
  // Who comes now is told of it at once.
  RelayClient& late = network_.connect();
  subscribe(late);
  EXPECT_EQ(late.only<ms::RequestAccepted>().parameters.largest_object(), (moqt::Location{8, 3}));
}

TEST_F(StateNotifyTest, WhatSomebodyWantsIsNotPaused) {
  publisher_.announce();
  subscribe(viewer_);
  publisher_.accept();
  tell(forward(false));
  const auto update = publisher_client_.only<ms::UpdateReceived>();
  EXPECT_EQ(update.parameters.forward(), true);
  ASSERT_TRUE(publisher_client_.session().accept(update.update).ok());
  network_.run();
  publisher_.group(0, {"a"});
  EXPECT_EQ(objects(viewer_), (std::vector<std::string>{"0/0 a"}));
}

TEST_F(StateNotifyTest, APauseLastsUntilSomebodyWantsTheTrack) {
  publisher_.announce();
  subscribe(viewer_, /*forward=*/false);
  publisher_.accept();
  tell(forward(false));
  EXPECT_EQ(publisher_client_.count<ms::UpdateReceived>(), 0u);
  ASSERT_TRUE(viewer_.session().update(viewer_.all<ms::RequestAccepted>().front().request, forward(true)).ok());
  network_.run();
  const auto update = publisher_client_.only<ms::UpdateReceived>();
  EXPECT_EQ(update.parameters.forward(), true);
  EXPECT_EQ(viewer_.count<ms::RequestAccepted>(), 1u) << "the publisher has not said yet where the track stands";
  ASSERT_TRUE(publisher_client_.session().accept(update.update).ok());
  network_.run();
  EXPECT_EQ(viewer_.count<ms::RequestAccepted>(), 2u);
  publisher_.group(0, {"a"});
  EXPECT_EQ(objects(viewer_), (std::vector<std::string>{"0/0 a"}));
}

// Of an offer that the publisher had paused, and that nobody wants.
TEST_F(StateNotifyTest, WhatGoesOnByItselfIsPausedUntilSomebodyWantsIt) {
  const auto offered = publisher_client_.session().publish(track_name(), forward(false));
  ASSERT_TRUE(offered.ok());
  network_.run();
  publisher_.subscription = *offered;
  tell(forward(true));
  const auto paused = publisher_client_.only<ms::UpdateReceived>();
  EXPECT_EQ(paused.parameters.forward(), false);
  ASSERT_TRUE(publisher_client_.session().accept(paused.update).ok());
  subscribe(viewer_);
  const auto woken = publisher_client_.all<ms::UpdateReceived>();
  ASSERT_EQ(woken.size(), 2u);
  EXPECT_EQ(woken.back().parameters.forward(), true);
  ASSERT_TRUE(publisher_client_.session().accept(woken.back().update).ok());
  network_.run();
  publisher_.group(0, {"a"});
  EXPECT_EQ(objects(viewer_), (std::vector<std::string>{"0/0 a"}));
}

// ---- several subscriptions under one Track Alias, section 3.1 ----

/// A publisher that is nothing but bytes, written from draft-22: namespace (live, demo), track video.
class RawPublisher final : public Outlet {
 public:
  explicit RawPublisher(RelayNetwork& network) : network_(network), number_(network.relay.attach(session_, *this)) {
    session_.start(network_.now);
    uni(2, "af00 0000");
  }
  ~RawPublisher() override { network_.relay.detach(number_, network_.now); }
  void make_ready() override {}

  void uni(ms::IncomingStreamId stream, std::string_view text, bool fin = false) {
    session_.on_uni_stream_data(network_.now, stream, base::SharedBytes::copy_of(hex(text)), fin);
    run();
  }
  void say(ms::RequestStreamId stream, std::string_view text) {
    session_.on_request_data(network_.now, stream, hex(text), false);
    run();
  }
  void run() {
    ms::Action action;
    bool any = true;
    while (any) {
      any = network_.relay.on_events(number_, network_.now);
      while (session_.poll_action(network_.now, action)) {
        any = true;
        if (const auto* open = std::get_if<ms::OpenRequestStream>(&action)) opened.push_back(open->stream);
        EXPECT_FALSE(std::holds_alternative<ms::CloseSession>(action));
      }
      network_.run();
    }
  }
  std::vector<ms::RequestStreamId> opened;  ///< by the relay

 private:
  static ms::SessionConfig config() {
    ms::SessionConfig config;
    config.perspective = moqt::Perspective::kServer;
    return config;
  }
  RelayNetwork& network_;
  ms::Session session_{moqt::Draft::k22, config()};
  Relay::PeerNumber number_;
};

// The relay has subscribed, and then the publisher offers the track as well, under the same alias: each object comes
// once for each of the two.
TEST(SharedAliasTest, WhatComesForTwoSubscriptionsOfTheRelayIsOneTrack) {
  RelayNetwork network;
  network.draft = moqt::Draft::k22;
  RelayClient& viewer = network.connect();
  RawPublisher publisher(network);
  publisher.say({0}, "06 000d 00 02 046c697665 0464656d6f 00");  // PUBLISH_NAMESPACE
  ASSERT_TRUE(viewer.session().subscribe(track_name()).ok());
  network.run();
  publisher.run();
  ASSERT_EQ(publisher.opened.size(), 1u);
  publisher.say(publisher.opened[0], "04 0002 05 00");                           // SUBSCRIBE_OK, alias 5
  publisher.say({4}, "1d 0014 02 02 046c697665 0464656d6f 05766964656f 05 00");  // PUBLISH, alias 5
  publisher.uni(6, "10 05 00 80 | 00 02 6162 | 00 03 63");                       // group 0: "ab", "c.."
  publisher.uni(10, "10 05 00 80 | 00 02 6162 | 00 03 636465", /*fin=*/true);    // the same
  publisher.uni(6, "6465", /*fin=*/true);
  publisher.uni(14, "10 05 01 80 | 00 01 66");
  publisher.say(publisher.opened[0], "0b 0003 02 00 00");  // PUBLISH_DONE: the first subscription ends
  network.advance(std::chrono::seconds(3));
  publisher.uni(14, "00 01 67", /*fin=*/true);
  std::vector<std::string> received = objects(viewer);
  std::sort(received.begin(), received.end());
  EXPECT_EQ(received, (std::vector<std::string>{"0/0 ab", "0/1 cde", "1/0 f", "1/1 g"}));
  EXPECT_EQ(viewer.count<ms::SubscriptionDone>(), 0u) << "the other one goes on";
  EXPECT_EQ(network.relay.counters().duplicates_dropped, 2u);
}

}  // namespace
}  // namespace msquic_py::relay
