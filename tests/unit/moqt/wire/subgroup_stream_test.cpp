#include <gtest/gtest.h>

#include "moqt/wire/object_stream.h"
#include "unit/moqt/wire/hex.h"

namespace msquic_py::moqt::wire {
namespace {

struct Outcome {
  std::string objects;  // "id:status:extensions:payload;" of every complete object
  std::optional<std::uint64_t> violation;
  std::optional<std::uint64_t> at_fin;
  bool operator==(const Outcome&) const = default;
};

Outcome read(base::Bytes bytes, std::size_t chunk_size, bool has_extensions, ObjectStreamLimits limits = {}) {
  Outcome outcome;
  SubgroupStreamDecoder decoder(Draft::k15, has_extensions, limits);
  ObjectStart start;
  std::string payload;
  const auto complete = [&] {
    outcome.objects += std::to_string(start.object_id) + ":" + std::to_string(static_cast<int>(start.status)) + ":" +
                       to_hex(start.extensions()) + ":" + payload + ";";
    payload.clear();
  };
  while (!bytes.empty()) {
    const std::size_t size = std::min(chunk_size, bytes.size());
    decoder.feed(base::SharedBytes::copy_of(bytes.first(size)));
    bytes = bytes.subspan(size);
    for (;;) {
      auto event = decoder.next();
      if (event.needs_more()) break;
      if (event.violated()) {
        outcome.violation = event.violation().code;
        return outcome;
      }
      if (auto* started = std::get_if<ObjectStart>(&event.value())) {
        start = std::move(*started);
        if (start.payload_length == 0) complete();
      } else {
        const auto& part = std::get<ObjectPayload>(event.value());
        payload += to_hex(part.bytes);
        if (part.last) complete();
      }
    }
  }
  if (const auto violation = decoder.finish()) outcome.at_fin = violation->code;
  return outcome;
}

void expect_same_at_every_boundary(const char* text, bool has_extensions, const Outcome& expected) {
  const base::ByteVector bytes = hex(text);
  for (std::size_t chunk = 1; chunk <= bytes.size(); ++chunk) {
    const Outcome outcome = read(bytes, chunk, has_extensions);
    EXPECT_EQ(outcome.objects, expected.objects) << "chunks of " << chunk;
    EXPECT_EQ(outcome.violation, expected.violation) << "chunks of " << chunk;
    EXPECT_EQ(outcome.at_fin, expected.at_fin) << "chunks of " << chunk;
  }
}

TEST(SubgroupStream, ExamplesOfTheDraft) {
  // [d15 §10.5], behind the stream headers.
  expect_same_at_every_boundary("00 04 61626364 | 00 04 65666768", false, {"0:0::61626364;1:0::65666768;", {}, {}});
  expect_same_at_every_boundary(
      "00 21 [04 c00000008257dcd3][404d 15 747261636549443a313233343536000000000000 00] 04 61626364 | 00 00 04 "
      "65666768",
      true, {"0:0:04c00000008257dcd3404d15747261636549443a31323334353600000000000000:61626364;1:0::65666768;", {}, {}});
}

TEST(SubgroupStream, DeltasAndStatuses) {
  expect_same_at_every_boundary("05 01 61 | 02 00 00 | 4000 00 03", false, {"5:0::61;8:0::;9:3::;", {}, {}});
  expect_same_at_every_boundary("05 00 00 04", true, {"5:4::;", {}, {}});  // an empty extension block with a status
}

TEST(SubgroupStream, Violations) {
  expect_same_at_every_boundary("00 00 02", false, {"", 0x3, {}});         // status 2
  expect_same_at_every_boundary("00 02 0201 00 03", true, {"", 0x3, {}});  // extensions beside a status
  expect_same_at_every_boundary("00 02 0502 00 03", true, {"", 0x6, {}});  // pair overruns its block
  expect_same_at_every_boundary("ffffffffffffffff 01 61 | 00 01 61", false, {"4611686018427387903:0::61;", 0x3, {}});
}

// [d15 §10.4-1]
TEST(SubgroupStream, FinInTheMiddleOfAnObject) {
  expect_same_at_every_boundary("00 04 616263", false, {"", {}, 0x3});
  expect_same_at_every_boundary("00 01 61 | 00", false, {"0:0::61;", {}, 0x3});
  expect_same_at_every_boundary("00 00", false, {"", {}, 0x3});
}

TEST(SubgroupStream, ExtensionLimitIsNoticedBeforeTheBlockArrives) {
  const base::ByteVector bytes = hex("00 4065");  // 101 bytes announced
  EXPECT_EQ(read(bytes, 1, true, {100}).violation, 0x1u);
  EXPECT_FALSE(read(bytes, 1, true, {101}).violation);
}

TEST(SubgroupStream, LargeExtensionBlockAcrossManyChunks) {
  base::ByteVector bytes = hex("00 8000fe02 09 8000fdfd");  // 65026 bytes: type 9 and 65021 bytes of value
  bytes.resize(bytes.size() + 65021, 0xaa);
  const base::ByteVector tail = hex("01 61 | 00 00 01 62");
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  const Outcome whole = read(bytes, bytes.size(), true);
  ASSERT_FALSE(whole.violation);
  EXPECT_TRUE(whole.objects.ends_with(":61;1:0::62;"));
  for (const std::size_t chunk : {1u, 7u, 63u, 64u, 65u, 1000u, 65030u})
    EXPECT_EQ(read(bytes, chunk, true), whole) << chunk;
}

TEST(SubgroupStream, ForwardsByReference) {
  const auto chunk = base::SharedBytes::copy_of(hex("07 02 0205 03 616263"));
  SubgroupStreamDecoder decoder(Draft::k15, true);
  decoder.feed(chunk);
  const auto first = decoder.next();
  const auto& start = std::get<ObjectStart>(*first);
  EXPECT_EQ(start.header.data(), chunk.data());
  EXPECT_EQ(to_hex(start.header_after_delta()), "02020503");
  EXPECT_EQ(start.payload_length, 3u);
  const auto second = decoder.next();
  EXPECT_EQ(std::get<ObjectPayload>(*second).bytes.data(), chunk.data() + 5);
  EXPECT_TRUE(std::get<ObjectPayload>(*second).last);
  EXPECT_TRUE(decoder.next().needs_more());
  EXPECT_EQ(decoder.last_object_id(), 7u);
}

TEST(SubgroupObject, OneShot) {
  const base::ByteVector bytes = hex("02 02 0205 03 616263 ff");
  for (std::size_t size = 0; size < bytes.size() - 1; ++size) {
    EXPECT_TRUE(decode_subgroup_object(Draft::k15, base::Bytes(bytes).first(size), true, 4).needs_more()) << size;
  }
  const auto decoded = decode_subgroup_object(Draft::k15, bytes, true, 4);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->size, bytes.size() - 1);
  EXPECT_EQ(decoded->object.object_id, 7u);
  base::ByteVector out;
  ASSERT_TRUE(encode_subgroup_object(Draft::k15, decoded->object, true, 4, out));
  EXPECT_EQ(to_hex(out),
            "02020205"
            "03616263");
}

TEST(SubgroupObject, EncodeErrors) {
  base::ByteVector out;
  const auto bytes = base::SharedBytes::copy_of(hex("0205"));
  const auto error = [&out](const SubgroupObject& object, bool has_extensions, std::optional<std::uint64_t> previous) {
    return encode_subgroup_object(Draft::k15, object, has_extensions, previous, out).error();
  };
  EXPECT_EQ(error({4, {}, ObjectStatus::kNormal, bytes}, false, 4), EncodeError::kObjectIdNotIncreasing);
  EXPECT_EQ(error({std::uint64_t{1} << 62, {}, ObjectStatus::kNormal, {}}, false, {}), EncodeError::kNumberTooLarge);
  EXPECT_EQ(error({0, bytes, ObjectStatus::kNormal, bytes}, false, {}), EncodeError::kExtensionsNotAnnounced);
  EXPECT_EQ(error({0, {}, ObjectStatus::kEndOfGroup, bytes}, false, {}), EncodeError::kStatusWithPayload);
  EXPECT_EQ(error({0, bytes, ObjectStatus::kEndOfGroup, {}}, true, {}), EncodeError::kStatusWithExtensions);
  EXPECT_EQ(error({0, bytes.slice(0, 1), ObjectStatus::kNormal, {}}, true, {}), EncodeError::kExtensionsMalformed);
  EXPECT_TRUE(out.empty());
  ASSERT_TRUE(encode_object_id_delta(Draft::k15, 9, 4, out));
  EXPECT_EQ(to_hex(out), "04");
}

}  // namespace
}  // namespace msquic_py::moqt::wire
