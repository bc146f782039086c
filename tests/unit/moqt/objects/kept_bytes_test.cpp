// What a store holds on to: not the slabs of a connection for the sake of a few bytes.

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "moqt/objects/fetch_writer.h"
#include "moqt/objects/subgroup_writer.h"
#include "moqt/objects/track_publisher.h"

namespace msquic_py::moqt::objects {
namespace {

constexpr session::Time kArrival{std::chrono::hours(1)};

class KeptBytesTest : public ::testing::Test {
 protected:
  /// An object of `size` bytes of payload in a slab of its own, with the two-byte header of [d15 §10.4.2] in front.
  session::ObjectReceived object(std::uint64_t id, std::size_t size) {
    base::ByteVector bytes(2 + size, 'x');
    bytes[0] = 0;
    session::ObjectReceived event;
    event.location = {0, id};
    event.payload_length = size;
    event.wire = base::SharedBytes::copy_of(bytes);
    event.delta_size = 1;
    event.header_size = 2;
    return event;
  }
  [[nodiscard]] const StoredObject& kept(std::uint64_t id) {
    const auto look = publisher_.store().look({0, id});
    return look.subgroup->at(look.place);
  }

  DeliveryCounters counters_;
  TrackPublisher publisher_{{1 << 20, std::numeric_limits<std::size_t>::max(), std::chrono::seconds(60)},
                            TrackStore::Knowledge::kWhatCame,
                            {},
                            counters_};
  SubgroupWriter writer_{publisher_, Draft::k15, {}};
};

TEST_F(KeptBytesTest, SmallObjectsAreCopiedOutOfTheirSlabs) {
  const auto small = object(0, 4);
  ASSERT_TRUE(writer_.object(small, kArrival).ok());
  EXPECT_NE(kept(0).wire.data(), small.wire.data());
  EXPECT_EQ(kept(0).wire.size(), small.wire.size());
}

TEST_F(KeptBytesTest, LargeOnesAreNot) {
  const auto large = object(0, 50'000);
  ASSERT_TRUE(writer_.object(large, kArrival).ok());
  EXPECT_EQ(kept(0).wire.data(), large.wire.data());
}

TEST_F(KeptBytesTest, AnObjectThatAFetchBroughtFirstKeepsItsPayloadWhenItComesAlive) {
  base::ByteVector bytes(4, 'x');  // as object() has them
  session::FetchObjectReceived fetched;
  fetched.location = {0, 0};
  fetched.payload_length = bytes.size();
  fetched.payload = base::SharedBytes::copy_of(bytes);
  FetchWriter fetch(publisher_, Draft::k15, {{}, {100, 0}}, GroupOrder::kAscending);
  EXPECT_EQ(fetch.object(fetched, kArrival), std::nullopt);
  ASSERT_TRUE(writer_.object(object(1, 4), kArrival).ok());  // so that the first one is not the largest
  const auto taken = SubgroupWriter(publisher_, Draft::k15, {}).object(object(0, 4), kArrival);
  ASSERT_TRUE(taken.ok());
  EXPECT_TRUE(taken->fresh);
  EXPECT_TRUE(kept(0).complete());
  std::string payload;
  for (base::SharedBytes piece = kept(0).payload_at(0); !piece.empty(); piece = kept(0).payload_at(payload.size()))
    payload.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  EXPECT_EQ(payload, "xxxx");
}

TEST_F(KeptBytesTest, WhatIsCountedGrowsWithWhatCame) {
  for (std::uint64_t id = 0; id < 100; ++id) ASSERT_TRUE(writer_.object(object(id, 1000), kArrival).ok());
  EXPECT_GE(publisher_.store().bytes(), 100u * 1002u);
  EXPECT_LE(publisher_.store().bytes(), 100u * (1002u + 2 * sizeof(StoredObject)));
}

}  // namespace
}  // namespace msquic_py::moqt::objects
