#include <gtest/gtest.h>

#include "moqt/model/draft.h"
#include "moqt/model/error_codes.h"
#include "moqt/model/location.h"
#include "moqt/model/object_status.h"

namespace msquic_py::moqt {
namespace {

// [d15 §3.1-2]
TEST(Draft, IsNamedByItsAlpn) {
  EXPECT_EQ(alpn(Draft::k15), "moqt-15");
  EXPECT_EQ(draft_from_alpn("moqt-15"), Draft::k15);
  EXPECT_FALSE(draft_from_alpn("moqt-14"));
  EXPECT_FALSE(draft_from_alpn("moq-00"));
}

TEST(ErrorCodes, HaveTheNamesAndNumbersOfTheDraft) {
  EXPECT_EQ(static_cast<std::uint64_t>(SessionErrorCode::kMalformedAuthority), 0x1Au);
  EXPECT_EQ(name(SessionErrorCode::kKeyValueFormattingError), "KEY_VALUE_FORMATTING_ERROR");
  EXPECT_EQ(name(static_cast<SessionErrorCode>(0xA)), "UNKNOWN");
  EXPECT_EQ(static_cast<std::uint64_t>(RequestErrorCode::kInvalidJoiningRequestId), 0x32u);
  EXPECT_EQ(name(RequestErrorCode::kUnknownStatusInRange), "UNKNOWN_STATUS_IN_RANGE");
  EXPECT_EQ(name(PublishDoneCode::kTooFarBehind), "TOO_FAR_BEHIND");
  EXPECT_EQ(static_cast<std::uint64_t>(PublishDoneCode::kExpired), 0x5u);
  EXPECT_EQ(name(StreamResetCode::kDeliveryTimeout), "DELIVERY_TIMEOUT");
}

TEST(ObjectStatus, HasNoTwo) {
  EXPECT_EQ(object_status_from(1), ObjectStatus::kDoesNotExist);
  EXPECT_FALSE(object_status_from(2));
  EXPECT_FALSE(object_status_from(5));
}

// [d15 §1.4.1-1]
TEST(Location, IsOrderedByGroupFirst) {
  EXPECT_LT((Location{1, 9}), (Location{2, 0}));
  EXPECT_LT((Location{2, 0}), (Location{2, 1}));
}

}  // namespace
}  // namespace msquic_py::moqt
