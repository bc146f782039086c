#include "relay/duplicate_filter.h"

#include <gtest/gtest.h>

namespace msquic_py::relay {
namespace {

TEST(DuplicateFilter, AdmitsEachObjectOfASubgroupOnce) {
  DuplicateFilter filter;
  EXPECT_TRUE(filter.admit({0, 0}, 0));
  EXPECT_TRUE(filter.admit({0, 2}, 0));
  EXPECT_FALSE(filter.admit({0, 0}, 0));
  EXPECT_FALSE(filter.admit({0, 2}, 0));
  EXPECT_TRUE(filter.admit({0, 3}, 0));
}

TEST(DuplicateFilter, KeepsSubgroupsAndGroupsApart) {
  DuplicateFilter filter;
  EXPECT_TRUE(filter.admit({0, 4}, 0));
  EXPECT_TRUE(filter.admit({0, 1}, 1));
  EXPECT_TRUE(filter.admit({1, 0}, 0));
}

TEST(DuplicateFilter, AdmitsDatagramsInAnyOrderOnce) {
  DuplicateFilter filter;
  EXPECT_TRUE(filter.admit_datagram({0, 5}));
  EXPECT_TRUE(filter.admit_datagram({0, 3}));
  EXPECT_FALSE(filter.admit_datagram({0, 5}));
}

TEST(DuplicateFilter, ForgetsOldGroupsAndRefusesTheirLateObjects) {
  DuplicateFilter filter;
  for (std::uint64_t group = 0; group <= DuplicateFilter::kGroups; ++group) EXPECT_TRUE(filter.admit({group, 0}, 0));
  EXPECT_FALSE(filter.admit({0, 1}, 0));  // group 0 was forgotten: new or not, it is too late for it
  EXPECT_TRUE(filter.admit({1, 1}, 0));
}

}  // namespace
}  // namespace msquic_py::relay
