#include <gtest/gtest.h>

#include "moqt/wire/extensions.h"
#include "unit/vectors/message_json.h"
#include "unit/vectors/vector_file.h"

namespace msquic_py::tests {
namespace {

using moqt::Draft;
using moqt::MalformedTrack;
using namespace moqt::wire;

/// The names that the vectors have for the rules of [d15 §11] about a single object.
std::string rule_name(MalformedTrack reason) {
  switch (reason) {
    case MalformedTrack::kPriorGroupIdGapRepeated: return "PRIOR_GROUP_ID_GAP_REPEATED";
    case MalformedTrack::kPriorGroupIdGapExceedsGroupId: return "PRIOR_GROUP_ID_GAP_EXCEEDS_GROUP_ID";
    case MalformedTrack::kPriorObjectIdGapRepeated: return "PRIOR_OBJECT_ID_GAP_REPEATED";
    case MalformedTrack::kPriorObjectIdGapExceedsObjectId: return "PRIOR_OBJECT_ID_GAP_EXCEEDS_OBJECT_ID";
    case MalformedTrack::kImmutableExtensionsRepeated: return "IMMUTABLE_EXTENSIONS_REPEATED";
    case MalformedTrack::kImmutableExtensionsNested: return "IMMUTABLE_EXTENSIONS_NESTED";
    case MalformedTrack::kImmutableExtensionsUnparsable: return "IMMUTABLE_EXTENSIONS_UNPARSABLE";
    case MalformedTrack::kMandatoryTrackPropertyOfObject: return "MANDATORY_TRACK_PROPERTY_OF_OBJECT";
    default: return std::string(describe(reason));
  }
}

class ExtensionVectors : public testing::TestWithParam<Draft> {
 protected:
  static Json pairs_json(base::Bytes raw) { return pairs_to_json(GetParam(), raw); }

  VectorFile file_ = load_vectors(GetParam(), "extensions", "extensions");
};
INSTANTIATE_TEST_SUITE_P(Drafts, ExtensionVectors, testing::ValuesIn(kVectorDrafts), draft_name);

TEST_P(ExtensionVectors, DecodeToTheirPairsAndBack) {
  for (const Json& vector : file_.vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector raw = bytes_of(vector.at("hex"));
    const auto broken = check_extensions(GetParam(), raw);
    ASSERT_FALSE(broken) << describe(*broken);
    EXPECT_EQ(pairs_json(raw), normalized_pairs(vector.at("extensions")));
    const auto pairs = decode_extensions(GetParam(), raw);
    base::ByteVector out;
    ASSERT_TRUE(encode_extensions(GetParam(), *pairs, out).ok());
    if (is_canonical(vector)) {
      EXPECT_EQ(to_hex(out), to_hex(raw));
    }
    EXPECT_EQ(pairs_json(out), pairs_json(raw));
  }
}

TEST_P(ExtensionVectors, MeanForOneObjectWhatSectionElevenSays) {
  for (const Json& vector : file_.vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector raw = bytes_of(vector.at("hex"));
    const moqt::Location location{vector.at("location").at("group").get<std::uint64_t>(),
                                  vector.at("location").at("object").get<std::uint64_t>()};
    const auto known = inspect_extensions(GetParam(), raw, location);
    if (vector.contains("malformed_track")) {
      ASSERT_FALSE(known.ok());
      EXPECT_EQ(rule_name(known.error()), vector.at("malformed_track").get<std::string>());
      continue;
    }
    ASSERT_TRUE(known.ok()) << moqt::describe(known.error());
    const Json& expected = vector.at("known");
    const auto number = [](const std::optional<std::uint64_t>& value) { return value ? Json(*value) : Json(); };
    EXPECT_EQ(number(known->prior_group_id_gap), expected.at("prior_group_id_gap"));
    EXPECT_EQ(number(known->prior_object_id_gap), expected.at("prior_object_id_gap"));
    ASSERT_EQ(known->immutable.has_value(), !expected.at("immutable_extensions").is_null());
    if (known->immutable) {
      EXPECT_EQ(pairs_json(*known->immutable), normalized_pairs(expected.at("immutable_extensions")));
    }
  }
}

TEST_P(ExtensionVectors, AreRefusedWithTheirError) {
  for (const Json& vector : file_.vectors) {
    if (!is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector raw = bytes_of(vector.at("hex"));
    const auto pairs = decode_extensions(GetParam(), raw);
    ASSERT_TRUE(pairs.violated());
    EXPECT_TRUE(matches_error(vector, pairs.violation())) << describe(pairs.violation());
    const auto broken = check_extensions(GetParam(), raw);
    ASSERT_TRUE(broken);
    EXPECT_EQ(broken->code, pairs.violation().code);
  }
}

}  // namespace
}  // namespace msquic_py::tests
