#include "base/ledger/ledger.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "base/shared_bytes.h"

namespace msquic_py::base {
namespace {

TEST(Ledger, WhatATrackHoldsTheProcessHolds) {
  const Ledger ledger;
  const auto track = ledger.open_track();
  const auto session = ledger.open_session();
  track->charge(100);
  session->charge(10);
  EXPECT_EQ(ledger.tracks().bytes(), 100u);
  EXPECT_EQ(ledger.process().bytes(), 110u);
  track->give_back(100);
  session->give_back(10);
  EXPECT_EQ(ledger.process().bytes(), 0u);
}

TEST(Ledger, HasNoRoomWhereALimitAboveIsReached) {
  MemoryLimits limits;
  limits.tracks = 100;
  const Ledger ledger(limits);
  const auto one = ledger.open_track();
  const auto other = ledger.open_track();
  Charge charge(one, 99);
  EXPECT_TRUE(other->has_room());
  charge.set(100);
  EXPECT_FALSE(other->has_room());
  EXPECT_TRUE(ledger.open_session()->has_room());
  charge.set(0);
  EXPECT_TRUE(other->has_room());
}

TEST(Ledger, AChargeGoesWithItsOwner) {
  const auto account = std::make_shared<Account>();
  Charge first(account, 10);
  Charge second(std::move(first));
  EXPECT_EQ(account->bytes(), 10u);
  second = Charge(account, 3);
  EXPECT_EQ(account->bytes(), 3u);
  second = {};
  EXPECT_EQ(account->bytes(), 0u);
}

TEST(Ledger, ASliceHoldsItsWholeSlabOnce) {
  const auto account = std::make_shared<Account>();
  constexpr std::size_t kSlab = 4096;
  std::vector<SharedBytes> slices;
  {
    SlabArena arena(kSlab, account);
    const ByteVector filled(kSlab, 'x');
    for (int i = 0; i < 2; ++i) slices.push_back(arena.copy(filled));  // past the small first slabs
    const std::size_t before = account->bytes();
    slices.push_back(arena.copy(as_bytes("abcd")));
    slices.push_back(arena.copy(as_bytes("efgh")));
    const std::size_t slab = account->bytes() - before;
    EXPECT_GE(slab, kSlab);
    EXPECT_LE(slab, kSlab + 128);
    slices.pop_back();
    EXPECT_EQ(account->bytes(), before + slab);
  }
  EXPECT_GT(account->bytes(), 3 * kSlab);  // the arena is gone, the slices are not
  slices.clear();
  EXPECT_EQ(account->bytes(), 0u);
}

TEST(Ledger, AnArenaThatIsHardlyUsedHoldsLittle) {
  const auto account = std::make_shared<Account>();
  SlabArena arena(SlabArena::kCapacity, account);
  const SharedBytes slice = arena.copy(as_bytes("abcd"));
  EXPECT_LE(account->bytes(), 2048u);
}

TEST(Ledger, ASlabGoesWithWhoeverKeepsItAndBackToItsStore) {
  const auto connection = std::make_shared<Account>();
  const auto track = std::make_shared<Account>();
  {
    SlabArena arena(256, connection);
    SharedBytes kept = arena.copy(ByteVector(256, 'x'));
    const std::size_t slab = connection->bytes();
    EXPECT_TRUE(kept.fills_slab());
    EXPECT_FALSE(kept.slice(0, 4).fills_slab());
    kept.charge_to(track);
    EXPECT_EQ(connection->bytes(), 0u);
    EXPECT_EQ(track->bytes(), slab);
    (void)arena.copy(ByteVector(256, 'y'));  // so that the arena lets go of the first slab
    kept = {};                               // which is spare now: the connection's again
    EXPECT_EQ(track->bytes(), 0u);
    EXPECT_EQ(connection->bytes(), 2 * slab);
  }
  EXPECT_EQ(connection->bytes(), 0u);
}

}  // namespace
}  // namespace msquic_py::base
