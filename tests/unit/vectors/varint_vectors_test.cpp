#include <gtest/gtest.h>

#include "base/varint.h"
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

TEST(VectorFiles, FailWhenMissingOrOfAnotherKind) {
  EXPECT_ANY_THROW(load_vectors("no_such_file", "control"));
  EXPECT_ANY_THROW(load_vectors("varint", "control"));
}

}  // namespace
}  // namespace msquic_py::tests
