#include <gtest/gtest.h>

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

Json to_json(const loc::HeaderExtensions& loc) {
  Json json{{"capture_timestamp", optional_json(loc.capture_timestamp)},
            {"video_config", loc.video_config ? Json(to_hex(*loc.video_config)) : Json()},
            {"video_frame_marking", nullptr},
            {"audio_level", nullptr}};
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

TEST(LocVectors, DecodeToTheirMeaningAndBack) {
  for (const Json& vector : load_vectors("loc", "loc").vectors) {
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector raw = bytes_of(vector.at("hex"));
    EXPECT_EQ(pairs_to_json(moqt::Draft::k15, raw), normalized_pairs(vector.at("extensions")));
    const auto pairs = moqt::wire::decode_extensions(moqt::Draft::k15, raw);
    ASSERT_TRUE(pairs.ok());
    const auto parsed = loc::parse_extensions(*pairs);
    ASSERT_TRUE(parsed.ok()) << loc::describe(parsed.error());
    EXPECT_EQ(to_json(*parsed), vector.at("loc"));
    moqt::KeyValuePairs own;
    ASSERT_TRUE(loc::append_extensions(*parsed, own).ok());
    base::ByteVector out;
    ASSERT_TRUE(moqt::wire::encode_extensions(moqt::Draft::k15, own, out).ok());
    const Json nothing = to_json(loc::HeaderExtensions{});
    if (is_canonical(vector) && vector.at("loc") != nothing) {
      EXPECT_EQ(to_hex(out), to_hex(raw));
    }
    if (vector.at("loc") == nothing) {
      EXPECT_TRUE(out.empty());
    }
  }
}

}  // namespace
}  // namespace msquic_py::tests
