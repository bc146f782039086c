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

TEST_F(RequestsTest, AsksForNoNewGroupWhereThePublisherDoesNotListen) {
  publisher_.announce();
  const auto request = client_.session().subscribe(track_name());
  ASSERT_TRUE(request.ok());
  network_.run();
  publisher_.accept();
  // Section 9.2.1.12 lets a subscriber ask only where DYNAMIC_GROUPS is 1; the relay must not pass it on either way.
  moqt::MessageParameters wants_new_group;
  wants_new_group.set_new_group_request(0);
  (void)client_.session().update(*request, wants_new_group);
  network_.run();
  EXPECT_EQ(publisher_client_.count<ms::UpdateReceived>(), 0u);
}

}  // namespace
}  // namespace msquic_py::relay
