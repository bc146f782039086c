#include <gtest/gtest.h>

#include "base/varint.h"
#include "moqt/wire/codec.h"
#include "unit/vectors/vector_file.h"

namespace msquic_py::tests {
namespace {

// [d15 §1.4-1]
TEST(VarintVectors, DecodeAndEncode) {
  for (const Json& vector : load_vectors("varint", "varint").vectors) {
    SCOPED_TRACE(name_of(vector));
    base::ByteVector image = bytes_of(vector.at("hex"));
    const auto value = vector.at("value").get<std::uint64_t>();
    for (std::size_t cut = 0; cut < image.size(); ++cut)
      EXPECT_FALSE(base::decode_varint(base::Bytes(image).first(cut)));
    const std::size_t size = image.size();
    EXPECT_EQ(base::varint_size_from_first_byte(image.front()), size);
    image.push_back(0xFF);
    const auto varint = base::decode_varint(image);
    ASSERT_TRUE(varint);
    EXPECT_EQ(varint->value, value);
    EXPECT_EQ(varint->size, size);
    base::ByteVector out(base::kVarintMaxSize);
    out.resize(base::encode_varint(value, out.data()));
    EXPECT_EQ(out.size(), base::varint_size(value));
    if (is_canonical(vector)) {
      EXPECT_EQ(to_hex(out), to_hex(base::Bytes(image).first(size)));
    } else {
      EXPECT_LT(out.size(), size);
    }
  }
}

class IntegerVectors : public testing::TestWithParam<moqt::Draft> {};
INSTANTIATE_TEST_SUITE_P(Drafts, IntegerVectors, testing::ValuesIn(kVectorDrafts), draft_name);

// As the codec of the draft has them.
TEST_P(IntegerVectors, DecodeAndEncode) {
  const moqt::wire::Codec& codec = moqt::wire::codec_for(GetParam());
  for (const Json& vector : load_vectors(GetParam(), "varint", "varint").vectors) {
    SCOPED_TRACE(name_of(vector));
    base::ByteVector image = bytes_of(vector.at("hex"));
    const auto value = vector.at("value").get<std::uint64_t>();
    const std::size_t size = image.size();
    for (std::size_t cut = 0; cut < size; ++cut) EXPECT_FALSE(codec.decode_integer(base::Bytes(image).first(cut)));
    image.push_back(0xFF);
    const auto integer = codec.decode_integer(image);
    ASSERT_TRUE(integer);
    EXPECT_EQ(integer->value, value);
    EXPECT_EQ(integer->size, size);
    base::ByteVector out(moqt::wire::kMaxIntegerSize);
    out.resize(codec.encode_integer(value, out.data()));
    EXPECT_EQ(out.size(), codec.integer_size(value));
    if (is_canonical(vector)) {
      EXPECT_EQ(to_hex(out), to_hex(base::Bytes(image).first(size)));
    } else {
      EXPECT_LT(out.size(), size);
    }
  }
}

TEST(VectorFiles, FailWhenMissingOrOfAnotherKind) {
  EXPECT_ANY_THROW(load_vectors("no_such_file", "control"));
  EXPECT_ANY_THROW(load_vectors("varint", "control"));
}

}  // namespace
}  // namespace msquic_py::tests
