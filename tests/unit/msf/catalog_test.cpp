#include "msf/catalog.h"

#include <nlohmann/json.hpp>

#include "catalog_examples.h"

namespace msquic_py::msf {
namespace {

using Json = nlohmann::json;

Track video() {
  Track track;
  track.name = "video";
  track.packaging = kPackagingCmaf;
  track.is_live = true;
  track.role = kRoleVideo;
  track.codec = "avc1.42c01e";
  track.bitrate = 1500000;
  return track;
}

TEST(Catalog, EveryExampleOfTheDraftDecodes) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(examples())) {
    const std::string json = example(entry.path().stem().string());
    auto object = decode_catalog(json);
    EXPECT_TRUE(object) << entry.path() << ": " << (object ? "" : object.error());
    ++count;
  }
  EXPECT_EQ(count, 17);
}

TEST(Catalog, FieldsOfAnExample) {
  const Catalog catalog = decoded(example("time_aligned_audio_video_tracks_with_single_quality"));
  EXPECT_EQ(catalog.version, "1");
  EXPECT_EQ(catalog.generated_at, 1746104606044.0);
  ASSERT_EQ(catalog.tracks.size(), 2u);
  const Track& picture = catalog.tracks[0];
  EXPECT_EQ(picture.name, "1080p-video");
  EXPECT_EQ(picture.track_namespace, "conference.example.com/conference123/alice");
  EXPECT_EQ(picture.packaging, "loc");
  EXPECT_EQ(picture.is_live, true);
  EXPECT_EQ(picture.target_latency, 2000.0);
  EXPECT_EQ(picture.role, "video");
  EXPECT_EQ(picture.render_group, 1);
  EXPECT_EQ(picture.codec, "av01.0.08M.10.0.110.09");
  EXPECT_EQ(picture.width, 1920u);
  EXPECT_EQ(picture.height, 1080u);
  EXPECT_EQ(picture.framerate, 30.0);
  EXPECT_EQ(picture.bitrate, 1500000.0);
  const Track& sound = catalog.tracks[1];
  EXPECT_EQ(sound.samplerate, 48000u);
  EXPECT_EQ(sound.channel_config, "2");
}

TEST(Catalog, DependenciesBuffersAndAccessibility) {
  const Catalog layers = decoded(example("svc_video_tracks_with_2_spatial_and_2_temporal_qualities"));
  EXPECT_EQ(layers.tracks[3].depends, (std::vector<std::string>{"480p30", "1080p15"}));
  EXPECT_EQ(layers.tracks[0].buffers, (Buffers{.target = 2000.0}));
  const Catalog captions = decoded(example("video_track_with_embedded_captions_and_scte_35_events"));
  EXPECT_EQ(captions.tracks[0].accessibility,
            (std::vector<Accessibility>{{"urn:scte:dash:cc:cea-608:2015", "CC1=eng;CC3=spa"}}));
  EXPECT_EQ(captions.tracks[2].event_type, "urn:scte:scte35:2013:bin");
}

TEST(Catalog, UnknownFieldsAreKept) {
  const std::string json = example("time_aligned_audio_video_tracks_with_custom_field_values");
  Catalog catalog = decoded(json);
  EXPECT_EQ(catalog.tracks[0].other.at(0), (std::pair<std::string, std::string>{"com.example-billing-code", "3201"}));
  auto encoded = catalog.encode();
  ASSERT_TRUE(encoded) << encoded.error();
  EXPECT_EQ(Json::parse(*encoded), Json::parse(json));
}

TEST(Catalog, ATemplateSurvives) {
  const std::string json = example("media_timeline_template");
  auto encoded = decoded(json).encode();
  ASSERT_TRUE(encoded) << encoded.error();
  EXPECT_EQ(Json::parse(*encoded), Json::parse(json));
}

TEST(Catalog, BytesOfASmallCatalog) {
  Catalog catalog;
  catalog.tracks.push_back(video());
  const std::uint8_t bytes[] = {0xfb, 0xff, 0x00, 0x01};
  catalog.set_initialization(catalog.tracks[0], bytes);
  auto encoded = catalog.encode();
  ASSERT_TRUE(encoded) << encoded.error();
  EXPECT_EQ(*encoded,
            R"({"version":"draft-01","tracks":[{"name":"video","packaging":"cmaf","isLive":true,"role":"video",)"
            R"("initRef":"init-1","codec":"avc1.42c01e","bitrate":1500000}],)"
            R"("initDataList":[{"id":"init-1","type":"inline","data":"+/8AAQ=="}]})");
  const Catalog again = decoded(*encoded);
  EXPECT_EQ(again, catalog);
  auto initialization = again.initialization_of(again.tracks[0]);
  ASSERT_TRUE(initialization) << initialization.error();
  EXPECT_EQ(**initialization, base::ByteVector(bytes, bytes + 4));
}

TEST(Catalog, TwoTracksShareOneInitialization) {
  Catalog catalog;
  catalog.tracks = {video(), video()};
  const std::uint8_t one[] = {1}, two[] = {2};
  catalog.set_initialization(catalog.tracks[0], one);
  catalog.set_initialization(catalog.tracks[1], one);
  EXPECT_EQ(catalog.init_data_list.size(), 1u);
  catalog.set_initialization(catalog.tracks[1], two);
  EXPECT_EQ(catalog.tracks[1].init_ref, "init-2");
}

TEST(Catalog, WhatIsWrongIsNamed) {
  const std::string track = R"("name":"v","packaging":"loc","isLive":true)";
  const auto with = [&](const std::string& fields) {
    return error_of(R"({"version":"1","tracks":[{)" + track + "," + fields + "}]}");
  };
  EXPECT_EQ(error_of("{"), "the catalog is not JSON");
  EXPECT_EQ(error_of("\xff"), "the catalog is not JSON");
  EXPECT_EQ(error_of("[]"), "the catalog is not an object");
  EXPECT_EQ(error_of("{}"), "the catalog has no version");
  EXPECT_EQ(error_of(R"({"version":1,"tracks":[]})"), "version is not a string");
  EXPECT_NE(error_of(R"({"version":"draft-00","tracks":7})").find("version 'draft-00'"), std::string::npos);
  EXPECT_EQ(error_of(R"({"version":"1"})"), "the catalog has no tracks");
  EXPECT_EQ(error_of(R"({"version":"1","tracks":{}})"), "tracks is not an array");
  EXPECT_EQ(error_of(R"({"version":"1","tracks":[7]})"), "tracks[0] is not an object");
  EXPECT_EQ(error_of(R"({"version":"1","tracks":[{"packaging":"loc","isLive":true}]})"), "tracks[0] has no name");
  EXPECT_EQ(error_of(R"({"version":"1","tracks":[{"name":"v","isLive":true}]})"), "tracks[0] has no packaging");
  EXPECT_EQ(error_of(R"({"version":"1","tracks":[{"name":"v","packaging":"loc"}]})"), "tracks[0] has no isLive");
  EXPECT_EQ(error_of(R"({"version":"1","isComplete":false,"tracks":[]})"),
            "isComplete is false: it must be left out then (section 5.1.3)");
  EXPECT_EQ(with(R"("codec":7)"), "tracks[0].codec is not a string");
  EXPECT_EQ(with(R"("width":"640")"), "tracks[0].width is not a number");
  EXPECT_EQ(with(R"("width":640.5)"), "tracks[0].width is not an integer from 0 on");
  EXPECT_EQ(with(R"("width":-1)"), "tracks[0].width is not an integer from 0 on");
  EXPECT_EQ(with(R"("depends":[1])"), "tracks[0].depends holds something that is not a string");
  EXPECT_EQ(with(R"("initRef":"x")"), "tracks[0].initRef is 'x', which initDataList does not have");
  EXPECT_EQ(with(R"("eventType":"x")"), "tracks[0] has an eventType and is no event timeline (section 5.2.5)");
  EXPECT_EQ(with(R"("targetLatency":1,"buffers":{})"), "tracks[0] has both targetLatency and buffers (section 5.2.9)");
  EXPECT_EQ(with(R"("trackDuration":1)"), "tracks[0] is live and has a trackDuration (section 5.2.35)");
  EXPECT_EQ(with(R"("parentName":"x")"),
            "tracks[0] has a parent, which only a clone operation may have (section 5.2.33)");
  EXPECT_EQ(error_of(R"({"version":"1","tracks":[{)" + track + "},{" + track + "}]}"),
            "tracks[1] has the name 'v', as an earlier track has");
  EXPECT_EQ(error_of(R"({"version":"1","tracks":[],"initDataList":[{"id":"a","type":"inline"}]})"),
            "initDataList[0].data is not a string");
}

TEST(Catalog, NothingWithoutItsRequiredFieldsIsEncoded) {
  const auto fault = [](auto change) {
    Catalog catalog;
    catalog.tracks.push_back(video());
    change(catalog.tracks[0]);
    auto encoded = catalog.encode();
    return encoded ? "no error" : encoded.error();
  };
  EXPECT_EQ(fault([](Track&) {}), "no error");
  EXPECT_EQ(fault([](Track& track) { track.is_live.reset(); }), "tracks[0] has no isLive");
  EXPECT_EQ(fault([](Track& track) { track.codec.reset(); }), "tracks[0] has no codec");
  EXPECT_EQ(fault([](Track& track) { track.bitrate.reset(); }), "tracks[0] has no bitrate");
  EXPECT_EQ(fault([](Track& track) { track.role = kRoleAudio; }), "tracks[0] has no samplerate");
  EXPECT_EQ(fault([](Track& track) { track.encryption_scheme = "x"; }),
            "tracks[0] is encrypted and has no cipherSuite");
}

TEST(Catalog, TracksRenderedTogetherWaitEquallyLong) {
  Catalog catalog;
  catalog.tracks = {video(), video()};
  catalog.tracks[1].name = "other";
  for (Track& track : catalog.tracks) track.render_group = 1;
  catalog.tracks[0].target_latency = 1000;
  EXPECT_EQ(catalog.fault(), "tracks 'video' and 'other' of one group have different latencies");
  catalog.tracks[1].target_latency = 1000;
  EXPECT_EQ(catalog.fault(), std::nullopt);
}

TEST(Catalog, DamagedBase64IsRefused) {
  Catalog catalog;
  catalog.tracks.push_back(video());
  catalog.tracks[0].init_ref = "a";
  for (const char* text : {"A", "AA", "AAA=A", "A===", "AA=A", "AA\nA", "AA-_"}) {
    catalog.init_data_list = {{.id = "a", .data = text}};
    EXPECT_FALSE(catalog.initialization_of(catalog.tracks[0])) << text;
  }
  catalog.init_data_list = {{.id = "a", .type = "url", .data = "https://example.com"}};
  EXPECT_FALSE(catalog.initialization_of(catalog.tracks[0]));
}

}  // namespace
}  // namespace msquic_py::msf
