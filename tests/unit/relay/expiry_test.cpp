// A publisher's EXPIRES is between it and the relay [d15 §9.2.1.8]: those behind the relay lose nothing by it.

#include <gtest/gtest.h>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;

class RelayExpiryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    publisher_.announce();
    ASSERT_TRUE(subscriber_.session().subscribe(track_name()).ok());
    network_.run();
    moqt::MessageParameters parameters;
    parameters.set_expires(3000);
    publisher_.accept(std::move(parameters));
    ASSERT_EQ(subscriber_.count<ms::RequestAccepted>(), 1u);
  }

  RelayNetwork network_;
  RelayClient& publisher_client_ = network_.connect();
  RelayClient& subscriber_ = network_.connect();
  TestPublisher publisher_{network_, publisher_client_};
};

TEST_F(RelayExpiryTest, TheRelayRenews) {
  EXPECT_FALSE(subscriber_.only<ms::RequestAccepted>().parameters.expires()) << "it is this hop's";
  for (int round = 1; round <= 3; ++round) {
    network_.advance(std::chrono::milliseconds(2000));
    const auto updates = publisher_client_.all<ms::UpdateReceived>();
    ASSERT_EQ(updates.size(), static_cast<std::size_t>(round));
    ASSERT_TRUE(publisher_client_.session().accept(updates.back().update).ok());
    network_.run();
  }
  EXPECT_EQ(publisher_client_.count<ms::SubscriptionExpired>(), 0u);
  publisher_.group(0, {"still here"});
  EXPECT_EQ(objects(subscriber_), std::vector<std::string>{"0/0 still here"});
}

TEST_F(RelayExpiryTest, ASubscriptionThatEndsAllTheSameIsMadeAgain) {
  publisher_.group(0, {"before"});
  ASSERT_TRUE(
      publisher_client_.session().publish_done(publisher_.subscription, moqt::PublishDoneCode::kExpired, "").ok());
  network_.run();
  ASSERT_EQ(publisher_client_.count<ms::SubscribeReceived>(), 2u);
  moqt::MessageParameters parameters;
  parameters.set_largest_object({0, 0});
  publisher_.accept(std::move(parameters));
  publisher_.group(1, {"after"});
  EXPECT_EQ(objects(subscriber_), (std::vector<std::string>{"0/0 before", "1/0 after"}));
  EXPECT_EQ(subscriber_.count<ms::SubscriptionDone>(), 0u);
}

TEST_F(RelayExpiryTest, WhenThatIsRefusedTheSubscriberIsTold) {
  ASSERT_TRUE(
      publisher_client_.session().publish_done(publisher_.subscription, moqt::PublishDoneCode::kExpired, "").ok());
  network_.run();
  const auto again = publisher_client_.all<ms::SubscribeReceived>();
  ASSERT_EQ(again.size(), 2u);
  ASSERT_TRUE(
      publisher_client_.session().reject(again.back().request, moqt::RequestErrorCode::kUnauthorized, "no more").ok());
  network_.run();
  network_.advance(std::chrono::seconds(1));
  EXPECT_EQ(subscriber_.count<ms::SubscriptionDone>(), 1u);
}

}  // namespace
}  // namespace msquic_py::relay
