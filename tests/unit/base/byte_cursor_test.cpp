#include <gtest/gtest.h>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace msquic_py::base {
namespace {

TEST(ByteReader, LeavesTheCursorWhenAReadDoesNotFit) {
  const ByteVector bytes{0x01, 0x7b};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.read_u8(), 0x01);
  EXPECT_FALSE(reader.read_varint());  // 0x7b announces two bytes
  EXPECT_FALSE(reader.read_u16());
  EXPECT_FALSE(reader.read_bytes(2));
  EXPECT_FALSE(reader.read_bytes(~std::uint64_t{0}));
  EXPECT_EQ(reader.position(), 1u);
  EXPECT_EQ(reader.remaining(), 1u);
}

TEST(ByteReader, ReadsBigEndianAndSlices) {
  const ByteVector bytes{0x12, 0x34, 'a', 'b', 'c'};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.read_u16(), 0x1234);
  EXPECT_EQ(as_text(*reader.read_bytes(2)), "ab");
  EXPECT_EQ(as_text(reader.rest()), "c");
  EXPECT_EQ(as_text(reader.between(2, 5)), "abc");
}

TEST(ByteWriter, WritesAndPatches) {
  ByteVector out;
  ByteWriter writer(out);
  writer.write_u8(0x20);
  const std::size_t length_at = writer.size();
  writer.write_u16(0);
  writer.write_varint(64);
  writer.write_bytes(as_bytes("hi"));
  writer.patch_u16(length_at, 0x0104);
  EXPECT_EQ(out, (ByteVector{0x20, 0x01, 0x04, 0x40, 0x40, 'h', 'i'}));
}

}  // namespace
}  // namespace msquic_py::base
