#include "moqt/wire/datagram.h"

#include <gtest/gtest.h>

#include "unit/moqt/wire/hex.h"

namespace msquic_py::moqt::wire {
namespace {

bool valid_type(unsigned type) {
  for (const unsigned status : {0x20u, 0x21u, 0x24u, 0x25u, 0x28u, 0x29u, 0x2cu, 0x2du}) {
    if (type == status) return true;
  }
  return type <= 0x0f;
}

base::ByteVector image(unsigned type) {
  base::ByteVector bytes{static_cast<std::uint8_t>(type), 0x07, 0x05};
  if ((type & 4) == 0) bytes.push_back(0x09);
  if ((type & 8) == 0) bytes.push_back(0xc8);
  if (type & 1) bytes.insert(bytes.end(), {2, 2, 5});
  if (type & 0x20) {
    bytes.push_back(type & 1 ? 0x00 : 0x03);
  } else {
    bytes.insert(bytes.end(), {'a', 'b'});
  }
  return bytes;
}

// [d15 §10-1]
TEST(ObjectDatagram, ExactlyTheTypesOfTheDraft) {
  for (unsigned type = 0; type < 0x40; ++type) {
    SCOPED_TRACE(type);
    const auto shared = base::SharedBytes::copy_of(image(type));
    const auto decoded = decode_object_datagram(Draft::k15, shared);
    ASSERT_EQ(decoded.ok(), valid_type(type));
    if (!decoded) {
      EXPECT_EQ(decoded.violation().code, 0x3u);
      continue;
    }
    EXPECT_EQ(decoded->track_alias, 7u);
    EXPECT_EQ(decoded->location, (Location{5, type & 4 ? 0u : 9u}));
    EXPECT_EQ(decoded->publisher_priority.has_value(), (type & 8) == 0);
    EXPECT_EQ(decoded->end_of_group, (type & 2) != 0);
    EXPECT_EQ(decoded->status.has_value(), (type & 0x20) != 0);
    EXPECT_EQ(to_hex(decoded->payload), type & 0x20 ? "" : "6162");
    EXPECT_EQ(to_hex(decoded->extensions), type & 1 ? "0205" : "");

    base::ByteVector out;
    ASSERT_TRUE(encode_object_datagram(Draft::k15, *decoded, out));
    if (type != 0x2c && type != 0x2d) {
      EXPECT_EQ(to_hex(out), to_hex(shared));
    } else {
      EXPECT_EQ(out[0], type & ~4u);  // sent with the Object ID instead
      EXPECT_EQ(decode_object_datagram(Draft::k15, base::SharedBytes::copy_of(out)).value(), *decoded);
    }
  }
}

TEST(ObjectDatagram, CutShortIsAViolationNotAWait) {
  for (unsigned type = 0; type < 0x40; ++type) {
    if (!valid_type(type)) continue;
    const base::ByteVector bytes = image(type);
    const std::size_t shortest = type & 0x20 ? bytes.size() : bytes.size() - 2;
    for (std::size_t size = 0; size < shortest; ++size) {
      const auto decoded =
          decode_object_datagram(Draft::k15, base::SharedBytes::copy_of(base::Bytes(bytes).first(size)));
      ASSERT_TRUE(decoded.violated()) << type << " cut to " << size;
      EXPECT_EQ(decoded.violation().code, 0x3u);
    }
  }
}

// [d15 §10.2.1.1-3, §10.2.1.2-1]
TEST(ObjectDatagram, Violations) {
  const auto code = [](const char* text) {
    const auto decoded = decode_object_datagram(Draft::k15, base::SharedBytes::copy_of(hex(text)));
    return decoded.violated() ? decoded.violation().code : 0;
  };
  EXPECT_EQ(code("0d 07 05 00 6162"), 0x3u);        // extensions announced, length 0
  EXPECT_EQ(code("28 07 05 09 02"), 0x3u);          // status 2
  EXPECT_EQ(code("28 07 05 09 03 00"), 0x3u);       // bytes behind the status
  EXPECT_EQ(code("29 07 05 09 02 0205 03"), 0x3u);  // extensions beside End of Group
  EXPECT_EQ(code("0d 07 05 02 0502 61"), 0x6u);     // pair overruns its block
  EXPECT_EQ(code("08 07 05 09"), 0u);               // an empty payload is an object
}

TEST(ObjectDatagram, EncodeErrors) {
  base::ByteVector out;
  const auto bytes = base::SharedBytes::copy_of(hex("0205"));
  const auto error = [&out](const ObjectDatagram& datagram) {
    return encode_object_datagram(Draft::k15, datagram, out).error();
  };
  EXPECT_EQ(error({.end_of_group = true, .status = ObjectStatus::kEndOfGroup}), EncodeError::kDatagramFlags);
  EXPECT_EQ(error({.status = ObjectStatus::kNormal, .payload = bytes}), EncodeError::kStatusWithPayload);
  EXPECT_EQ(error({.extensions = bytes, .status = ObjectStatus::kEndOfTrack}), EncodeError::kStatusWithExtensions);
  EXPECT_EQ(error({.extensions = bytes.slice(0, 1)}), EncodeError::kExtensionsMalformed);
  EXPECT_EQ(error({.track_alias = std::uint64_t{1} << 62}), EncodeError::kNumberTooLarge);
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace msquic_py::moqt::wire
