// What the ledger says that a track holds, and what the process has in memory for it.

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <memory>

#include "base/ledger/ledger.h"
#include "harness/resident_memory.h"
#include "moqt/objects/datagram_writer.h"
#include "moqt/objects/subgroup_writer.h"
#include "moqt/objects/track_publisher.h"

namespace msquic_py::moqt::objects {
namespace {

using msquic_py::testing::kResidentMemoryTells;
using msquic_py::testing::resident_memory;

constexpr session::Time kCame{std::chrono::hours(1)};
constexpr std::size_t kMiB = 1024 * 1024;
constexpr std::size_t kLargeObject = 60'000;
constexpr Retention kEverything{std::size_t{1} << 40, std::numeric_limits<std::size_t>::max(), std::chrono::hours(1)};

class StoreMemoryTest : public ::testing::Test {
 protected:
  /// Bytes as they come on a connection: a small piece shares its slab with its neighbours, whatever track they are
  /// of; a large one has its own.
  base::SharedBytes arrive(const base::ByteVector& bytes) {
    return bytes.size() < 16 * 1024 ? connection_.copy(bytes) : base::SharedBytes::copy_of(bytes, received_);
  }
  /// With the header of [d15 §10.4.2]: Object ID Delta 0, the length in four bytes, the payload.
  session::ObjectReceived object(std::uint64_t group, std::uint64_t id, std::size_t size) {
    base::ByteVector bytes(5 + size, static_cast<std::uint8_t>(id));
    const auto length = static_cast<std::uint32_t>(size) | 0x80000000U;
    bytes[0] = 0;
    for (int i = 0; i < 4; ++i)
      bytes[static_cast<std::size_t>(1 + i)] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
    session::ObjectReceived event;
    event.location = {group, id};
    event.payload_length = size;
    event.wire = arrive(bytes);
    event.delta_size = 1;
    event.header_size = 5;
    return event;
  }
  session::DatagramReceived datagram(std::uint64_t group, std::uint64_t id, std::size_t size) {
    session::DatagramReceived event;
    event.location = {group, id};
    event.after_alias = arrive(base::ByteVector(3 + size, static_cast<std::uint8_t>(id)));
    event.payload_offset = 3;
    return event;
  }
  static session::SubgroupProperties subgroup(std::uint64_t group, std::uint64_t id = 0) {
    session::SubgroupProperties properties;
    properties.group = group;
    properties.subgroup = id;
    return properties;
  }
  std::unique_ptr<TrackPublisher> track(Retention retention) {
    return std::make_unique<TrackPublisher>(retention, TrackStore::Knowledge::kWhatCame, SubscriptionLimits{},
                                            counters_, ledger_.open_track());
  }
  [[nodiscard]] std::size_t held() const { return ledger_.process().bytes(); }

  base::Ledger ledger_;
  std::shared_ptr<base::Account> received_ = ledger_.open_connection();
  base::SlabArena connection_{base::SlabArena::kCapacity, received_};
  DeliveryCounters counters_;
};

TEST_F(StoreMemoryTest, ResidentMemoryGrowsByWhatTheLedgerSays) {
  const auto kept = track(kEverything);
  const auto datagrams = track(kEverything);
  const auto others = track(Retention::none());
  const std::size_t resident = resident_memory();
  const std::size_t before = held();
  for (std::uint64_t group = 0; held() < before + 50 * kMiB; ++group) {
    SubgroupWriter small(*kept, Draft::k15, subgroup(group, 0));
    SubgroupWriter large(*kept, Draft::k15, subgroup(group, 1));
    SubgroupWriter unwanted(*others, Draft::k15, subgroup(group));
    for (std::uint64_t id = 0; id < 400; ++id) {
      ASSERT_TRUE(small.object(object(group, 2 * id, 4 + id % 197), kCame).ok());
      ASSERT_TRUE(write_datagram(*datagrams, Draft::k15, datagram(group, id, 4 + id % 100), kCame).ok());
      if (id % 50 == 0) {
        ASSERT_TRUE(large.object(object(group, 2 * id + 1, kLargeObject), kCame).ok());
        ASSERT_TRUE(unwanted.object(object(group, id, kLargeObject), kCame).ok());
      }
    }
    EXPECT_EQ(unwanted.finish(kCame), std::nullopt);
  }
  const std::size_t said = held() - before;
  const std::size_t grown = resident_memory() - resident;
  std::cout << "the ledger says " << said / 1000 << " kB, resident memory grew by " << grown / 1000 << " kB\n";
  if (kResidentMemoryTells) {
    EXPECT_GT(grown, said - said / 5);
    EXPECT_LT(grown, said + said / 5);
  }
}

TEST_F(StoreMemoryTest, FourBytesThatStayDoNotKeepSixtyKilobytesOfAnotherTrack) {
  const auto kept = track(kEverything);
  const auto others = track(Retention::none());
  const std::size_t resident = resident_memory();
  SubgroupWriter small(*kept, Draft::k15, subgroup(0));
  for (std::uint64_t id = 0; id < 1000; ++id) {
    ASSERT_TRUE(small.object(object(0, id, 4), kCame).ok());
    SubgroupWriter unwanted(*others, Draft::k15, subgroup(id));
    for (std::uint64_t piece = 0; piece < 15; ++piece)
      ASSERT_TRUE(unwanted.object(object(id, piece, 4000), kCame).ok());
    EXPECT_EQ(unwanted.finish(kCame), std::nullopt);
  }
  EXPECT_LT(held(), 2 * kMiB);
  if (kResidentMemoryTells) {
    EXPECT_LT(resident_memory(), resident + 4 * kMiB);
  }
}

TEST_F(StoreMemoryTest, PiecesOfMiddlingSizeDoNotEither) {
  // Three kilobytes of each slab of 64: what is counted is 5 % of what the slabs take.
  const auto kept = track(kEverything);
  const auto others = track(Retention::none());
  SubgroupWriter some(*kept, Draft::k15, subgroup(0));
  for (std::uint64_t id = 0; id < 1000; ++id) {
    ASSERT_TRUE(some.object(object(0, id, 3000), kCame).ok());
    SubgroupWriter unwanted(*others, Draft::k15, subgroup(id));
    for (std::uint64_t piece = 0; piece < 15; ++piece)
      ASSERT_TRUE(unwanted.object(object(id, piece, 4000), kCame).ok());
    EXPECT_EQ(unwanted.finish(kCame), std::nullopt);
  }
  EXPECT_LT(held(), 5 * kMiB);
}

TEST_F(StoreMemoryTest, FourBytesThatStayDoNotKeepSmallObjectsOfTheSameTrack) {
  // One group stays open; the others, in the same slabs of the track, are dropped as new ones come.
  Retention retention = kEverything;
  retention.bytes = kMiB;
  const auto kept = track(retention);
  SubgroupWriter stays(*kept, Draft::k15, subgroup(0));
  std::size_t most = 0;
  for (std::uint64_t group = 1; group < 1000; ++group) {
    ASSERT_TRUE(stays.object(object(0, group, 4), kCame).ok());
    SubgroupWriter goes(*kept, Draft::k15, subgroup(group));
    for (std::uint64_t id = 0; id < 60; ++id) ASSERT_TRUE(goes.object(object(group, id, 1000), kCame).ok());
    EXPECT_EQ(goes.finish(kCame), std::nullopt);
    most = std::max(most, held());
  }
  EXPECT_EQ(kept->store().groups().at(0).subgroups.at(0)->end(), 999u);
  EXPECT_LT(most, 5 * kMiB);
  // And they are what they were.
  const auto look = kept->store().look({0, 500});
  ASSERT_EQ(look.kind, TrackStore::Look::Kind::kObject);
  const StoredObject& object = look.subgroup->at(look.place);
  const base::SharedBytes payload = object.payload_at(0);
  EXPECT_EQ(base::ByteVector(payload.view().begin(), payload.view().end()), base::ByteVector(4, 500 & 0xff));
}

TEST_F(StoreMemoryTest, NothingIsHeldWhenTheTrackIsGone) {
  auto kept = track(kEverything);
  for (std::uint64_t group = 0; group < 10; ++group) {
    SubgroupWriter writer(*kept, Draft::k15, subgroup(group));
    ASSERT_TRUE(writer.object(object(group, 0, 100), kCame).ok());
    ASSERT_TRUE(writer.object(object(group, 1, kLargeObject), kCame).ok());
  }
  EXPECT_GT(ledger_.tracks().bytes(), 10 * kLargeObject);
  EXPECT_LT(ledger_.tracks().bytes(), 11 * kLargeObject);
  kept->clear();
  EXPECT_LT(ledger_.tracks().bytes(), 100'000u);  // records and slabs for the next ones
  kept.reset();
  EXPECT_EQ(ledger_.tracks().bytes(), 0u);
}

}  // namespace
}  // namespace msquic_py::moqt::objects
