#include <gtest/gtest.h>

#include <set>

#include "base/byte_reader.h"
#include "moqt/model/error_codes.h"
#include "moqt/wire/control_message.h"
#include "unit/vectors/message_json.h"
#include "unit/vectors/vector_file.h"

namespace msquic_py::tests {
namespace {

using moqt::Draft;
using moqt::wire::decode_control_message;
using moqt::wire::encode_control_message;

class ControlVectors : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { file_ = load_vectors(GetParam(), "control"); }

  /// Bytes of type and length field in front of the payload.
  static std::size_t framing_size(const base::ByteVector& message) {
    return (std::size_t{1} << (message.at(0) >> 6)) + 2;
  }

  /// The message with another payload and a Length field that agrees with it.
  static base::ByteVector with_payload(const base::ByteVector& message, base::Bytes payload) {
    base::ByteVector out(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(framing_size(message)));
    out[out.size() - 2] = static_cast<std::uint8_t>(payload.size() >> 8);
    out[out.size() - 1] = static_cast<std::uint8_t>(payload.size());
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
  }

  VectorFile file_;
};

TEST_P(ControlVectors, DecodeToTheirValueWhateverFollows) {
  for (const Json& vector : file_.vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const Json expected = normalized_message(vector.at("message"));
    for (base::ByteVector image : images_of(vector)) {
      const std::size_t size = image.size();
      for (const std::size_t behind : {0U, 1U, 9U}) {
        image.resize(size + behind, 0xFF);
        const auto decoded = decode_control_message(Draft::k15, image);
        ASSERT_TRUE(decoded.ok()) << (decoded.violated() ? describe(decoded.violation()) : "needs more") << "\n"
                                  << to_hex(image).substr(0, 200);
        EXPECT_EQ(decoded->size, size);
        EXPECT_EQ(to_json(decoded->message), expected);
      }
    }
  }
}

TEST_P(ControlVectors, NeedMoreAtEveryTruncation) {
  for (const Json& vector : file_.vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    for (const base::ByteVector& image : images_of(vector)) {
      for (const std::size_t cut : cut_points(image.size())) {
        const auto decoded = decode_control_message(Draft::k15, base::Bytes(image).first(cut));
        ASSERT_TRUE(decoded.needs_more())
            << cut << " of " << image.size()
            << " bytes: " << (decoded.violated() ? describe(decoded.violation()) : "a value");
      }
    }
  }
}

TEST_P(ControlVectors, EncodeToTheirBytes) {
  for (const Json& vector : file_.vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector image = bytes_of(vector.at("hex"));
    const auto decoded = decode_control_message(Draft::k15, image);
    ASSERT_TRUE(decoded.ok());
    base::ByteVector out{0xAB};
    const auto encoded = encode_control_message(Draft::k15, decoded->message, out);
    ASSERT_TRUE(encoded.ok()) << moqt::wire::describe(encoded.error());
    ASSERT_EQ(out.front(), 0xAB);
    out.erase(out.begin());
    if (is_canonical(vector)) {
      EXPECT_EQ(to_hex(out), to_hex(image));
    } else {
      const auto again = decode_control_message(Draft::k15, out);
      ASSERT_TRUE(again.ok());
      EXPECT_EQ(again->message, decoded->message);
      EXPECT_LE(out.size(), image.size());
    }
  }
}

// [d15 §9]: the Length must match the payload. A payload cut short or lengthened is malformed, not
// incomplete.
TEST_P(ControlVectors, AreRefusedWithAnotherPayloadLength) {
  for (const Json& vector : file_.vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector image = bytes_of(vector.at("hex"));
    const auto payload = base::Bytes(image).subspan(framing_size(image));
    for (const std::size_t cut : cut_points(payload.size())) {
      const auto decoded = decode_control_message(Draft::k15, with_payload(image, payload.first(cut)));
      ASSERT_TRUE(decoded.violated()) << "payload cut to " << cut << " bytes";
      EXPECT_EQ(decoded.violation().code, static_cast<std::uint64_t>(moqt::SessionErrorCode::kProtocolViolation))
          << "payload cut to " << cut << " bytes: " << describe(decoded.violation());
    }
    if (payload.size() == 65535) continue;
    base::ByteVector longer(payload.begin(), payload.end());
    longer.push_back(0);
    const auto decoded = decode_control_message(Draft::k15, with_payload(image, longer));
    ASSERT_TRUE(decoded.violated());
    EXPECT_EQ(decoded.violation().code, static_cast<std::uint64_t>(moqt::SessionErrorCode::kProtocolViolation));
  }
}

TEST_P(ControlVectors, AreRefusedWithTheirError) {
  for (const Json& vector : file_.vectors) {
    if (!is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector image = bytes_of(vector.at("hex"));
    const std::size_t visible_at = vector.value("visible_at", image.size());
    bool seen = false;
    auto cuts = cut_points(image.size());
    cuts.push_back(image.size());
    for (const std::size_t cut : cuts) {
      const auto decoded = decode_control_message(Draft::k15, base::Bytes(image).first(cut));
      ASSERT_FALSE(decoded.ok()) << cut << " of " << image.size() << " bytes: a value";
      if (decoded.violated()) {
        seen = true;
        ASSERT_TRUE(matches_error(vector, decoded.violation())) << cut << " bytes: " << describe(decoded.violation());
      } else {
        ASSERT_FALSE(seen) << "needs more after a violation, at " << cut;
        ASSERT_LT(cut, visible_at) << "still waits for more";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Draft15, ControlVectors,
                         testing::Values("setup", "session", "subscribe", "publish", "fetch_messages", "namespaces",
                                         "requests", "parameters", "framing"),
                         [](const auto& suite) { return std::string(suite.param); });

// [d15 §4-2]
TEST(ControlVectorFiles, CoverEveryMessage) {
  std::set<std::string> types;
  for (const char* name : {"setup", "session", "subscribe", "publish", "fetch_messages", "namespaces", "requests"}) {
    for (const Json& vector : load_vectors(name, "control").vectors) {
      if (!is_error(vector)) types.insert(vector.at("message").at("type").get<std::string>());
    }
  }
  EXPECT_EQ(types.size(), std::variant_size_v<moqt::wire::MessageBody>);
}

}  // namespace
}  // namespace msquic_py::tests
