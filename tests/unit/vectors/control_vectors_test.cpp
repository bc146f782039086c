#include <gtest/gtest.h>

#include <set>

#include "base/byte_reader.h"
#include "moqt/model/error_codes.h"
#include "moqt/wire/control_message.h"
#include "moqt/wire/message_fields.h"
#include "unit/vectors/message_json.h"
#include "unit/vectors/vector_file.h"

namespace msquic_py::tests {
namespace {

using moqt::Draft;
using moqt::wire::decode_control_message;
using moqt::wire::encode_control_message;

class ControlVectors : public testing::TestWithParam<VectorSet> {
 protected:
  void SetUp() override { file_ = load_vectors(GetParam().draft, GetParam().name, "control"); }

  /// Bytes of type and length field in front of the payload.
  static std::size_t framing_size(const base::ByteVector& message) {
    return integer_size(GetParam().draft, message.at(0)) + 2;
  }
  /// Whether a payload of that size is another good message, because the draft gives its last part no length.
  static bool also_good(const Json& vector, std::size_t payload_size) {
    for (const Json& size : vector.value("also_good_payload_sizes", Json::array())) {
      if (size.get<std::size_t>() == payload_size) return true;
    }
    return false;
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
    for (base::ByteVector image : images_of(GetParam().draft, vector)) {
      const std::size_t size = image.size();
      for (const std::size_t behind : {0U, 1U, 9U}) {
        image.resize(size + behind, 0xFF);
        const auto decoded = decode_control_message(GetParam().draft, image);
        ASSERT_TRUE(decoded.ok()) << (decoded.violated() ? describe(decoded.violation()) : "needs more") << "\n"
                                  << to_hex(image).substr(0, 200);
        EXPECT_EQ(decoded->size, size);
        EXPECT_EQ(to_json(GetParam().draft, decoded->message), expected);
      }
    }
  }
}

TEST_P(ControlVectors, NeedMoreAtEveryTruncation) {
  for (const Json& vector : file_.vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    for (const base::ByteVector& image : images_of(GetParam().draft, vector)) {
      for (const std::size_t cut : cut_points(image.size())) {
        const auto decoded = decode_control_message(GetParam().draft, base::Bytes(image).first(cut));
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
    const auto decoded = decode_control_message(GetParam().draft, image);
    ASSERT_TRUE(decoded.ok());
    base::ByteVector out{0xAB};
    const auto encoded = encode_control_message(GetParam().draft, decoded->message, out);
    if (!vector.value("encodes", true)) {
      EXPECT_FALSE(encoded.ok());
      continue;
    }
    ASSERT_TRUE(encoded.ok()) << moqt::wire::describe(encoded.error());
    ASSERT_EQ(out.front(), 0xAB);
    out.erase(out.begin());
    if (is_canonical(vector)) {
      EXPECT_EQ(to_hex(out), to_hex(image));
    } else if (vector.contains("encoded")) {
      EXPECT_EQ(to_hex(out), to_hex(bytes_of(vector.at("encoded"))));
    } else {
      const auto again = decode_control_message(GetParam().draft, out);
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
      if (also_good(vector, cut)) continue;
      const auto decoded = decode_control_message(GetParam().draft, with_payload(image, payload.first(cut)));
      ASSERT_TRUE(decoded.violated()) << "payload cut to " << cut << " bytes";
      EXPECT_EQ(decoded.violation().code, static_cast<std::uint64_t>(moqt::SessionErrorCode::kProtocolViolation))
          << "payload cut to " << cut << " bytes: " << describe(decoded.violation());
    }
    if (payload.size() == 65535 || also_good(vector, payload.size() + 1)) continue;
    base::ByteVector longer(payload.begin(), payload.end());
    longer.push_back(0);
    const auto decoded = decode_control_message(GetParam().draft, with_payload(image, longer));
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
      const auto decoded = decode_control_message(GetParam().draft, base::Bytes(image).first(cut));
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

constexpr const char* kMessageFiles[] = {"setup",          "session",    "subscribe", "publish",
                                         "fetch_messages", "namespaces", "requests"};

std::vector<VectorSet> control_files() {
  std::vector<VectorSet> files;
  for (const Draft draft : kVectorDrafts) {
    for (const char* name : kMessageFiles) files.push_back({draft, name});
    files.push_back({draft, "parameters"});
    files.push_back({draft, "framing"});
  }
  return files;
}

INSTANTIATE_TEST_SUITE_P(Drafts, ControlVectors, testing::ValuesIn(control_files()), test_name);

class ControlVectorFiles : public testing::TestWithParam<Draft> {};

template <std::size_t... Indices>
std::size_t messages_of(Draft draft, std::index_sequence<Indices...>) {
  using namespace moqt::wire;
  return ((number_in<std::variant_alternative_t<Indices, MessageBody>>(draft).has_value() ? std::size_t{1} : 0) + ...);
}

// [d15 §4-2]
TEST_P(ControlVectorFiles, CoverEveryMessage) {
  std::set<std::string> types;
  for (const char* name : kMessageFiles) {
    for (const Json& vector : load_vectors(GetParam(), name, "control").vectors) {
      if (!is_error(vector)) types.insert(vector.at("message").at("type").get<std::string>());
    }
  }
  EXPECT_EQ(types.size(),
            messages_of(GetParam(), std::make_index_sequence<std::variant_size_v<moqt::wire::MessageBody>>{}));
}

INSTANTIATE_TEST_SUITE_P(Drafts, ControlVectorFiles, testing::ValuesIn(kVectorDrafts), draft_name);

}  // namespace
}  // namespace msquic_py::tests
