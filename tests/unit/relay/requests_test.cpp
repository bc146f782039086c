// TRACK_STATUS and NEW_GROUP_REQUEST through the relay.

#include <gtest/gtest.h>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;

class RequestsTest : public ::testing::Test {
 protected:
  RelayNetwork network_;
  RelayClient& publisher_client_ = network_.connect();
  RelayClient& client_ = network_.connect();
  TestPublisher publisher_{network_, publisher_client_};

  void ask_status() {
    ASSERT_TRUE(client_.session().track_status(track_name()).ok());
    network_.run();
  }
};

// [d15 §4-2]
TEST_F(RequestsTest, AsksAPublisherForTheStatusOfATrack) {
  publisher_.announce();
  ask_status();
  EXPECT_EQ(client_.count<ms::RequestAccepted>(), 0u);
  moqt::MessageParameters parameters;
  parameters.set_largest_object({9, 2});
  const auto asked = publisher_client_.only<ms::TrackStatusReceived>();
  ASSERT_TRUE(publisher_client_.session().accept(asked.request, std::move(parameters)).ok());
  network_.run();
  EXPECT_EQ(client_.only<ms::RequestAccepted>().parameters.largest_object(), (moqt::Location{9, 2}));
}

// Draft-22 section 9.13: as a SUBSCRIBE_OK, properties that nobody here knows included.
TEST_F(RequestsTest, TheStatusOfATrackHasAllItsProperties) {
  constexpr std::uint64_t kUnknown = 0x1234;
  RelayClient& publisher = network_.connect_as(moqt::Draft::k22);
  RelayClient& client = network_.connect_as(moqt::Draft::k22);
  ASSERT_TRUE(publisher.session().publish_namespace({"live", "demo"}).ok());
  network_.run();
  moqt::MessageParameters properties;
  properties.set_publisher_priority(3);
  properties.append({kUnknown, std::uint64_t{7}, moqt::ParameterScope::kTrack});
  const auto check = [&](const moqt::MessageParameters& told) {
    EXPECT_EQ(told.publisher_priority(), 3);
    EXPECT_TRUE(told.contains(kUnknown));
  };
  ASSERT_TRUE(client.session().track_status(track_name()).ok());
  network_.run();
  ASSERT_TRUE(publisher.session().accept(publisher.only<ms::TrackStatusReceived>().request, properties).ok());
  network_.run();
  check(client.only<ms::RequestAccepted>().parameters);
  // And of a track that the relay receives.
  ASSERT_TRUE(client.session().subscribe(track_name()).ok());
  network_.run();
  ASSERT_TRUE(publisher.session().accept(publisher.only<ms::SubscribeReceived>().request, properties).ok());
  network_.run();
  ASSERT_TRUE(client.session().track_status(track_name()).ok());
  network_.run();
  const auto answers = client.all<ms::RequestAccepted>();
  ASSERT_EQ(answers.size(), 3u);
  check(answers.back().parameters);
}

TEST_F(RequestsTest, PassesTheRefusalOfATrackStatusOn) {
  publisher_.announce();
  ask_status();
  const auto asked = publisher_client_.only<ms::TrackStatusReceived>();
  ASSERT_TRUE(publisher_client_.session().reject(asked.request, moqt::RequestErrorCode::kDoesNotExist, "none").ok());
  network_.run();
  EXPECT_EQ(client_.only<ms::RequestRejected>().code, 0x10u);
}

TEST_F(RequestsTest, AnswersTheStatusOfATrackItReceives) {
  publisher_.announce();
  ASSERT_TRUE(client_.session().subscribe(track_name()).ok());
  network_.run();
  publisher_.accept();
  publisher_.group(4, {"a", "b"});
  client_.pair.clear_events();
  ask_status();
  EXPECT_EQ(client_.only<ms::RequestAccepted>().parameters.largest_object(), (moqt::Location{4, 1}));
  EXPECT_EQ(publisher_client_.count<ms::TrackStatusReceived>(), 0u);
}

TEST_F(RequestsTest, RefusesTheStatusOfATrackThatNobodyPublishes) {
  ask_status();
  EXPECT_EQ(client_.only<ms::RequestRejected>().code, 0x10u);
}

TEST_F(RequestsTest, RefusesTheStatusWhenThePublisherLeaves) {
  publisher_.announce();
  ask_status();
  network_.lose(publisher_client_);
  EXPECT_EQ(client_.only<ms::RequestRejected>().code, 0x10u);
}

TEST_F(RequestsTest, ForgetsAStatusWhoseAskerLeft) {
  publisher_.announce();
  ask_status();
  network_.lose(client_);
  ASSERT_TRUE(publisher_client_.session().accept(publisher_client_.only<ms::TrackStatusReceived>().request).ok());
  network_.run();
  EXPECT_EQ(publisher_client_.pair.client.closed, std::nullopt);
}

// [d15 §9.2.1.12-4]
TEST_F(RequestsTest, AsksForANewGroupOnceForAllSubscribers) {
  RelayClient& second = network_.connect();
  publisher_.announce();
  const auto first_request = client_.session().subscribe(track_name());
  ASSERT_TRUE(first_request.ok());
  network_.run();
  moqt::MessageParameters parameters;
  parameters.set_dynamic_groups(true);
  publisher_.accept(std::move(parameters));
  publisher_.group(5, {"a"});

  moqt::MessageParameters wants_new_group;
  wants_new_group.set_new_group_request(0);
  ASSERT_TRUE(client_.session().update(*first_request, wants_new_group).ok());
  network_.run();
  EXPECT_EQ(publisher_client_.only<ms::UpdateReceived>().parameters.new_group_request(), 0u);
  ASSERT_TRUE(publisher_client_.session().accept(publisher_client_.only<ms::UpdateReceived>().update).ok());

  ASSERT_TRUE(second.session().subscribe(track_name(), wants_new_group).ok());
  network_.run();
  EXPECT_EQ(publisher_client_.count<ms::UpdateReceived>(), 1u);  // the first one is still to be answered with group 6

  publisher_.group(6, {"b"});
  ASSERT_TRUE(client_.session().update(*first_request, wants_new_group).ok());
  network_.run();
  EXPECT_EQ(publisher_client_.count<ms::UpdateReceived>(), 2u);
}

/// The NEW_GROUP_REQUESTs that the publisher has got, in SUBSCRIBE and in SUBSCRIBE_UPDATE.
std::vector<std::uint64_t> new_groups_asked(const RelayClient& publisher) {
  std::vector<std::uint64_t> asked;
  for (const auto& each : publisher.all<ms::SubscribeReceived>()) {
    if (const auto value = each.parameters.new_group_request()) asked.push_back(*value);
  }
  for (const auto& each : publisher.all<ms::UpdateReceived>()) {
    if (const auto value = each.parameters.new_group_request()) asked.push_back(*value);
  }
  return asked;
}

moqt::MessageParameters wants_group(std::uint64_t value) {
  moqt::MessageParameters parameters;
  parameters.set_new_group_request(value);
  return parameters;
}

moqt::MessageParameters dynamic_track(std::optional<moqt::Location> largest = {}) {
  moqt::MessageParameters parameters;
  parameters.set_dynamic_groups(true);
  if (largest) parameters.set_largest_object(*largest);
  return parameters;
}

using Groups = std::vector<std::uint64_t>;

// [d15 §9.2.1.12-4]
TEST_F(RequestsTest, ANewGroupRequestInAListenersPublishOkGoesUpstream) {
  publisher_.subscription = *publisher_client_.session().publish(track_name(), dynamic_track(moqt::Location{4, 0}));
  ASSERT_TRUE(client_.session().subscribe_namespace({"live"}).ok());
  network_.run();
  ASSERT_TRUE(client_.session().accept(client_.only<ms::PublishReceived>().request, wants_group(5)).ok());
  network_.run();
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{5}));
}

// [d15 §9.2.1.12-4]
TEST_F(RequestsTest, ANewGroupRequestIsOutstandingUntilTheLargestGroupIncreases) {
  publisher_.announce();
  const auto request = client_.session().subscribe(track_name());
  ASSERT_TRUE(request.ok());
  network_.run();
  publisher_.accept(dynamic_track(moqt::Location{4, 0}));
  const auto ask = [&](std::uint64_t value) {
    ASSERT_TRUE(client_.session().update(*request, wants_group(value)).ok());
    network_.run();
    for (const auto& update : publisher_client_.all<ms::UpdateReceived>()) {
      (void)publisher_client_.session().accept(update.update);
    }
    network_.run();
  };
  constexpr std::uint64_t kFar = std::uint64_t{1} << 40;
  ask(kFar);
  ask(6);
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{kFar}));
  publisher_.group(4, {"a"});  // the present group: no increase
  ask(6);
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{kFar}));
  publisher_.group(5, {"a"});
  ask(6);
  ask(0);
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{kFar, 6}));
  ask(7);
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{kFar, 6, 7}));
  ask(5);  // not above the largest group
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{kFar, 6, 7}));
}

// [d15 §9.2.1.12-4]
TEST_F(RequestsTest, ANewGroupRequestThatCameBeforeSubscribeOkIsSentAfterIt) {
  RelayClient& second = network_.connect();
  publisher_.announce();
  ASSERT_TRUE(client_.session().subscribe(track_name()).ok());
  network_.run();
  ASSERT_TRUE(second.session().subscribe(track_name(), wants_group(0)).ok());
  network_.run();
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{}));
  publisher_.accept(dynamic_track(moqt::Location{4, 0}));
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{0}));
}

// [d15 §9.2.1.12-3]
TEST_F(RequestsTest, ANewGroupRequestInTheUpstreamSubscribeIsOutstanding) {
  RelayClient& second = network_.connect();
  RelayClient& third = network_.connect();
  publisher_.announce();
  ASSERT_TRUE(client_.session().subscribe(track_name(), wants_group(7)).ok());
  network_.run();
  ASSERT_TRUE(second.session().subscribe(track_name(), wants_group(6)).ok());
  network_.run();
  publisher_.accept(dynamic_track(moqt::Location{4, 0}));
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{7}));
  ASSERT_TRUE(third.session().subscribe(track_name(), wants_group(0)).ok());
  network_.run();
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{7}));
  publisher_.group(5, {"a"});
  ASSERT_TRUE(client_.session().cancel(ms::RequestHandle{1}).ok());
  network_.run();
  ASSERT_TRUE(client_.session().subscribe(track_name(), wants_group(0)).ok());
  network_.run();
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{7, 0}));
}

TEST_F(RequestsTest, ANewGroupRequestThatThePublisherHasReachedIsNotOutstanding) {
  RelayClient& second = network_.connect();
  publisher_.announce();
  ASSERT_TRUE(client_.session().subscribe(track_name(), wants_group(3)).ok());
  network_.run();
  publisher_.accept(dynamic_track(moqt::Location{4, 0}));
  ASSERT_TRUE(second.session().subscribe(track_name(), wants_group(0)).ok());
  network_.run();
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{3, 0}));
}

TEST_F(RequestsTest, ANewGroupRequestDiesWithItsPublisher) {
  RelayClient& other = network_.connect();
  TestPublisher second(network_, other);
  publisher_.subscription = *publisher_client_.session().publish(track_name(), dynamic_track(moqt::Location{4, 0}));
  const auto request = client_.session().subscribe(track_name());
  network_.run();
  ASSERT_TRUE(client_.session().update(*request, wants_group(0)).ok());
  network_.run();
  EXPECT_EQ(new_groups_asked(publisher_client_), (Groups{0}));
  second.subscription = *other.session().publish(track_name(), dynamic_track(moqt::Location{4, 0}));
  network_.run();
  network_.lose(publisher_client_);
  ASSERT_TRUE(client_.session().update(*request, wants_group(0)).ok());
  network_.run();
  // The request went to the publisher that left; the one that stayed has not heard of it.
  EXPECT_EQ(new_groups_asked(other), (Groups{0}));
}

// [d15 §9.2.1.12-4]
TEST_F(RequestsTest, AsksForNoNewGroupWhereThePublisherDoesNotListen) {
  publisher_.announce();
  const auto request = client_.session().subscribe(track_name());
  ASSERT_TRUE(request.ok());
  network_.run();
  publisher_.accept();
  // A subscriber may ask only where DYNAMIC_GROUPS is 1; the relay must not pass it on either way. SUBSCRIBE_UPDATE 2
  // of subscription 0 with NEW_GROUP_REQUEST 0:
  client_.pair.server.session.on_control_data(network_.now, hex("02 0005 02 00 01 32 00"));
  network_.run();
  EXPECT_EQ(publisher_client_.count<ms::UpdateReceived>(), 0u);
}

}  // namespace
}  // namespace msquic_py::relay
