#include "moqt/session/request_path/received_ids.h"

#include <gtest/gtest.h>

namespace msquic_py::moqt::session {
namespace {

TEST(ReceivedIds, EachNumberIsTakenOnce) {
  ReceivedIds ids;
  EXPECT_TRUE(ids.take(0));
  EXPECT_TRUE(ids.take(5));
  EXPECT_TRUE(ids.take(3));
  EXPECT_TRUE(ids.take(1));
  EXPECT_TRUE(ids.take(4));
  EXPECT_TRUE(ids.take(2));
  for (std::uint64_t id = 0; id < 6; ++id) EXPECT_FALSE(ids.take(id)) << id;
  EXPECT_EQ(ids.next(), 6u);
  EXPECT_TRUE(ids.take(6));
}

TEST(ReceivedIds, NumbersMayLieAnyDistanceApart) {
  ReceivedIds ids;
  EXPECT_TRUE(ids.take(std::uint64_t{1} << 62));
  EXPECT_TRUE(ids.take(7));
  EXPECT_FALSE(ids.take(7));
  EXPECT_TRUE(ids.take(6));
  EXPECT_TRUE(ids.take(8));
}

// A peer cannot make this endpoint remember without end what it has left out.
TEST(ReceivedIds, TheOldestGapsAreForgotten) {
  ReceivedIds ids;
  for (std::uint64_t id = 1; id < 10'000; id += 2) EXPECT_TRUE(ids.take(id));
  EXPECT_FALSE(ids.take(0)) << "counts as used";
  EXPECT_TRUE(ids.take(9'998));
}

}  // namespace
}  // namespace msquic_py::moqt::session
