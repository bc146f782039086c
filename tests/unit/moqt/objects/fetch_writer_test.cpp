#include "moqt/objects/fetch_writer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string_view>

#include "moqt/objects/track_publisher.h"

namespace msquic_py::moqt::objects {
namespace {

using Kind = TrackStore::Look::Kind;
constexpr session::Time kNow{std::chrono::hours(1)};

/// What a FETCH of groups 0 to 3 brings into the store of a relay.
class FetchWriterTest : public ::testing::Test {
 protected:
  void fetched(FetchWriter& writer, Location location, std::string_view payload = "x") {
    session::FetchObjectReceived object;
    object.location = location;
    object.payload = base::SharedBytes::copy_of(base::as_bytes(payload));
    object.payload_length = payload.size();
    EXPECT_EQ(writer.object(object, kNow), std::nullopt);
  }
  Kind look(Location location) { return publisher_.store().look(location).kind; }

  DeliveryCounters counters_;
  TrackPublisher publisher_{Retention{.bytes = 1 << 20, .groups = 100}, TrackStore::Knowledge::kWhatCame,
                            SubscriptionLimits{}, counters_};
  const FetchRange range_{{0, 0}, {3, 0}};
};

TEST_F(FetchWriterTest, KnowsAtOnceThatThereIsNothingBetween) {
  FetchWriter writer(publisher_, Draft::k15, range_, GroupOrder::kAscending);
  fetched(writer, {0, 1});
  EXPECT_EQ(look({0, 0}), Kind::kNothing);
  EXPECT_EQ(look({0, 2}), Kind::kUnknown);
  fetched(writer, {2, 1});
  EXPECT_EQ(look({0, 2}), Kind::kEndOfGroup);
  EXPECT_EQ(look({1, 0}), Kind::kEndOfGroup);
  EXPECT_EQ(look({2, 0}), Kind::kNothing);
  EXPECT_EQ(look({3, 0}), Kind::kUnknown);
  writer.finish({3, 0}, kNow);
  EXPECT_EQ(look({2, 2}), Kind::kEndOfGroup);
  EXPECT_EQ(look({3, 0}), Kind::kEndOfGroup);
}

TEST_F(FetchWriterTest, KnowsItDownwardsToo) {
  FetchWriter writer(publisher_, Draft::k15, range_, GroupOrder::kDescending);
  fetched(writer, {2, 1});
  EXPECT_EQ(look({2, 0}), Kind::kNothing);
  EXPECT_EQ(look({1, 0}), Kind::kUnknown);
  fetched(writer, {0, 0});
  EXPECT_EQ(look({2, 2}), Kind::kUnknown);  // the publisher may say yet that it has come no further
  EXPECT_EQ(look({1, 0}), Kind::kEndOfGroup);
  EXPECT_EQ(look({0, 1}), Kind::kUnknown);
  EXPECT_EQ(look({3, 0}), Kind::kUnknown);
  writer.finish({3, 0}, kNow);
  EXPECT_EQ(look({0, 1}), Kind::kEndOfGroup);
  EXPECT_EQ(look({2, 2}), Kind::kEndOfGroup);
  EXPECT_EQ(look({3, 0}), Kind::kEndOfGroup);
}

TEST_F(FetchWriterTest, WhatItBroughtAndWasDroppedIsUnknownAgain) {
  FetchWriter writer(publisher_, Draft::k15, range_, GroupOrder::kAscending);
  fetched(writer, {0, 0});
  fetched(writer, {0, 1});
  fetched(writer, {1, 0});
  ASSERT_TRUE(publisher_.store().evict_oldest());  // group 0, for want of memory
  writer.finish({3, 0}, kNow);
  EXPECT_EQ(look({0, 0}), Kind::kUnknown);
  EXPECT_EQ(look({1, 0}), Kind::kObject);
  EXPECT_EQ(look({1, 1}), Kind::kEndOfGroup);
}

}  // namespace
}  // namespace msquic_py::moqt::objects
