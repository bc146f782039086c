#include "base/shared_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

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

TEST(SharedBytes, AppendsOnlyItsContinuation) {
  SlabArena arena(64);
  SharedBytes joined;
  EXPECT_TRUE(joined.append(arena.copy(as_bytes("one "))));
  EXPECT_TRUE(joined.append(arena.copy(as_bytes("two"))));
  EXPECT_EQ(as_text(joined), "one two");
  const SharedBytes between = arena.copy(as_bytes("x"));
  EXPECT_FALSE(joined.append(arena.copy(as_bytes("three"))));
  EXPECT_FALSE(joined.append(SharedBytes::copy_of(as_bytes("three"))));
  EXPECT_EQ(as_text(joined), "one two");
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

TEST(SlabArena, ComesBackToSlabsWhoseSlicesAreGone) {
  SlabArena arena(8);
  std::set<const std::uint8_t*> slabs;
  std::deque<SharedBytes> held;
  for (int i = 0; i < 100; ++i) {
    held.push_back(arena.copy(as_bytes("12345678")));  // a slab each
    slabs.insert(held.back().data());
    if (held.size() > 3) held.pop_front();
  }
  EXPECT_LE(slabs.size(), 5u);  // what is held, the one being filled, and one to spare
}

TEST(SlabArena, KeepsFewOfManySlabs) {
  SlabArena arena(8);
  std::vector<SharedBytes> held;
  std::set<const std::uint8_t*> first;
  for (int i = 0; i < 100; ++i) {
    held.push_back(arena.copy(as_bytes("12345678")));
    first.insert(held.back().data());
  }
  EXPECT_EQ(first.size(), held.size());
  for (const SharedBytes& each : held) EXPECT_EQ(as_text(each), "12345678");
  held.clear();  // the sanitizers see whether the others were freed, once
}

TEST(SlabArena, GoesBeforeItsSlices) {
  std::vector<SharedBytes> held;
  {
    SlabArena arena(8);
    for (int i = 0; i < 10; ++i) held.push_back(arena.copy(as_bytes("12345678")));
    held.erase(held.begin(), held.begin() + 3);
  }
  for (const SharedBytes& each : held) EXPECT_EQ(as_text(each), "12345678");
}

TEST(SlabArena, SlicesMayBeReadAndDroppedOnOtherThreads) {
  // One thread fills, two read and drop; the thread sanitizer sees whether a slab was filled again too early.
  constexpr int kSlices = 20'000;
  std::mutex mutex;
  std::deque<std::pair<std::uint8_t, SharedBytes>> queue;
  bool over = false;
  int wrong = 0;
  const auto read = [&] {
    for (;;) {
      std::pair<std::uint8_t, SharedBytes> slice;
      {
        const std::lock_guard lock(mutex);
        if (queue.empty()) {
          if (over) return;
          continue;
        }
        slice = std::move(queue.front());
        queue.pop_front();
      }
      const Bytes bytes = slice.second;
      const bool good = std::all_of(bytes.begin(), bytes.end(), [&](std::uint8_t byte) { return byte == slice.first; });
      if (!good) {
        const std::lock_guard lock(mutex);
        ++wrong;
      }
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) readers.emplace_back(read);
  {
    SlabArena arena(256);
    ByteVector bytes(100);
    for (int i = 0; i < kSlices; ++i) {
      const auto value = static_cast<std::uint8_t>(i);
      std::fill(bytes.begin(), bytes.end(), value);
      SharedBytes slice = arena.copy(bytes);
      const std::lock_guard lock(mutex);
      queue.emplace_back(value, std::move(slice));
    }
  }
  {
    const std::lock_guard lock(mutex);
    over = true;
  }
  for (std::thread& each : readers) each.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace msquic_py::base
