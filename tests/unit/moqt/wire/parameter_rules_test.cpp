#include <gtest/gtest.h>

#include "moqt/wire/control_message.h"
#include "unit/moqt/wire/hex.h"

namespace msquic_py::moqt::wire {
namespace {

constexpr std::uint64_t kProtocolViolation = 0x3;
constexpr std::uint64_t kKeyValueFormattingError = 0x6;

/// A message whose payload is `head` and then `parameters`; the length is filled in.
base::ByteVector message(const char* type, const char* head, const char* parameters) {
  base::ByteVector bytes = hex(type);
  base::ByteVector payload = hex(head);
  const base::ByteVector tail = hex(parameters);
  payload.insert(payload.end(), tail.begin(), tail.end());
  bytes.push_back(static_cast<std::uint8_t>(payload.size() >> 8));
  bytes.push_back(static_cast<std::uint8_t>(payload.size() & 0xff));
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

base::Decoded<DecodedControlMessage> subscribe(const char* parameters) {
  return decode_control_message(Draft::k15, message("03", "00 01 0161 01 74", parameters));
}
base::Decoded<DecodedControlMessage> publish(const char* parameters) {
  return decode_control_message(Draft::k15, message("1d", "00 01 0161 01 74 05", parameters));
}
base::Decoded<DecodedControlMessage> client_setup(const char* parameters) {
  return decode_control_message(Draft::k15, message("20", "", parameters));
}

void expect_violation(const base::Decoded<DecodedControlMessage>& decoded, std::uint64_t code) {
  ASSERT_TRUE(decoded.violated());
  EXPECT_EQ(decoded.violation().code, code) << decoded.violation().what;
}

// [d15 §9.2.1.4-1, §9.2.1.5-1, §9.2.1.6-1, §9.2.1.10-1, §9.2.1.11-1]
TEST(ParameterRules, RangesOfNumbers) {
  EXPECT_TRUE(subscribe("01 | 20 40ff").ok());
  expect_violation(subscribe("01 | 20 4100"), kProtocolViolation);
  EXPECT_TRUE(publish("01 | 0e 40ff").ok());
  expect_violation(publish("01 | 0e 4100"), kProtocolViolation);
  expect_violation(subscribe("01 | 22 00"), kProtocolViolation);
  expect_violation(subscribe("01 | 22 03"), kProtocolViolation);
  expect_violation(subscribe("01 | 10 02"), kProtocolViolation);
  expect_violation(publish("01 | 30 02"), kProtocolViolation);
}

// [d15 §9.2.1-1]
TEST(ParameterRules, NotDefinedForTheMessageIsIgnoredWhateverItsValue) {
  // PUBLISHER_PRIORITY, DYNAMIC_GROUPS and LARGEST_OBJECT are not SUBSCRIBE's; even repeated and out of range.
  const auto decoded = subscribe("04 | 0e 4100 | 30 09 | 30 09 | 09 01 ff");
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(std::get<Subscribe>(decoded->message.body).parameters.size(), 4u);
  EXPECT_FALSE(std::get<Subscribe>(decoded->message.body).parameters.largest_object());
}

// [d15 §9.2-2, §9.2-3]
TEST(ParameterRules, RepeatedKnownIsAViolationRepeatedUnknownIsNot) {
  expect_violation(subscribe("02 | 10 01 | 10 01"), kProtocolViolation);
  EXPECT_TRUE(subscribe("02 | 3a 01 | 3a 01").ok());
  EXPECT_TRUE(subscribe("02 | 03 02 02 01 | 03 02 02 02").ok());  // tokens may repeat
  expect_violation(client_setup("02 | 02 01 | 02 02"), kProtocolViolation);
}

TEST(ParameterRules, SetupNumbersAreAnotherSpace) {
  // 0x20 in SETUP is unknown, so 256 is fine; 0x02 in SUBSCRIBE is DELIVERY_TIMEOUT.
  EXPECT_TRUE(client_setup("01 | 20 4100").ok());
  EXPECT_TRUE(client_setup("02 | 10 05 | 10 06").ok());
}

// [d15 §5.1.2-2, §9.2.1.7-1]
TEST(ParameterRules, FilterMustFillItsLength) {
  EXPECT_TRUE(subscribe("01 | 21 01 02").ok());
  expect_violation(subscribe("01 | 21 01 05"), kProtocolViolation);
  expect_violation(subscribe("01 | 21 01 00"), kProtocolViolation);
  expect_violation(subscribe("01 | 21 02 02 00"), kProtocolViolation);
  expect_violation(subscribe("01 | 21 02 03 00"), kProtocolViolation);
  expect_violation(subscribe("01 | 21 03 04 00 00"), kProtocolViolation);
  expect_violation(subscribe("01 | 21 00"), kProtocolViolation);
}

TEST(ParameterRules, ReversedFilterRangeIsForTheSessionToAnswer) {
  const auto decoded = subscribe("01 | 21 04 04 05 00 04");
  ASSERT_TRUE(decoded.ok());
  EXPECT_FALSE(std::get<Subscribe>(decoded->message.body).parameters.filter()->valid());
}

// [d15 §1.4.2-2]
TEST(ParameterRules, LargestObjectMustBeOneLocation) {
  EXPECT_TRUE(publish("01 | 09 02 05 07").ok());
  expect_violation(publish("01 | 09 01 05"), kKeyValueFormattingError);
  expect_violation(publish("01 | 09 03 05 07 00"), kKeyValueFormattingError);
}

TEST(ParameterRules, TokensInEveryForm) {
  const auto decoded = subscribe("04 | 03 02 00 07 | 03 05 01 07 01 6162 | 03 02 02 07 | 03 05 03 00 616263");
  ASSERT_TRUE(decoded.ok());
  const auto tokens = std::get<Subscribe>(decoded->message.body).parameters.authorization_tokens();
  ASSERT_EQ(tokens.size(), 4u);
  EXPECT_EQ(tokens[0], (AuthorizationToken{TokenAliasType::kDelete, 7, 0, {}}));
  EXPECT_EQ(tokens[1], (AuthorizationToken{TokenAliasType::kRegister, 7, 1, {'a', 'b'}}));
  EXPECT_EQ(tokens[2], (AuthorizationToken{TokenAliasType::kUseAlias, 7, 0, {}}));
  EXPECT_EQ(tokens[3], (AuthorizationToken{TokenAliasType::kUseValue, 0, 0, {'a', 'b', 'c'}}));
}

// [d15 §1.4.2-2, §9.2.1.1-4]
TEST(ParameterRules, UndecodableTokens) {
  for (const char* token : {"00", "01 04", "01 01", "02 01 07", "01 00", "03 00 07 00", "03 02 07 00", "01 03"}) {
    SCOPED_TRACE(token);
    const std::string parameters = std::string("01 03 ") + token;  // length, then the Token
    expect_violation(subscribe(parameters.c_str()), kKeyValueFormattingError);
  }
}

// [d15 §9.2.1.1-3]
TEST(ParameterRules, ClientSetupCannotNameAliases) {
  EXPECT_TRUE(client_setup("01 | 03 05 01 07 01 6162").ok());
  expect_violation(client_setup("01 | 03 02 00 07"), kProtocolViolation);
  expect_violation(client_setup("01 | 03 02 02 07"), kProtocolViolation);
  EXPECT_TRUE(decode_control_message(Draft::k15, message("21", "", "01 | 03 02 02 07")).ok());
}

TEST(ParameterRules, UnknownOnesSurviveInOrder) {
  const base::ByteVector bytes = message("03", "00 01 0161 01 74", "04 | 7abc 05 | 10 01 | 3b 03 010203 | 7abc 06");
  const auto decoded = decode_control_message(Draft::k15, bytes);
  ASSERT_TRUE(decoded.ok());
  base::ByteVector out;
  ASSERT_TRUE(encode_control_message(Draft::k15, decoded->message, out));
  EXPECT_EQ(to_hex(out), to_hex(bytes));
}

// [d15 §1.4.2-1]
TEST(ParameterRules, AnImpossibleCountOrLengthEndsAtOnce) {
  expect_violation(subscribe("ffffffffffffffff | 10 01"), kProtocolViolation);
  expect_violation(subscribe("01 | 3b 80010000"), kProtocolViolation);  // 65536
}

}  // namespace
}  // namespace msquic_py::moqt::wire
