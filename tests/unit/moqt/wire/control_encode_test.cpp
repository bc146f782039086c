#include <gtest/gtest.h>

#include "moqt/wire/control_message.h"
#include "unit/moqt/wire/hex.h"

namespace msquic_py::moqt::wire {
namespace {

EncodeError error_of(const MessageBody& body) {
  base::ByteVector out{1, 2, 3};
  const auto result = encode_control_message(Draft::k15, {{}, body}, out);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(out, (base::ByteVector{1, 2, 3}));  // as before
  return result.ok() ? EncodeError{} : result.error();
}

template <class Change>
Subscribe subscribe(const Change& change) {
  Subscribe message;
  message.track = {TrackNamespace{"a"}, "t"};
  change(message);
  return message;
}

TEST(ControlEncode, NumbersUpTo62Bits) {
  EXPECT_EQ(error_of(MaxRequestId{std::uint64_t{1} << 62}), EncodeError::kNumberTooLarge);
  base::ByteVector out;
  EXPECT_TRUE(encode_control_message(Draft::k15, {{}, MaxRequestId{base::kVarintMax}}, out));
  EXPECT_EQ(to_hex(out), "150008ffffffffffffffff");
}

TEST(ControlEncode, NamesAndTexts) {
  EXPECT_EQ(error_of(PublishNamespaceDone{}), EncodeError::kNamespaceFieldCount);
  EXPECT_EQ(error_of(PublishNamespaceDone{TrackNamespace(std::vector<base::ByteVector>(33))}),
            EncodeError::kNamespaceFieldCount);
  EXPECT_EQ(error_of(PublishNamespaceDone{TrackNamespace{std::string(4097, 'x')}}), EncodeError::kTrackNameTooLong);
  EXPECT_EQ(error_of(RequestError{RequestErrorCode::kTimeout, std::string(1025, 'x')}),
            EncodeError::kReasonPhraseTooLong);
  EXPECT_EQ(error_of(Goaway{std::string(8193, 'x')}), EncodeError::kNewSessionUriTooLong);
}

// [d15 §5.1.2-1, §9.2-1]
TEST(ControlEncode, Parameters) {
  EXPECT_EQ(error_of(subscribe([](Subscribe& m) {
              m.parameters.append({0x20, std::uint64_t{256}});
            })),
            EncodeError::kParameterOutOfRange);
  EXPECT_EQ(error_of(subscribe([](Subscribe& m) {
              m.parameters.append({0x3b, std::uint64_t{1}});
            })),
            EncodeError::kKeyValueKind);
  EXPECT_EQ(error_of(subscribe([](Subscribe& m) {
              m.parameters.append({0x10, base::ByteVector{1}});
            })),
            EncodeError::kKeyValueKind);
  EXPECT_EQ(error_of(subscribe([](Subscribe& m) {
              m.parameters.append({0x21, base::ByteVector{9}});
            })),
            EncodeError::kParameterOutOfRange);
  EXPECT_EQ(error_of(subscribe([](Subscribe& m) {
              m.parameters.set_filter(SubscriptionFilter::absolute_range({5, 0}, 4));
            })),
            EncodeError::kFilterRangeReversed);
  EXPECT_EQ(error_of(subscribe([](Subscribe& m) {
              m.parameters.set_forward(true);
              m.parameters.append({0x10, std::uint64_t{1}});
            })),
            EncodeError::kParameterRepeated);
  EXPECT_EQ(error_of(subscribe([](Subscribe& m) {
              m.parameters.append({0x3b, base::ByteVector(65536)});
            })),
            EncodeError::kKeyValueTooLong);
  EXPECT_EQ(error_of(subscribe([](Subscribe& m) {
              m.parameters.append({0x3b, base::ByteVector(65535)});
            })),
            EncodeError::kPayloadTooLong);

  ClientSetup setup;
  setup.parameters.add_authorization_token({TokenAliasType::kUseAlias, 1, 0, {}});
  EXPECT_EQ(error_of(setup), EncodeError::kTokenNotAllowed);
}

TEST(ControlEncode, RawBytesOfAKnownParameterAreTakenWhenTheyDecode) {
  base::ByteVector out;
  ASSERT_TRUE(encode_control_message(Draft::k15, {{}, subscribe([](Subscribe& m) {
                                                    m.parameters.append({0x21, base::ByteVector{2}});
                                                  })},
                                     out));
  EXPECT_EQ(to_hex(out), "03000a00010161017401210102");
}

TEST(ControlEncode, EveryErrorHasANameAndASentence) {
  for (int i = 0; i <= static_cast<int>(EncodeError::kSubgroupIdMode); ++i) {
    EXPECT_NE(name(static_cast<EncodeError>(i)), "UNKNOWN");
    EXPECT_NE(describe(static_cast<EncodeError>(i)), "UNKNOWN");
  }
}

}  // namespace
}  // namespace msquic_py::moqt::wire
