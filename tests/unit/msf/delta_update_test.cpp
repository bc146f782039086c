#include "msf/delta_update.h"

#include <nlohmann/json.hpp>

#include "catalog_examples.h"

namespace msquic_py::msf {
namespace {

using Json = nlohmann::json;

DeltaUpdate update_of(const std::string& json) {
  auto object = decode_catalog(json);
  if (!object) {
    ADD_FAILURE() << object.error();
    return {};
  }
  return std::get<DeltaUpdate>(*object);
}

Catalog conference() {
  return decoded(R"({"version":"1","tracks":[
    {"name":"video-1080","namespace":"example.com/custom","packaging":"loc","isLive":true,"codec":"av01","width":1920,
     "height":1080,"bitrate":5000000,"targetLatency":10,"com.example":[1]},
    {"name":"video","packaging":"loc","isLive":true}]})");
}

TEST(DeltaUpdate, AnExampleAddsAndClones) {
  const std::string json = example("delta_update_adding_two_tracks");
  DeltaUpdate update = update_of(json);
  EXPECT_EQ(update.generated_at, 1746104606044.0);
  ASSERT_EQ(update.operations.size(), 2u);
  EXPECT_EQ(update.operations[1].kind, DeltaOperation::Kind::kClone);
  EXPECT_EQ(update.operations[1].tracks[0].parent_namespace, "example.com/custom");
  auto encoded = update.encode();
  ASSERT_TRUE(encoded) << encoded.error();
  EXPECT_EQ(Json::parse(*encoded), Json::parse(json));

  // The example leaves the packaging out, which every track must have.
  Catalog catalog = conference();
  const Catalog before = catalog;
  auto applied = catalog.apply(update);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error(), "tracks[2] has no packaging");
  EXPECT_EQ(catalog, before);
  update.operations[0].tracks[0].packaging = "loc";
  applied = catalog.apply(update);
  ASSERT_TRUE(applied) << applied.error();
  ASSERT_EQ(catalog.tracks.size(), 4u);
  const Track& clone = catalog.tracks[3];
  EXPECT_EQ(clone.name, "video-720");
  EXPECT_EQ(clone.track_namespace, "example.com/custom");
  EXPECT_EQ(clone.codec, "av01");
  EXPECT_EQ(clone.width, 1280u);
  EXPECT_EQ(clone.height, 720u);
  EXPECT_EQ(clone.bitrate, 600000.0);
  EXPECT_EQ(clone.target_latency, 10.0);
  EXPECT_EQ(clone.parent_name, std::nullopt);
  EXPECT_EQ(clone.other.size(), 1u);
  EXPECT_EQ(catalog.generated_at, 1746104606044.0);
}

TEST(DeltaUpdate, AnExampleRemoves) {
  const DeltaUpdate update = update_of(example("delta_update_removing_tracks"));
  Catalog catalog = decoded(
      R"({"version":"1","tracks":[{"name":"slides","packaging":"loc","isLive":true},
          {"name":"audio","packaging":"loc","isLive":true},{"name":"video","packaging":"loc","isLive":true}]})");
  auto applied = catalog.apply(update);
  ASSERT_TRUE(applied) << applied.error();
  ASSERT_EQ(catalog.tracks.size(), 1u);
  EXPECT_EQ(catalog.tracks[0].name, "audio");
  applied = catalog.apply(update);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error(), "'video' is removed, but was not declared");
}

TEST(DeltaUpdate, OperationsBuildOnEachOther) {
  Catalog catalog = conference();
  const auto update = update_of(R"({"deltaUpdate":[
    {"op":"clone","tracks":[{"parentName":"video","name":"copy","label":"a"}]},
    {"op":"clone","tracks":[{"parentName":"copy","name":"copy 2","buffers":{"target":5}}]},
    {"op":"remove","tracks":[{"name":"copy"}]}]})");
  auto applied = catalog.apply(update);
  ASSERT_TRUE(applied) << applied.error();
  ASSERT_NE(catalog.find("copy 2"), nullptr);
  EXPECT_EQ(catalog.find("copy 2")->label, "a");
  EXPECT_EQ(catalog.find("copy"), nullptr);
}

TEST(DeltaUpdate, CompletesABroadcast) {
  Catalog catalog = conference();
  ASSERT_TRUE(
      catalog.apply(update_of(R"({"isComplete":true,"deltaUpdate":[{"op":"remove","tracks":[{"name":"video"}]}]})")));
  EXPECT_TRUE(catalog.is_complete);
}

TEST(DeltaUpdate, WhatIsWrongIsNamed) {
  const auto with = [](const std::string& operation) { return error_of(R"({"deltaUpdate":[{)" + operation + "}]}"); };
  EXPECT_EQ(error_of(R"({"deltaUpdate":[]})"), "a delta update has no operation (section 5.3)");
  EXPECT_EQ(error_of(R"({"deltaUpdate":{}})"), "deltaUpdate is not an array");
  EXPECT_EQ(error_of(R"({"version":"1","deltaUpdate":[]})"), "a delta update must not have 'version' (section 5.3)");
  EXPECT_EQ(error_of(R"({"tracks":[],"deltaUpdate":[]})"), "a delta update must not have 'tracks' (section 5.3)");
  EXPECT_EQ(with(R"("tracks":[])"), "deltaUpdate[0].op is not a string");
  EXPECT_EQ(with(R"("op":"add")"), "deltaUpdate[0] has no tracks");
  EXPECT_EQ(with(R"("op":"move","tracks":[])"), "deltaUpdate[0].op is 'move', not add, remove or clone");
  EXPECT_EQ(with(R"("op":"clone","tracks":[{"name":"a"}])"), "deltaUpdate[0].tracks[0] has no parentName");
  EXPECT_EQ(with(R"("op":"add","tracks":[{"name":"a","parentName":"b"}])"),
            "deltaUpdate[0].tracks[0] has a parent, which only a clone operation may have (section 5.2.33)");
  EXPECT_EQ(with(R"("op":"remove","tracks":[{"name":"a","codec":"x"}])"),
            "deltaUpdate[0].tracks[0] is removed and has more than name and namespace (section 5.1.6)");
  Catalog catalog = conference();
  auto applied =
      catalog.apply(update_of(R"({"deltaUpdate":[{"op":"clone","tracks":[{"name":"a","parentName":"b"}]}]})"));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error(), "'b' is cloned, but was not declared");
  applied =
      catalog.apply(update_of(R"({"deltaUpdate":[{"op":"clone","tracks":[{"name":"video","parentName":"video"}]}]})"));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error(), "tracks[2] has the name 'video', as an earlier track has");
}

}  // namespace
}  // namespace msquic_py::msf
