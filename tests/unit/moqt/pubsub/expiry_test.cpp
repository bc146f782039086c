// Subscriptions that last for a while [d15 §9.2.1.8].

#include <gtest/gtest.h>

#include "endpoint_pair.h"

namespace msquic_py::testing {
namespace {

using namespace moqt::pubsub;  // NOLINT(google-build-using-namespace): the classes under test
using std::chrono::milliseconds;

class ExpiryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    TrackOptions options;
    options.expires_ms = 3000;
    auto made = pair_.server.add_track(name_, options);
    ASSERT_TRUE(made.ok());
    writer_ = *made;
    auto reader = pair_.client.subscribe(name_);
    ASSERT_TRUE(reader.ok());
    reader_ = *reader;
    pair_.run();
  }
  void advance(milliseconds time) {
    pair_.sessions.advance(time);
    pair_.run();
  }

  const moqt::FullTrackName name_{moqt::TrackNamespace{"a"}, "t"};
  EndpointPair pair_;
  std::shared_ptr<TrackWriter> writer_;
  std::shared_ptr<TrackReader> reader_;
};

TEST_F(ExpiryTest, ASubscriptionThatIsNotRenewedEnds) {
  EXPECT_EQ(reader_->parameters().expires(), 3000u);
  advance(milliseconds(2000));
  EXPECT_EQ(EndpointPair::count<ReaderExpiring>(pair_.client_events), 1u);
  EXPECT_FALSE(reader_->end());
  advance(milliseconds(1000));
  EXPECT_EQ(writer_->subscribers(), 0u);
  advance(milliseconds(2000));  // for datagrams that may be late [d15 §9.15]
  ASSERT_TRUE(reader_->end());
  EXPECT_EQ(reader_->end()->code, static_cast<std::uint64_t>(moqt::PublishDoneCode::kExpired));
}

TEST_F(ExpiryTest, OneThatIsRenewedLives) {
  for (int round = 0; round < 3; ++round) {
    advance(milliseconds(2000));
    ASSERT_TRUE(reader_->update({}).ok());
    pair_.run();
  }
  EXPECT_EQ(EndpointPair::count<ReaderExpiring>(pair_.client_events), 3u);
  EXPECT_FALSE(reader_->end());
}

TEST_F(ExpiryTest, AGroupThatIsUnderWayIsBrokenOff) {
  auto group = writer_->begin_group(0);
  ASSERT_TRUE(group.ok());
  ASSERT_TRUE((*group)->write(shared("begun")).ok());
  pair_.run();
  advance(milliseconds(3000));
  EXPECT_EQ(read_all(*reader_), std::vector<std::string>{"0.0=begun"});
  EXPECT_TRUE(reader_->end()) << "at once: what follows of the group is not for this subscriber";
  ASSERT_TRUE((*group)->write(shared("for the others")).ok());
  pair_.run();
}

TEST_F(ExpiryTest, TrackStatusHasNoEnd) {
  ASSERT_TRUE(pair_.sessions.client.session.track_status(name_).ok());
  pair_.run();
  EXPECT_FALSE(EndpointPair::last<ms::RequestAccepted>(pair_.client_events).parameters.expires());
}

}  // namespace
}  // namespace msquic_py::testing
