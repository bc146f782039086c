#include "base/shared_bytes.h"

#include <gtest/gtest.h>

namespace msquic_py::base {
namespace {

TEST(SharedBytes, SlicesShareTheMemory) {
  const SharedBytes whole = SharedBytes::copy_of(as_bytes("abcdef"));
  const SharedBytes part = whole.slice(2, 3);
  EXPECT_EQ(as_text(part), "cde");
  EXPECT_EQ(part.data(), whole.data() + 2);
  EXPECT_TRUE(whole.slice(6, 0).empty());
}

TEST(SharedBytes, OutlivesTheOneItWasSlicedFrom) {
  SharedBytes part;
  {
    const SharedBytes whole = SharedBytes::copy_of(as_bytes("abcdef"));
    part = whole.from(4);
  }
  EXPECT_EQ(as_text(part), "ef");
}

TEST(SlabArena, PutsSmallSlicesIntoOneSlab) {
  SlabArena arena(64);
  const SharedBytes first = arena.copy(as_bytes("abc"));
  const SharedBytes second = arena.copy(as_bytes("def"));
  EXPECT_EQ(second.data(), first.data() + 3);
}

TEST(SlabArena, NeverOverwritesALiveSlice) {
  SlabArena arena(8);
  const SharedBytes kept = arena.copy(as_bytes("12345678"));
  const SharedBytes next = arena.copy(as_bytes("abcdefgh"));
  EXPECT_EQ(as_text(kept), "12345678");
  EXPECT_EQ(as_text(next), "abcdefgh");
}

TEST(SlabArena, ReusesASlabThatNobodyHolds) {
  SlabArena arena(8);
  const std::uint8_t* before = nullptr;
  {
    const SharedBytes dropped = arena.copy(as_bytes("12345678"));
    before = dropped.data();
  }
  EXPECT_EQ(arena.copy(as_bytes("abcdefgh")).data(), before);
}

TEST(SlabArena, GivesLargeSlicesASlabOfTheirOwn) {
  SlabArena arena(8);
  const ByteVector large(100, 0x5a);
  const SharedBytes slice = arena.copy(large);
  EXPECT_EQ(ByteVector(slice.view().begin(), slice.view().end()), large);
}

TEST(SlabArena, CommitTakesLessThanReserved) {
  SlabArena arena(64);
  std::uint8_t* room = arena.reserve(10);
  room[0] = 'x';
  const SharedBytes slice = arena.commit(1);
  EXPECT_EQ(as_text(slice), "x");
  EXPECT_EQ(arena.reserve(1), room + 1);
}

}  // namespace
}  // namespace msquic_py::base
