// What an original publisher may not publish is refused, before it reaches anybody.
#include <gtest/gtest.h>

#include <string_view>

#include "harness/raw_peer.h"
#include "moqt/pubsub/track_writer.h"

namespace msquic_py::testing {
namespace {

using moqt::ObjectStatus;
using moqt::session::SessionError;
using namespace moqt::pubsub;  // NOLINT(google-build-using-namespace): the classes under test

base::SharedBytes payload(std::string_view text) { return base::SharedBytes::copy_of(base::as_bytes(text)); }

class PublisherRules : public ::testing::Test {
 protected:
  SessionError error_of(const moqt::session::SessionResult<void>& result) {
    EXPECT_FALSE(result.ok());
    return result.ok() ? SessionError::kClosed : result.error();
  }

  auto subgroup(std::uint64_t group, std::uint64_t id) {
    GroupOptions options;
    options.subgroup = id;
    return writer_->begin_group(group, options);
  }

  std::shared_ptr<TrackWriter> writer_ = std::make_shared<TrackWriter>(
      moqt::FullTrackName{moqt::TrackNamespace{"a"}, "t"}, TrackOptions{}, moqt::Draft::k15);
};

// [d15 §11.1-3, §11.1-7, §11.2-3]
TEST_F(PublisherRules, AnExtensionOfTheDraftIsThereOnce) {
  const auto group = writer_->begin_group(9);
  ASSERT_TRUE(group.ok());
  // Prior Group ID Gap 0x3c, Prior Object ID Gap 0x3e, Immutable Extensions 0x0b.
  for (const std::string_view twice : {"3c 01 3c 01", "3e 01 3e 01", "0b 02 02 01 0b 02 02 01", "3c 01 0b 02 3c 01"}) {
    EXPECT_EQ(error_of((*group)->write(payload("x"), hex(twice), 5)), SessionError::kInvalidParameter) << twice;
  }
  EXPECT_TRUE((*group)->write(payload("x"), hex("3c 01 3e 01 0b 02 02 01 02 01 02 01"), 5).ok()) << "each once";
}

// [d15 §11.1-3, §11.1-7, §11.2-3]
TEST_F(PublisherRules, AnExtensionOfADatagramIsThereOnce) {
  for (const std::string_view twice : {"3c 01 3c 01", "3e 01 3e 01", "0b 02 02 01 0b 02 02 01"}) {
    EXPECT_EQ(error_of(writer_->write_datagram({9, 5}, {}, hex(twice))), SessionError::kInvalidParameter) << twice;
  }
  EXPECT_EQ(error_of(writer_->write_datagram({9, 5}, {}, hex("3c 0a"))), SessionError::kInvalidParameter)
      << "ten groups before group 9";
  EXPECT_TRUE(writer_->write_datagram({9, 5}, {}, hex("3c 01 3e 01")).ok());
}

// [d15 §10.2.1.1-2]
TEST_F(PublisherRules, NothingComesBehindTheEndOfTheTrack) {
  const auto group = writer_->begin_group(3);
  const auto sibling = subgroup(3, 1);
  ASSERT_TRUE((*group)->write(payload("x"), {}, 0).ok());
  ASSERT_TRUE((*group)->write_status(ObjectStatus::kEndOfTrack, 1).ok());
  EXPECT_EQ(error_of((*group)->write(payload("x"), {}, 2)), SessionError::kWrongState);
  EXPECT_EQ(error_of((*sibling)->write(payload("x"), {}, 1)), SessionError::kWrongState);
  const auto later = writer_->begin_group(4);
  ASSERT_TRUE(later.ok());
  EXPECT_EQ(error_of((*later)->write(payload("x"))), SessionError::kWrongState);
  writer_->finish();
  EXPECT_EQ(writer_->begin_group(5).error(), SessionError::kWrongState);
}

// [d15 §8.1-1, §2.2-1]
TEST_F(PublisherRules, AnObjectIdIsOfOneSubgroup) {
  const auto first = subgroup(0, 0);
  const auto second = subgroup(0, 1);
  ASSERT_TRUE((*first)->write(payload("a")).ok());
  ASSERT_TRUE((*second)->write(payload("b")).ok());
  ASSERT_TRUE((*first)->write(payload("c")).ok());
  EXPECT_EQ(writer_->largest(), (moqt::Location{0, 2})) << "0 and 2, and 1 between them";
  EXPECT_EQ(error_of((*second)->write(payload("d"), {}, 2)), SessionError::kWrongState);
}

// [d15 §2.1-1]
TEST_F(PublisherRules, AnObjectIsNotPublishedAgainWithOtherContent) {
  auto group = writer_->begin_group(0);
  ASSERT_TRUE((*group)->write(payload("abc"), {}, 0).ok());
  (*group)->reset(moqt::StreamResetCode::kCancelled);
  group = writer_->begin_group(0);
  EXPECT_TRUE((*group)->write(payload("abc"), {}, 0).ok());
  group = writer_->begin_group(1);
  ASSERT_TRUE((*group)->write(payload("abc"), {}, 0).ok());
  (*group)->reset(moqt::StreamResetCode::kCancelled);
  group = writer_->begin_group(1);
  EXPECT_EQ(error_of((*group)->write(payload("abx"), {}, 0)), SessionError::kWrongState);
}

}  // namespace
}  // namespace msquic_py::testing
