#include <gtest/gtest.h>

#include <set>

#include "moqt/model/error_codes.h"
#include "moqt/wire/datagram.h"
#include "unit/vectors/message_json.h"
#include "unit/vectors/stream_json.h"
#include "unit/vectors/vector_file.h"

namespace msquic_py::tests {
namespace {

using moqt::Draft;
using namespace moqt::wire;

constexpr auto kProtocolViolation = static_cast<std::uint64_t>(moqt::SessionErrorCode::kProtocolViolation);

Json normalized(const Json& vector) {
  Json json = vector.at("datagram");
  json.erase("type");
  json["extensions"] = normalized_pairs(json["extensions"]);
  if (!json["object_payload"].is_null()) json["object_payload"] = to_hex(text_of(json["object_payload"]));
  return json;
}

class DatagramVectors : public testing::TestWithParam<Draft> {
 protected:
  static base::Decoded<ObjectDatagram> decode(base::Bytes bytes) {
    return decode_object_datagram(GetParam(), base::SharedBytes::copy_of(bytes));
  }

  VectorFile file_ = load_vectors(GetParam(), "datagram", "datagram");
};
INSTANTIATE_TEST_SUITE_P(Drafts, DatagramVectors, testing::ValuesIn(kVectorDrafts), draft_name);

TEST_P(DatagramVectors, CoverAllTypes) {
  std::set<int> types;
  for (const Json& vector : file_.vectors) {
    if (!is_error(vector)) types.insert(vector.at("datagram").at("type").get<int>());
  }
  EXPECT_EQ(types.size(), 24U);
}

TEST_P(DatagramVectors, DecodeToTheirObject) {
  for (const Json& vector : file_.vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    for (const base::ByteVector& image : images_of(GetParam(), vector)) {
      const auto datagram = decode(image);
      ASSERT_TRUE(datagram.ok()) << (datagram.violated() ? describe(datagram.violation()) : "needs more") << "\n"
                                 << to_hex(image).substr(0, 200);
      EXPECT_EQ(datagram_json(GetParam(), *datagram), normalized(vector));
    }
  }
}

// A datagram that ends inside its header is malformed; one that ends inside its payload has a shorter
// payload.
TEST_P(DatagramVectors, NeverWaitWhenTruncated) {
  for (const Json& vector : file_.vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector image = bytes_of(vector.at("hex"));
    const auto header_end = vector.at("header_end").get<std::size_t>();
    for (std::size_t cut = 0; cut < image.size(); ++cut) {
      const auto datagram = decode(base::Bytes(image).first(cut));
      if (cut < header_end) {
        ASSERT_TRUE(datagram.violated()) << "cut to " << cut;
        ASSERT_EQ(datagram.violation().code, kProtocolViolation) << describe(datagram.violation());
      } else {
        ASSERT_TRUE(datagram.ok()) << "cut to " << cut;
        ASSERT_EQ(datagram->payload.size(), cut - header_end);
      }
    }
  }
}

TEST_P(DatagramVectors, EncodeToTheirBytes) {
  for (const Json& vector : file_.vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector image = bytes_of(vector.at("hex"));
    const auto datagram = decode(image);
    ASSERT_TRUE(datagram.ok());
    base::ByteVector out, header;
    const auto encoded = encode_object_datagram(GetParam(), *datagram, out);
    ASSERT_TRUE(encoded.ok()) << moqt::wire::describe(encoded.error());
    ASSERT_TRUE(encode_object_datagram_header(GetParam(), *datagram, header).ok());
    header.insert(header.end(), datagram->payload.view().begin(), datagram->payload.view().end());
    EXPECT_EQ(to_hex(header), to_hex(out));
    if (is_canonical(vector)) {
      EXPECT_EQ(object_datagram_type(*datagram), vector.at("datagram").at("type").get<std::uint64_t>());
      EXPECT_EQ(to_hex(out), to_hex(image));
    } else {
      const auto again = decode(out);
      ASSERT_TRUE(again.ok());
      EXPECT_EQ(datagram_json(GetParam(), *again), datagram_json(GetParam(), *datagram));
      EXPECT_NE(object_datagram_type(*datagram) & ~std::uint64_t{1}, 0x2CU) << "read in two ways, never sent";
    }
  }
}

TEST_P(DatagramVectors, AreRefusedWithTheirError) {
  for (const Json& vector : file_.vectors) {
    if (!is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const auto datagram = decode(bytes_of(vector.at("hex")));
    ASSERT_TRUE(datagram.violated()) << (datagram.ok() ? "a value" : "needs more");
    EXPECT_TRUE(matches_error(vector, datagram.violation())) << describe(datagram.violation());
  }
}

}  // namespace
}  // namespace msquic_py::tests
