#include "moqt/wire/control_message.h"

#include <gtest/gtest.h>

#include "unit/moqt/wire/hex.h"

namespace msquic_py::moqt::wire {
namespace {

constexpr std::uint64_t kProtocolViolation = 0x3;

// One of each message, written down from the figures of [d15 §9].
const std::vector<const char*>& images() {
  static const std::vector<const char*> kImages{
      "20 001a 03 | 01 04 2f6d6f71 | 02 4064 | 05 0e 6c6f63616c686f73743a34343433",
      "21 0004 01 | 02 4064",
      "10 0001 00",
      "15 0002 4064",
      "1a 0001 0a",
      "07 0002 00 00",
      "05 000c 00 10 09 6e6f7420666f756e64",
      "03 0013 00 01 0161 01 74 03 | 10 01 | 20 4080 | 21 05 04 0a 00 4046",
      "04 0007 00 02 01 | 09 02 05 07",
      "02 0005 02 00 01 | 10 00",
      "0a 0001 00",
      "0d 0007 04 01 0161 01 74 00",
      "1d 000e 01 01 0161 01 74 07 02 | 09 02 05 07 | 22 02",
      "1e 0004 01 01 | 10 00",
      "0b 000b 00 02 ffffffffffffffff 00",
      "16 000c 02 01 01 0161 01 74 03 00 05 00 00",
      "16 0005 02 02 00 01 00",
      "16 0005 02 03 00 01 00",
      "18 0005 02 00 05 08 00",
      "17 0001 02",
      "06 0014 00 02 08 6d6f712d74657374 07 696e7465726f70 00",
      "09 0003 01 0161",
      "0c 0005 01 0161 01 00",
      "11 0007 06 01 0161 01 | 10 00",
      "14 0001 06",
  };
  return kImages;
}

TEST(ControlMessage, EveryMessageDecodesOnlyWhenCompleteAndEncodesBack) {
  for (const char* text : images()) {
    SCOPED_TRACE(text);
    base::ByteVector bytes = hex(text);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_TRUE(decode_control_message(Draft::k15, base::Bytes(bytes).first(size)).needs_more()) << size;
    }
    bytes.push_back(0x03);  // the beginning of the next message is not touched
    const auto decoded = decode_control_message(Draft::k15, bytes);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->size, bytes.size() - 1);
    base::ByteVector out;
    ASSERT_TRUE(encode_control_message(Draft::k15, decoded->message, out));
    bytes.pop_back();
    EXPECT_EQ(to_hex(out), to_hex(bytes));
  }
}

TEST(ControlMessage, FieldsLandWhereTheyBelong) {
  const auto decoded = decode_control_message(Draft::k15, hex(images()[7]));
  ASSERT_TRUE(decoded.ok());
  const auto& subscribe = std::get<Subscribe>(decoded->message.body);
  EXPECT_EQ(decoded->message.request, RequestReference{0});
  EXPECT_EQ(subscribe.track, (FullTrackName{TrackNamespace{"a"}, "t"}));
  EXPECT_EQ(subscribe.parameters.forward(), true);
  EXPECT_EQ(subscribe.parameters.subscriber_priority(), 128);
  EXPECT_EQ(subscribe.parameters.filter(), SubscriptionFilter::absolute_range({10, 0}, 70));
  EXPECT_EQ(type_of(decoded->message.body), MessageType::kSubscribe);
}

// [d15 §9-2]
TEST(ControlMessage, PayloadOneByteShortOrLongIsAViolation) {
  for (const char* text : images()) {
    SCOPED_TRACE(text);
    base::ByteVector shorter = hex(text);
    if (shorter[2] == 0) continue;
    --shorter[2];
    shorter.pop_back();
    const auto cut = decode_control_message(Draft::k15, shorter);
    ASSERT_TRUE(cut.violated());
    EXPECT_EQ(cut.violation().code, kProtocolViolation);
    base::ByteVector longer = hex(text);
    ++longer[2];
    longer.push_back(0);
    const auto padded = decode_control_message(Draft::k15, longer);
    ASSERT_TRUE(padded.violated());
    EXPECT_EQ(padded.violation().code, kProtocolViolation);
  }
}

// [d15 §9-1]
TEST(ControlMessage, UnknownTypeIsRefusedWithoutWaitingForItsLength) {
  for (const char* text : {"00", "01", "08", "0e", "19", "22", "4040", "4041", "ffffffffffffffff"}) {
    const auto decoded = decode_control_message(Draft::k15, hex(text));
    ASSERT_TRUE(decoded.violated()) << text;
    EXPECT_EQ(decoded.violation().code, kProtocolViolation);
  }
  EXPECT_TRUE(decode_control_message(Draft::k15, hex("40")).needs_more());
}

// [d15 §1.4-2]
TEST(ControlMessage, NonMinimalNumbersAreAccepted) {
  // SUBSCRIBE_OK: type in 2 bytes, Request ID in 8, Track Alias in 4, count in 2, parameter type in 2, length in 4.
  const auto decoded =
      decode_control_message(Draft::k15, hex("4004 0016 c000000000000000 80000002 4001 | 4009 80000002 05 07"));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(std::get<SubscribeOk>(decoded->message.body).track_alias, 2u);
  EXPECT_EQ(std::get<SubscribeOk>(decoded->message.body).parameters.largest_object(), (Location{5, 7}));
}

// [d15 §1.4.3-1, §2.4.1-1, §2.4.1-2, §9.4-4, §9.23-1]
TEST(ControlMessage, LimitsOfTheDraft) {
  // 0 and 33 fields.
  EXPECT_TRUE(decode_control_message(Draft::k15, hex("09 0001 00")).violated());
  base::ByteVector many = hex("09 0022 21");
  many.resize(many.size() + 33, 0);
  EXPECT_TRUE(decode_control_message(Draft::k15, many).violated());
  base::ByteVector allowed = hex("09 0021 20");
  allowed.resize(allowed.size() + 32, 0);  // 32 empty fields
  EXPECT_TRUE(decode_control_message(Draft::k15, allowed).ok());

  // REQUEST_ERROR with a reason of 1024 and of 1025 bytes.
  for (const std::size_t length : {1024u, 1025u}) {
    base::ByteVector bytes = hex("05 0404 00 00");
    bytes[2] = static_cast<std::uint8_t>(length - 1024 + 4);
    bytes.push_back(static_cast<std::uint8_t>(0x40 | (length >> 8)));
    bytes.push_back(static_cast<std::uint8_t>(length & 0xff));
    bytes.resize(bytes.size() + length, 'x');
    EXPECT_EQ(decode_control_message(Draft::k15, bytes).ok(), length == 1024u);
  }

  // TRACK_STATUS with a full track name of 4096 and of 4097 bytes: a field of 4095 and a name of 1 or 2.
  for (const std::uint8_t name_length : {std::uint8_t{1}, std::uint8_t{2}}) {
    base::ByteVector bytes = hex("0d 0000 00 01 4fff");
    bytes.resize(bytes.size() + 4095, 'x');
    bytes.push_back(name_length);
    bytes.resize(bytes.size() + name_length, 'y');
    bytes.push_back(0);
    const std::size_t payload = bytes.size() - 3;
    bytes[1] = static_cast<std::uint8_t>(payload >> 8);
    bytes[2] = static_cast<std::uint8_t>(payload & 0xff);
    EXPECT_EQ(decode_control_message(Draft::k15, bytes).ok(), name_length == 1);
  }

  // GOAWAY with a URI of 8193 bytes.
  base::ByteVector goaway = hex("10 2003 6001");
  goaway.resize(goaway.size() + 8193, 'u');
  EXPECT_TRUE(decode_control_message(Draft::k15, goaway).violated());
  EXPECT_TRUE(decode_control_message(Draft::k15, hex("16 0004 02 04 00 00")).violated());     // Fetch Type 4
  EXPECT_TRUE(decode_control_message(Draft::k15, hex("18 0005 02 02 05 08 00")).violated());  // End Of Track 2
}

}  // namespace
}  // namespace msquic_py::moqt::wire
