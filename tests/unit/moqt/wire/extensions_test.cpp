#include "moqt/wire/extensions.h"

#include <gtest/gtest.h>

#include "unit/moqt/wire/hex.h"

namespace msquic_py::moqt::wire {
namespace {

std::optional<MalformedTrack> reason(const char* raw, Location location = {10, 10}) {
  const auto known = inspect_extensions(Draft::k15, hex(raw), location);
  return known ? std::nullopt : std::optional(known.error());
}

TEST(Extensions, DecodeAndEncode) {
  const base::ByteVector raw = hex("04 c00000008257dcd3 404d 02 6162");
  const auto pairs = decode_extensions(Draft::k15, raw);
  ASSERT_TRUE(pairs.ok());
  const KeyValuePairs expected{{4, std::uint64_t{0x8257dcd3}}, {0x4d, base::ByteVector{'a', 'b'}}};
  EXPECT_EQ(*pairs, expected);
  base::ByteVector out{7};
  ASSERT_TRUE(encode_extensions(Draft::k15, *pairs, out));
  EXPECT_EQ(to_hex(out), "07" + to_hex(raw));
}

// [d15 §1.4.2-1, §1.4.2-2]
TEST(Extensions, OverrunAndLengthAreNamed) {
  for (const char* raw : {"04", "40", "4000", "05 02 61", "02 40", "05"}) {
    const auto violation = check_extensions(Draft::k15, hex(raw));
    ASSERT_TRUE(violation) << raw;
    EXPECT_EQ(violation->code, 0x6u) << raw;
    EXPECT_TRUE(decode_extensions(Draft::k15, hex(raw)).violated());
  }
  EXPECT_EQ(check_extensions(Draft::k15, hex("05 80010000"))->code, 0x3u);  // 65536
  EXPECT_FALSE(check_extensions(Draft::k15, {}));
}

TEST(Extensions, EncodeErrorsLeaveTheOutputAlone) {
  base::ByteVector out{7};
  EXPECT_EQ(encode_extensions(Draft::k15, {{2, std::uint64_t{1}}, {3, std::uint64_t{1}}}, out).error(),
            EncodeError::kKeyValueKind);
  EXPECT_EQ(encode_extensions(Draft::k15, {{2, std::uint64_t{1} << 62}}, out).error(), EncodeError::kNumberTooLarge);
  EXPECT_EQ(encode_extensions(Draft::k15, {{3, base::ByteVector(65536)}}, out).error(), EncodeError::kKeyValueTooLong);
  EXPECT_EQ(out, base::ByteVector{7});
}

TEST(Extensions, InspectFindsWhatTheDraftDefines) {
  const base::ByteVector raw = hex("3c 02 02 01 0b 04 3e 03 09 00");
  const auto known = inspect_extensions(Draft::k15, raw, {2, 3});
  ASSERT_TRUE(known);
  EXPECT_EQ(known->prior_group_id_gap, 2u);
  EXPECT_EQ(known->prior_object_id_gap, 3u);  // inside Immutable Extensions, still the object's
  EXPECT_EQ(to_hex(*known->immutable), "3e030900");
}

// [d15 §11.1-8]
TEST(Extensions, MalformedTracksHaveReasons) {
  EXPECT_EQ(reason("3c 01 3c 01"), MalformedTrack::kPriorGroupIdGapRepeated);
  EXPECT_EQ(reason("3c 01 0b 02 3c 01"), MalformedTrack::kPriorGroupIdGapRepeated);
  EXPECT_EQ(reason("3e 01 3e 02"), MalformedTrack::kPriorObjectIdGapRepeated);
  EXPECT_EQ(reason("3c 0a"), std::nullopt);
  EXPECT_EQ(reason("3c 0b"), MalformedTrack::kPriorGroupIdGapExceedsGroupId);
  EXPECT_EQ(reason("3e 0a"), std::nullopt);
  EXPECT_EQ(reason("3e 0b"), MalformedTrack::kPriorObjectIdGapExceedsObjectId);
  EXPECT_EQ(reason("0b 00 0b 00"), MalformedTrack::kImmutableExtensionsRepeated);
  EXPECT_EQ(reason("0b 02 0b 00"), MalformedTrack::kImmutableExtensionsNested);
  EXPECT_EQ(reason("0b 01 02"), MalformedTrack::kImmutableExtensionsUnparsable);
  EXPECT_EQ(reason("0b 03 05 02 61"), MalformedTrack::kImmutableExtensionsUnparsable);
}

}  // namespace
}  // namespace msquic_py::moqt::wire
