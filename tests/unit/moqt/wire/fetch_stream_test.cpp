#include <gtest/gtest.h>

#include "base/varint.h"
#include "moqt/wire/object_stream.h"
#include "unit/moqt/wire/hex.h"

namespace msquic_py::moqt::wire {
namespace {

constexpr FetchPriorObject kPrior{{5, 7}, 3, 100};

std::optional<std::uint64_t> violation_of(const char* text, const std::optional<FetchPriorObject>& prior) {
  const auto decoded = decode_fetch_object(Draft::k15, hex(text), prior);
  return decoded.violated() ? std::optional(decoded.violation().code) : std::nullopt;
}

// [d15 §10.4.4-1]
TEST(FetchObject, FirstObjectMayNotReferToAPriorOne) {
  for (unsigned flags = 0; flags < 0x40; ++flags) {
    const bool allowed = (flags & 0x1c) == 0x1c && ((flags & 3) == 0 || (flags & 3) == 3);
    const auto decoded =
        decode_fetch_object(Draft::k15, base::ByteVector{static_cast<std::uint8_t>(flags)}, std::nullopt);
    EXPECT_EQ(decoded.violated(), !allowed) << flags;  // and at the first byte
    EXPECT_EQ(decode_fetch_object(Draft::k15, base::ByteVector{static_cast<std::uint8_t>(flags)}, kPrior).needs_more(),
              true);
  }
  for (const char* text : {"40", "80", "5c", "ff"}) EXPECT_EQ(violation_of(text, kPrior), 0x3u);
}

TEST(FetchObject, EveryFlagTakesItsValueFromItsPlace) {
  for (unsigned flags = 0; flags < 0x40; ++flags) {
    SCOPED_TRACE(flags);
    base::ByteVector bytes{static_cast<std::uint8_t>(flags)};
    if (flags & 0x08) bytes.push_back(0x06);      // Group ID
    if ((flags & 3) == 3) bytes.push_back(0x09);  // Subgroup ID
    if (flags & 0x04) bytes.push_back(0x0b);      // Object ID
    if (flags & 0x10) bytes.push_back(0xc8);      // Publisher Priority
    if (flags & 0x20) bytes.insert(bytes.end(), {2, 2, 5});
    bytes.insert(bytes.end(), {1, 'x'});
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_TRUE(decode_fetch_object(Draft::k15, base::Bytes(bytes).first(size), kPrior).needs_more());
    }
    const auto decoded = decode_fetch_object(Draft::k15, bytes, kPrior);
    ASSERT_TRUE(decoded.ok());
    const FetchObject& object = decoded->object;
    EXPECT_EQ(object.location, (Location{flags & 0x08 ? 6u : 5u, flags & 0x04 ? 11u : 8u}));
    const std::uint64_t subgroups[] = {0, 3, 4, 9};
    EXPECT_EQ(object.subgroup_id, subgroups[flags & 3]);
    EXPECT_EQ(object.publisher_priority, flags & 0x10 ? 200 : 100);
    EXPECT_EQ(object.extensions.size(), flags & 0x20 ? 2u : 0u);
    EXPECT_EQ(decoded->flags, flags);

    base::ByteVector out;
    ASSERT_TRUE(encode_fetch_object(Draft::k15, object, kPrior, out));
    const auto again = decode_fetch_object(Draft::k15, out, kPrior);
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->object, object);
  }
}

// A datagram has no Subgroup ID. The drafts do not say whether that of the object before it counts for the one behind
// it, so that one says its own.
TEST(FetchObject, BehindADatagramTheSubgroupIsSaid) {
  FetchObjectFields datagram{{5, 8}, 0, 100, {}, 1};
  datagram.datagram = true;
  const FetchObjectFields behind{{5, 9}, 3, 100, {}, 1};
  for (const Draft draft : {Draft::k16, Draft::k18, Draft::k22}) {
    SCOPED_TRACE(static_cast<int>(draft));
    base::ByteVector out;
    ASSERT_TRUE(encode_fetch_object_header(draft, behind, datagram.prior(), out));
    EXPECT_EQ(to_hex(out), "030301");  // flags: Subgroup ID present; Subgroup ID 3; Object Payload Length 1
  }
}

TEST(FetchObject, EncoderLeavesOutWhatThePriorSays) {
  base::ByteVector out;
  const auto payload = base::SharedBytes::copy_of(hex("61"));
  ASSERT_TRUE(encode_fetch_object(Draft::k15, {{5, 8}, 3, 100, {}, ObjectStatus::kNormal, payload}, kPrior, out));
  EXPECT_EQ(to_hex(out), "010161");
  out.clear();
  ASSERT_TRUE(encode_fetch_object(Draft::k15, {{6, 8}, 4, 100, {}, ObjectStatus::kNormal, payload}, kPrior, out));
  EXPECT_EQ(to_hex(out), "0e06080161");  // a new group always names its object
  out.clear();
  ASSERT_TRUE(encode_fetch_object(Draft::k15, {{6, 0}, 0, 1, {}, ObjectStatus::kEndOfGroup, {}}, std::nullopt, out));
  EXPECT_EQ(to_hex(out), "1c0600010003");
}

TEST(FetchObject, OverflowOfImpliedNumbers) {
  EXPECT_EQ(violation_of("00", FetchPriorObject{{0, base::kVarintMax}, 0, 0}), 0x3u);
  EXPECT_EQ(violation_of("02", FetchPriorObject{{0, 0}, base::kVarintMax, 0}), 0x3u);
  EXPECT_EQ(violation_of("04 05 00 00", FetchPriorObject{{0, base::kVarintMax}, 0, 0}), std::nullopt);
}

TEST(FetchObject, EncodeErrors) {
  base::ByteVector out;
  EXPECT_EQ(encode_fetch_object(Draft::k15, {{5, 7}, 3, 100, {}, ObjectStatus::kNormal, {}}, kPrior, out).error(),
            EncodeError::kObjectIdNotIncreasing);
  EXPECT_EQ(encode_fetch_object(Draft::k15, {{5, 7}, std::uint64_t{1} << 62, 1, {}, ObjectStatus::kNormal, {}}, {}, out)
                .error(),
            EncodeError::kNumberTooLarge);
  EXPECT_TRUE(out.empty());
}

TEST(FetchStream, SameObjectsAtEveryBoundary) {
  const base::ByteVector bytes = hex("1f 05 03 07 64 04 61626364 | 21 02 0205 00 00 | 0c 06 00 02 6566 | 00 00 03");
  for (std::size_t chunk = 1; chunk <= bytes.size(); ++chunk) {
    FetchStreamDecoder decoder(Draft::k15, GroupOrder::kAscending);
    std::string seen;
    for (base::Bytes rest = bytes; !rest.empty(); rest = rest.subspan(std::min(chunk, rest.size()))) {
      decoder.feed(base::SharedBytes::copy_of(rest.first(std::min(chunk, rest.size()))));
      for (auto event = decoder.next(); !event.needs_more(); event = decoder.next()) {
        ASSERT_TRUE(event.ok());
        if (const auto* start = std::get_if<FetchObjectStart>(&event.value())) {
          seen += "|" + std::to_string(start->group_id) + "." + std::to_string(start->object.object_id) + "." +
                  std::to_string(start->subgroup_id) + "." + std::to_string(start->publisher_priority) + "." +
                  std::to_string(static_cast<int>(start->object.status)) + " ";
        } else {
          seen += to_hex(std::get<ObjectPayload>(event.value()).bytes);
        }
      }
    }
    EXPECT_EQ(seen, "|5.7.3.100.0 61626364|5.8.3.100.0 |6.0.0.100.0 6566|6.1.0.100.3 ") << "chunks of " << chunk;
    EXPECT_FALSE(decoder.finish());
  }
}

TEST(FetchStream, FinInTheMiddle) {
  FetchStreamDecoder decoder(Draft::k15, GroupOrder::kAscending);
  EXPECT_FALSE(decoder.finish());
  decoder.feed(base::SharedBytes::copy_of(hex("1f 05")));
  EXPECT_TRUE(decoder.next().needs_more());
  EXPECT_EQ(decoder.finish()->code, 0x3u);
}

}  // namespace
}  // namespace msquic_py::moqt::wire
