#include <gtest/gtest.h>

#include "moqt/wire/stream_header_decoder.h"
#include "unit/moqt/wire/hex.h"

namespace msquic_py::moqt::wire {
namespace {

bool valid_subgroup_type(std::uint64_t type) {
  for (const std::uint64_t base : {0x10u, 0x18u, 0x30u, 0x38u}) {
    if (type >= base && type <= base + 5) return true;
  }
  return false;
}

// [d15 §10-1, §10.4.2-3]
TEST(StreamHeader, ExactlyTheTypesOfTheDraft) {
  for (std::uint64_t type = 0; type < 0x40; ++type) {
    const base::ByteVector bytes{static_cast<std::uint8_t>(type)};
    StreamHeaderDecoder decoder(Draft::k15);
    const auto decoded = decoder.feed(base::SharedBytes::copy_of(bytes));
    EXPECT_EQ(decoded.needs_more(), type == 5 || valid_subgroup_type(type)) << type;
    EXPECT_EQ(decoded.violated(), !(type == 5 || valid_subgroup_type(type))) << type;
  }
  EXPECT_TRUE(decode_subgroup_header(Draft::k15, hex("4054")).violated());
}

TEST(StreamHeader, EverySubgroupTypeByItsBits) {
  for (std::uint64_t type = 0x10; type < 0x40; ++type) {
    if (!valid_subgroup_type(type)) continue;
    SCOPED_TRACE(type);
    base::ByteVector bytes{static_cast<std::uint8_t>(type), 0x07, 0x40, 0x64};
    if ((type & 6) == 4) bytes.push_back(0x09);
    if ((type & 0x20) == 0) bytes.push_back(0xff);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_TRUE(decode_subgroup_header(Draft::k15, base::Bytes(bytes).first(size)).needs_more());
    }
    const auto decoded = decode_subgroup_header(Draft::k15, bytes);
    ASSERT_TRUE(decoded.ok());
    const SubgroupHeader& header = decoded->header;
    EXPECT_EQ(decoded->size, bytes.size());
    EXPECT_EQ(header.track_alias, 7u);
    EXPECT_EQ(header.group_id, 100u);
    EXPECT_EQ(header.has_extensions, (type & 1) != 0);
    EXPECT_EQ(header.contains_end_of_group, (type & 8) != 0);
    EXPECT_EQ(header.publisher_priority.has_value(), (type & 0x20) == 0);
    EXPECT_EQ(header.subgroup_id, (type & 6) == 4 ? 9u : 0u);
    EXPECT_EQ(subgroup_header_type(header), type);
    base::ByteVector out;
    ASSERT_TRUE(encode_subgroup_header(Draft::k15, header, out));
    EXPECT_EQ(to_hex(out), to_hex(bytes));
  }
}

TEST(StreamHeader, DecoderHandsOnWhatLiesBehind) {
  const base::ByteVector bytes = hex("4014 c000000000000002 02 80000000 7f | 0001");
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    StreamHeaderDecoder decoder(Draft::k15);
    EXPECT_FALSE(decoder.started());
    const auto first = decoder.feed(base::SharedBytes::copy_of(base::Bytes(bytes).first(cut)));
    if (first.ok()) {
      EXPECT_GE(cut, bytes.size() - 2);
      EXPECT_EQ(decoder.rest().size(), cut - (bytes.size() - 2));
      continue;
    }
    ASSERT_TRUE(first.needs_more());
    EXPECT_EQ(decoder.started(), cut > 0);
    const auto second = decoder.feed(base::SharedBytes::copy_of(base::Bytes(bytes).subspan(cut)));
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(std::get<SubgroupHeader>(*second).track_alias, 2u);
    EXPECT_EQ(to_hex(decoder.rest()), "0001");
  }
}

TEST(StreamHeader, FetchHeader) {
  EXPECT_EQ(decode_fetch_header(Draft::k15, hex("05 4064"))->header.request_id, 100u);
  EXPECT_TRUE(decode_fetch_header(Draft::k15, hex("05 40")).needs_more());
  EXPECT_TRUE(decode_fetch_header(Draft::k15, hex("14")).violated());
  EXPECT_TRUE(decode_subgroup_header(Draft::k15, hex("05")).violated());
  base::ByteVector out;
  ASSERT_TRUE(encode_fetch_header(Draft::k15, {100}, out));
  EXPECT_EQ(to_hex(out), "054064");
}

TEST(StreamHeader, EncodeErrors) {
  base::ByteVector out;
  EXPECT_EQ(encode_subgroup_header(Draft::k15, {.track_alias = std::uint64_t{1} << 62}, out).error(),
            EncodeError::kNumberTooLarge);
  EXPECT_EQ(
      encode_subgroup_header(Draft::k15, {.subgroup_id_mode = SubgroupIdMode::kZero, .subgroup_id = 1}, out).error(),
      EncodeError::kSubgroupIdMode);
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace msquic_py::moqt::wire
