#include <gtest/gtest.h>

#include <string>

#include "loc/header_extensions.h"
#include "moqt/wire/extensions.h"
#include "unit/vectors/message_json.h"
#include "unit/vectors/vector_file.h"

namespace msquic_py::tests {
namespace {

template <class T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

/// `since_04`: with what LOC-01 has not.
Json to_json(const loc::HeaderExtensions& loc, bool since_04) {
  Json json{{"capture_timestamp", optional_json(loc.capture_timestamp)},
            {"video_config", loc.video_config ? Json(to_hex(*loc.video_config)) : Json()},
            {"video_frame_marking", nullptr},
            {"audio_level", nullptr}};
  if (since_04) {
    json["audio_config"] = loc.audio_config ? Json(to_hex(*loc.audio_config)) : Json();
    json["media_time"] = nullptr;
    if (const auto& time = loc.media_time)
      json["media_time"] = {{"timestamp", time->timestamp}, {"timescale", time->timescale}};
  }
  if (const auto& marking = loc.video_frame_marking) {
    json["video_frame_marking"] = {
        {"start_of_frame", marking->start_of_frame},    {"end_of_frame", marking->end_of_frame},
        {"independent", marking->independent},          {"discardable", marking->discardable},
        {"base_layer_sync", marking->base_layer_sync},  {"temporal_id", marking->temporal_id},
        {"layer_id", optional_json(marking->layer_id)}, {"tl0_pic_idx", optional_json(marking->tl0_pic_idx)}};
  }
  if (const auto& audio = loc.audio_level) {
    json["audio_level"] = {{"voice_activity", audio->voice_activity}, {"level", audio->level}};
  }
  return json;
}

class LocVectors : public testing::TestWithParam<moqt::Draft> {};

TEST_P(LocVectors, DecodeToTheirMeaningAndBack) {
  const moqt::Draft draft = GetParam();
  const loc::Version version = loc::version_for(draft);
  const bool since_04 = version == loc::Version::k04;
  for (const Json& vector : load_vectors(draft, "loc", "loc").vectors) {
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector raw = bytes_of(vector.at("hex"));
    EXPECT_EQ(pairs_to_json(draft, raw), normalized_pairs(vector.at("extensions")));
    const auto pairs = moqt::wire::decode_extensions(draft, raw);
    ASSERT_TRUE(pairs.ok());
    const auto parsed = loc::parse_extensions(*pairs);
    ASSERT_TRUE(parsed.ok()) << loc::describe(parsed.error());
    EXPECT_EQ(to_json(*parsed, since_04), vector.at("loc"));
    moqt::KeyValuePairs own;
    ASSERT_TRUE(loc::append_extensions(*parsed, version, own).ok());
    base::ByteVector out;
    ASSERT_TRUE(moqt::wire::encode_extensions(draft, own, out).ok());
    const Json nothing = to_json(loc::HeaderExtensions{}, since_04);
    if (is_canonical(vector) && vector.at("loc") != nothing) {
      EXPECT_EQ(to_hex(out), to_hex(raw));
    }
    if (vector.at("loc") == nothing) {
      EXPECT_TRUE(out.empty());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Drafts, LocVectors, testing::Values(moqt::Draft::k15, moqt::Draft::k22),
                         [](const auto& each) { return "Draft" + std::to_string(static_cast<unsigned>(each.param)); });

}  // namespace
}  // namespace msquic_py::tests
