// RFC 9000 section 16 and its appendix A.1 give the encodings used here.
#include "base/varint.h"

#include <gtest/gtest.h>

namespace msquic_py::base {
namespace {

ByteVector encode(std::uint64_t value) {
  std::uint8_t out[kVarintMaxSize] = {};
  const std::size_t size = encode_varint(value, out);
  return {out, out + size};
}

TEST(Varint, EncodesTheExamplesOfTheRfc) {
  EXPECT_EQ(encode(37), (ByteVector{0x25}));
  EXPECT_EQ(encode(15293), (ByteVector{0x7b, 0xbd}));
  EXPECT_EQ(encode(494878333), (ByteVector{0x9d, 0x7f, 0x3e, 0x7d}));
  EXPECT_EQ(encode(151288809941952652u), (ByteVector{0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}));
}

TEST(Varint, ChoosesTheShortestLengthAtEveryBoundary) {
  EXPECT_EQ(encode(0), (ByteVector{0x00}));
  EXPECT_EQ(encode(63), (ByteVector{0x3f}));
  EXPECT_EQ(encode(64), (ByteVector{0x40, 0x40}));
  EXPECT_EQ(encode(16383), (ByteVector{0x7f, 0xff}));
  EXPECT_EQ(encode(16384), (ByteVector{0x80, 0x00, 0x40, 0x00}));
  EXPECT_EQ(encode(1073741823), (ByteVector{0xbf, 0xff, 0xff, 0xff}));
  EXPECT_EQ(encode(1073741824), (ByteVector{0xc0, 0, 0, 0, 0x40, 0, 0, 0}));
  EXPECT_EQ(encode(kVarintMax), (ByteVector{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
}

TEST(Varint, RefusesValuesOver62Bits) {
  std::uint8_t out[kVarintMaxSize] = {0xaa};
  EXPECT_EQ(encode_varint(kVarintMax + 1, out), 0u);
  EXPECT_EQ(out[0], 0xaa);
  EXPECT_EQ(varint_size(kVarintMax + 1), 0u);
}

TEST(Varint, DecodesNonMinimalEncodings) {
  for (const ByteVector& bytes : {ByteVector{0x25}, ByteVector{0x40, 0x25}, ByteVector{0x80, 0, 0, 0x25},
                                  ByteVector{0xc0, 0, 0, 0, 0, 0, 0, 0x25}}) {
    const auto varint = decode_varint(bytes);
    ASSERT_TRUE(varint);
    EXPECT_EQ(varint->value, 37u);
    EXPECT_EQ(varint->size, bytes.size());
  }
}

TEST(Varint, WaitsForEveryMissingByte) {
  const ByteVector bytes{0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c};
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_varint(Bytes(bytes).first(size)));
  EXPECT_EQ(decode_varint(bytes)->value, 151288809941952652u);
}

}  // namespace
}  // namespace msquic_py::base
