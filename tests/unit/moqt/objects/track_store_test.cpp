// What a track store keeps, knows and drops.

#include "moqt/objects/track_store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

namespace msquic_py::moqt::objects {
namespace {

using Kind = TrackStore::Look::Kind;
using std::chrono::seconds;

constexpr session::Time kStart{std::chrono::hours(1)};

class TrackStoreTest : public ::testing::Test {
 protected:
  static Retention much() { return {1 << 20, std::numeric_limits<std::size_t>::max(), seconds(60)}; }

  StoredSubgroup& put(TrackStore& store, std::uint64_t group, std::uint64_t subgroup, std::uint64_t object,
                      std::size_t size = 10, session::Time now = kStart) {
    session::SubgroupProperties properties;
    properties.group = group;
    properties.subgroup = subgroup;
    const auto into = store.subgroup(properties, now);
    const std::uint64_t place = into.subgroup->insert(object);
    StoredObject& kept = into.subgroup->at(place);
    kept.wire = base::SharedBytes::copy_of(base::ByteVector(size, 'x'));
    kept.header_size = 0;
    kept.payload_length = kept.payload_arrived = size;
    kept.since = now;
    store.charge(*into.subgroup, kept.bytes());
    store.note({group, object});
    return *into.subgroup;
  }

  TrackStore relay_{much(), TrackStore::Knowledge::kWhatCame};
  TrackStore origin_{much(), TrackStore::Knowledge::kAll};
};

TEST_F(TrackStoreTest, ObjectsOfAllSubgroupsStandInTheOrderOfTheirIds) {
  put(relay_, 0, 0, 0);
  put(relay_, 0, 1, 1);
  put(relay_, 0, 0, 2);
  for (std::uint64_t id = 0; id < 3; ++id) {
    const auto look = relay_.look({0, id});
    ASSERT_EQ(look.kind, Kind::kObject);
    EXPECT_EQ(look.subgroup->at(look.place).id, id);
  }
  EXPECT_EQ(relay_.look({0, 3}).kind, Kind::kUnknown);
}

TEST_F(TrackStoreTest, APlaceStaysWhenObjectsAreInsertedAndDroppedBeforeIt) {
  StoredSubgroup& subgroup = put(relay_, 0, 0, 0);
  for (const std::uint64_t id : {1, 2, 3, 8, 9}) put(relay_, 0, 0, id);
  put(relay_, 0, 0, 5);
  EXPECT_EQ(subgroup.find(5), 4u);
  EXPECT_EQ(subgroup.find(8), 5u);
  (void)subgroup.drop_first();
  EXPECT_EQ(subgroup.find(8), 5u);
  EXPECT_EQ(subgroup.find(0), std::nullopt);
  EXPECT_EQ(subgroup.lower_bound(6), 5u);
}

TEST_F(TrackStoreTest, ARelayKnowsOnlyWhatItWasTold) {
  put(relay_, 0, 0, 0);
  put(relay_, 2, 0, 0);
  EXPECT_EQ(relay_.first_unknown({0, 0}, {2, 1}, kStart), (Location{0, 1}));
  relay_.find(0)->end = 1;
  EXPECT_EQ(relay_.first_unknown({0, 0}, {2, 1}, kStart), (Location{1, 0}));
  relay_.set_absent_groups(1, 1);
  EXPECT_EQ(relay_.first_unknown({0, 0}, {2, 1}, kStart), std::nullopt);
  EXPECT_EQ(relay_.first_unknown({0, 0}, {2, 0}, kStart), (Location{2, 1}));
}

TEST_F(TrackStoreTest, AnAnsweredFetchMakesEverythingInItKnown) {
  put(relay_, 1, 0, 2);
  put(relay_, 3, 0, 0);
  relay_.set_known({0, 3}, {4, 2}, kStart);
  EXPECT_EQ(relay_.first_unknown({0, 3}, {4, 2}, kStart), std::nullopt);
  EXPECT_EQ(relay_.look({0, 3}).kind, Kind::kEndOfGroup);
  EXPECT_EQ(relay_.look({1, 0}).kind, Kind::kNothing);
  EXPECT_EQ(relay_.look({1, 0}).next, 2u);
  EXPECT_EQ(relay_.look({1, 3}).kind, Kind::kEndOfGroup);
  EXPECT_EQ(relay_.look({2, 0}).kind, Kind::kEndOfGroup);
  EXPECT_EQ(relay_.look({4, 1}).kind, Kind::kNothing);
  EXPECT_EQ(relay_.look({4, 2}).kind, Kind::kUnknown) << "behind the range";
  EXPECT_EQ(relay_.look({0, 2}).kind, Kind::kUnknown) << "before the range";
}

TEST_F(TrackStoreTest, AWholeGroupThatWasFetchedWithoutObjectsIsKnownToHaveNone) {
  relay_.set_known({5, 0}, {5, 0}, kStart);
  EXPECT_EQ(relay_.first_unknown({5, 0}, {5, 0}, kStart), std::nullopt);
  EXPECT_EQ(relay_.first_unknown({5, 0}, {6, 0}, kStart), (Location{6, 0}));
}

// [d15 §9.2.1.3]: MAX_CACHE_DURATION counts for each object, from when it came.
TEST_F(TrackStoreTest, WhatIsTooOldIsUnknownToWhoeverBeginsWithIt) {
  put(origin_, 0, 0, 0);
  put(origin_, 0, 0, 1, 10, kStart + std::chrono::milliseconds(30));
  origin_.limit_age(std::chrono::milliseconds(50));
  EXPECT_EQ(origin_.first_unknown({0, 0}, {0, 2}, kStart + std::chrono::milliseconds(49)), std::nullopt);
  EXPECT_EQ(origin_.first_unknown({0, 0}, {0, 2}, kStart + std::chrono::milliseconds(50)), (Location{0, 0}));
  EXPECT_EQ(origin_.first_unknown({0, 1}, {0, 2}, kStart + std::chrono::milliseconds(50)), std::nullopt);
}

TEST_F(TrackStoreTest, TheOriginalPublisherKnowsWhatItNeverPublished) {
  put(origin_, 0, 0, 0);
  put(origin_, 5, 0, 3);
  EXPECT_EQ(origin_.look({0, 1}).kind, Kind::kEndOfGroup);
  EXPECT_EQ(origin_.look({3, 0}).kind, Kind::kEndOfGroup);
  EXPECT_EQ(origin_.look({5, 0}).kind, Kind::kNothing);
  EXPECT_EQ(origin_.first_unknown({0, 0}, {5, 4}, kStart), std::nullopt);
  EXPECT_EQ(origin_.next_group(1, 9), 5u);
  EXPECT_EQ(origin_.next_group(6, 9), std::nullopt);
  EXPECT_EQ(origin_.previous_group(4, 0), 0u);
}

TEST_F(TrackStoreTest, WhatAnOpenSubgroupMayStillBringIsNotMissingYet) {
  StoredSubgroup& even = put(origin_, 0, 0, 0);
  StoredSubgroup& odd = put(origin_, 0, 1, 1);
  even.writers = odd.writers = 1;
  put(origin_, 0, 0, 4);
  EXPECT_EQ(origin_.look({0, 2}).kind, Kind::kNotYet) << "subgroup 1 may have it";
  put(origin_, 0, 1, 3);
  EXPECT_EQ(origin_.look({0, 2}).kind, Kind::kNothing);
  EXPECT_EQ(origin_.look({0, 2}).next, 3u);
}

TEST_F(TrackStoreTest, WholeGroupsGoTheOldestFirst) {
  TrackStore store({3000, std::numeric_limits<std::size_t>::max(), seconds(60)}, TrackStore::Knowledge::kWhatCame);
  for (const std::uint64_t group : {9, 8, 7, 6}) put(store, group, 0, 0, 1000);  // the order of arrival counts
  store.evict(kStart);
  EXPECT_EQ(store.find(9), nullptr);
  EXPECT_NE(store.find(6), nullptr);
  EXPECT_LE(store.bytes(), 3000u);
  EXPECT_TRUE(store.dropped(9));
  EXPECT_EQ(store.look({9, 0}).kind, Kind::kUnknown);
}

TEST_F(TrackStoreTest, AGroupGoesWhenItsNewestObjectIsTooOld) {
  put(relay_, 0, 0, 0);
  put(relay_, 1, 0, 0, 10, kStart + seconds(30));
  EXPECT_EQ(relay_.next_eviction(), kStart + seconds(60));
  relay_.evict(kStart + seconds(59));
  EXPECT_NE(relay_.find(0), nullptr);
  relay_.evict(kStart + seconds(60));
  EXPECT_EQ(relay_.find(0), nullptr);
  EXPECT_NE(relay_.find(1), nullptr);
}

TEST_F(TrackStoreTest, WhatIsBeingWrittenOrWaitsForSomebodyStays) {
  TrackStore store(Retention::none(), TrackStore::Knowledge::kWhatCame);
  StoredSubgroup& written = put(store, 0, 0, 0);
  written.writers = 1;
  StoredSubgroup& waits = put(store, 1, 0, 0);
  waits.deliveries.resize(1);
  waits.deliveries[0].serial = 1;
  waits.deliveries[0].behind = true;
  put(store, 2, 0, 0);
  store.evict(kStart + seconds(1));
  EXPECT_NE(store.find(0), nullptr);
  EXPECT_NE(store.find(1), nullptr);
  EXPECT_EQ(store.find(2), nullptr);
}

TEST_F(TrackStoreTest, WhatMayNotGoIsNotWaitedFor) {
  StoredSubgroup& written = put(relay_, 0, 0, 0);
  written.writers = 1;
  EXPECT_EQ(relay_.next_eviction(), std::nullopt);
  put(relay_, 1, 0, 0, 10, kStart + seconds(5));
  EXPECT_EQ(relay_.next_eviction(), kStart + seconds(65));
  written.writers = 0;
  EXPECT_EQ(relay_.next_eviction(), kStart + seconds(60));
}

TEST_F(TrackStoreTest, AGroupWithoutEndLosesWhatEverybodyHasBeenGiven) {
  TrackStore store({6000, 1, seconds(60)}, TrackStore::Knowledge::kWhatCame);
  StoredSubgroup& subgroup = put(store, 0, 0, 0, 1000);
  subgroup.writers = 1;
  subgroup.deliveries.resize(1);
  subgroup.deliveries[0].serial = 1;
  for (std::uint64_t id = 1; id < 20; ++id) put(store, 0, 0, id, 1000);
  subgroup.deliveries[0].next = 3;
  store.evict(kStart);
  EXPECT_EQ(subgroup.first(), 3u) << "a subscription is there";
  subgroup.deliveries[0].next = 20;
  store.evict(kStart);
  EXPECT_LE(store.bytes(), 6000u);
  EXPECT_EQ(store.look({0, 19}).kind, Kind::kObject);
  EXPECT_EQ(store.look({0, 0}).kind, Kind::kUnknown);
}

TEST_F(TrackStoreTest, WhatFollowsTheObjectBeforeTheFirstGroupIsMissed) {
  put(relay_, 1, 0, 0);
  EXPECT_EQ(relay_.first_missing({0, 2}), (Location{0, 2})) << "0/1 was the largest object when it was subscribed to";
  EXPECT_EQ(relay_.first_missing({}), (Location{1, 1})) << "nobody knows of anything before the first group";
  put(relay_, 2, 0, 0);
  EXPECT_EQ(relay_.first_missing({0, 2}), (Location{1, 1})) << "what is on its way is of the newest groups";
}

TEST_F(TrackStoreTest, LargeNumbersAreNumbersLikeOthers) {
  constexpr std::uint64_t kLarge = (std::uint64_t{1} << 62) - 1;
  put(relay_, kLarge, 0, kLarge - 1);
  EXPECT_EQ(relay_.largest(), (Location{kLarge, kLarge - 1}));
  relay_.set_known({kLarge - 1, 0}, {kLarge, 0}, kStart);
  EXPECT_EQ(relay_.first_unknown({kLarge - 1, 0}, {kLarge, 0}, kStart), std::nullopt);
}

}  // namespace
}  // namespace msquic_py::moqt::objects
