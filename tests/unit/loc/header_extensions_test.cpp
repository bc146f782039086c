#include "loc/header_extensions.h"

#include <gtest/gtest.h>

namespace msquic_py::loc {
namespace {

using moqt::KeyValuePairs;

TEST(VideoFrameMarking, ShortFormsOfOneObjectPerFrame) {
  EXPECT_EQ((VideoFrameMarking{.independent = true}).to_number(), 0xE0u);
  EXPECT_EQ(VideoFrameMarking{}.to_number(), 0xC0u);
  EXPECT_EQ((VideoFrameMarking{.discardable = true}).to_number(), 0xD0u);
  EXPECT_EQ((VideoFrameMarking{.start_of_frame = false, .end_of_frame = false}).to_number(), 0u);
}

TEST(VideoFrameMarking, LongFormsPutTheFirstByteHighest) {
  const VideoFrameMarking two{.base_layer_sync = true, .temporal_id = 3, .layer_id = 0x24};
  EXPECT_EQ(two.to_number(), 0xCB24u);
  const VideoFrameMarking three{.independent = true, .temporal_id = 7, .layer_id = 0, .tl0_pic_idx = 0xFE};
  EXPECT_EQ(three.to_number(), 0xE700FEu);
  EXPECT_EQ(VideoFrameMarking::from_number(0xCB24), two);
  EXPECT_EQ(VideoFrameMarking::from_number(0xE700FE), three);
}

TEST(VideoFrameMarking, EveryFirstByteComesBack) {
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    const auto marking = VideoFrameMarking::from_number(byte);
    ASSERT_TRUE(marking);
    EXPECT_EQ(marking->to_number(), byte);
    EXPECT_FALSE(marking->layer_id);
  }
}

TEST(VideoFrameMarking, WithoutAnEncodingHasNoNumber) {
  EXPECT_FALSE((VideoFrameMarking{.temporal_id = 8}).to_number());
  EXPECT_FALSE((VideoFrameMarking{.tl0_pic_idx = 1}).to_number());
  EXPECT_FALSE((VideoFrameMarking{.start_of_frame = false, .end_of_frame = false, .layer_id = 5}).to_number());
  EXPECT_FALSE(VideoFrameMarking::from_number(0x1000000));
}

TEST(AudioLevel, IsTheByteOfRfc6464) {
  EXPECT_EQ((AudioLevel{true, 0}).to_number(), 0x80u);
  EXPECT_EQ((AudioLevel{false, 127}).to_number(), 0x7Fu);
  EXPECT_FALSE((AudioLevel{false, 128}).to_number());
  EXPECT_EQ(AudioLevel::from_number(0x9E), (AudioLevel{true, 30}));
  EXPECT_EQ(AudioLevel::from_number(0x39E), (AudioLevel{true, 30}));  // only the low eight bits count
}

TEST(HeaderExtensions, AscendAndComeBack) {
  const HeaderExtensions loc{.capture_timestamp = 1761000000000000,
                             .video_frame_marking = VideoFrameMarking{.independent = true},
                             .audio_level = AudioLevel{true, 40},
                             .video_config = base::ByteVector{1, 2},
                             .presentation_start = 1761000000040000};
  KeyValuePairs pairs;
  ASSERT_TRUE(append_extensions(loc, Version::k01, pairs));
  const KeyValuePairs expected{{0x02, std::uint64_t{1761000000000000}},
                               {0x04, std::uint64_t{0xE0}},
                               {0x06, std::uint64_t{0xA8}},
                               {0x0D, base::ByteVector{1, 2}},
                               {0x4D535052, std::uint64_t{1761000000040000}}};
  EXPECT_EQ(pairs, expected);
  pairs.insert(pairs.begin(), {0x77, base::ByteVector{9}});
  const auto parsed = parse_extensions(pairs);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed.value(), loc);
}

TEST(HeaderExtensions, NameWhatIsWrong) {
  KeyValuePairs out;
  EXPECT_EQ(append_extensions({.capture_timestamp = std::uint64_t{1} << 62}, Version::k01, out).error(),
            LocError::kCaptureTimestampTooLarge);
  EXPECT_EQ(
      append_extensions({.capture_timestamp = 1, .audio_level = AudioLevel{false, 200}}, Version::k01, out).error(),
      LocError::kAudioLevel);
  EXPECT_EQ(append_extensions({.video_config = base::ByteVector(65536)}, Version::k01, out).error(),
            LocError::kVideoConfigTooLong);
  EXPECT_EQ(append_extensions({.presentation_start = std::uint64_t{1} << 62}, Version::k01, out).error(),
            LocError::kPresentationStartTooLarge);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(parse_extensions({{0x02, std::uint64_t{1}}, {0x02, std::uint64_t{1}}}).error(), LocError::kRepeated);
  EXPECT_EQ(parse_extensions({{0x04, std::uint64_t{1} << 24}}).error(), LocError::kVideoFrameMarking);
  EXPECT_EQ(parse_extensions({{0x02, base::ByteVector{}}}).error(), LocError::kKeyValueKind);
  EXPECT_EQ(parse_extensions({{0x0D, std::uint64_t{1}}}).error(), LocError::kKeyValueKind);
}

TEST(HeaderExtensions, HaveTheNumbersOfLoc04) {
  const HeaderExtensions loc{.capture_timestamp = 1761000000000000,
                             .video_frame_marking = VideoFrameMarking{.independent = true, .layer_id = 3},
                             .audio_level = AudioLevel{true, 40},
                             .video_config = base::ByteVector{1, 2},
                             .audio_config = base::ByteVector{3},
                             .presentation_start = 1761000000040000};
  KeyValuePairs pairs;
  ASSERT_TRUE(append_extensions(loc, Version::k04, pairs));
  const KeyValuePairs expected{{0x09, base::ByteVector{0xE0, 0x03}},    {0x0C, std::uint64_t{0xA8}},
                               {0x0D, base::ByteVector{1, 2}},          {0x0F, base::ByteVector{3}},
                               {0x10, std::uint64_t{1761000000000000}}, {0x4D535052, std::uint64_t{1761000000040000}}};
  EXPECT_EQ(pairs, expected);
  EXPECT_EQ(parse_extensions(pairs).value(), loc);
}

TEST(HeaderExtensions, ATimescaleMakesTheTimestampOneOfAnotherClock) {
  const HeaderExtensions loc{.media_time = MediaTime{900'001, 90'000}};
  KeyValuePairs pairs;
  ASSERT_TRUE(append_extensions(loc, Version::k04, pairs));
  EXPECT_EQ(pairs, (KeyValuePairs{{0x08, std::uint64_t{90'000}}, {0x10, std::uint64_t{900'001}}}));
  const auto parsed = parse_extensions(pairs);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed.value(), loc);
  EXPECT_EQ(parsed->capture_microseconds(), 10'000'011u);  // 900001 / 90000 s
  // LOC-01 counts microseconds since the epoch, whatever stands beside it.
  EXPECT_EQ(parse_extensions({{0x02, std::uint64_t{7}}, {0x08, std::uint64_t{90'000}}})->capture_timestamp, 7u);
  EXPECT_EQ(parse_extensions({{0x08, std::uint64_t{0}}, {0x10, std::uint64_t{7}}}).error(), LocError::kMediaTime);
}

TEST(MediaTime, IsRoundedDownToMicroseconds) {
  EXPECT_EQ((MediaTime{48'001, 48'000}).microseconds(), 1'000'020u);  // 1.0000208...
  EXPECT_EQ((MediaTime{1, 3}).microseconds(), 333'333u);
  constexpr std::uint64_t kMost = (std::uint64_t{1} << 62) - 1;
  EXPECT_EQ((MediaTime{kMost - 1, kMost}).microseconds(), 999'999u);
  EXPECT_EQ((MediaTime{kMost, 1'000'000}).microseconds(), kMost);
  EXPECT_EQ((MediaTime{kMost, 1}).microseconds(), UINT64_MAX);
}

TEST(HeaderExtensions, SixIsALevelOrTheTimestampOfLoc02) {
  EXPECT_EQ(parse_extensions({{0x06, std::uint64_t{0xFF}}})->audio_level, (AudioLevel{true, 127}));
  EXPECT_EQ(parse_extensions({{0x06, std::uint64_t{0x39E}}})->audio_level, (AudioLevel{true, 30}));
  EXPECT_EQ(parse_extensions({{0x06, std::uint64_t{1} << 32}})->capture_timestamp, std::uint64_t{1} << 32);
  // Beside LOC-01's own timestamp it is a level, of which the low eight bits count.
  const auto both = parse_extensions({{0x02, std::uint64_t{5}}, {0x06, std::uint64_t{0x39E}}});
  EXPECT_EQ(both->capture_timestamp, 5u);
  EXPECT_EQ(both->audio_level, (AudioLevel{true, 30}));
  EXPECT_EQ(parse_extensions({{0x06, std::uint64_t{9}}, {0x08, std::uint64_t{1000}}})->media_time,
            (MediaTime{9, 1000}));
  // 0x0A was a marking before it was LOC-03's timestamp.
  EXPECT_EQ(parse_extensions({{0x0A, std::uint64_t{0xFFFFFFFF}}}).value(), HeaderExtensions{});
  EXPECT_EQ(parse_extensions({{0x0A, std::uint64_t{1} << 32}})->capture_timestamp, std::uint64_t{1} << 32);
}

TEST(HeaderExtensions, NameWhatAVersionHasNot) {
  KeyValuePairs out;
  EXPECT_EQ(append_extensions({.media_time = MediaTime{1, 1}}, Version::k01, out).error(), LocError::kMediaTime);
  EXPECT_EQ(append_extensions({.audio_config = base::ByteVector{1}}, Version::k01, out).error(),
            LocError::kAudioConfigInLoc01);
  EXPECT_EQ(append_extensions({.capture_timestamp = 1, .media_time = MediaTime{1, 1}}, Version::k04, out).error(),
            LocError::kMediaTime);
  EXPECT_EQ(append_extensions({.media_time = MediaTime{1, 0}}, Version::k04, out).error(), LocError::kMediaTime);
  EXPECT_EQ(append_extensions({.audio_config = base::ByteVector(65536)}, Version::k04, out).error(),
            LocError::kAudioConfigTooLong);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(parse_extensions({{0x09, base::ByteVector{}}}).error(), LocError::kVideoFrameMarking);
  EXPECT_EQ(parse_extensions({{0x09, base::ByteVector(5)}}).error(), LocError::kVideoFrameMarking);
  EXPECT_EQ(parse_extensions({{0x10, base::ByteVector{1}}}).error(), LocError::kKeyValueKind);
}

TEST(Version, SuitsTheDraft) {
  EXPECT_EQ(version_for(moqt::Draft::k15), Version::k01);
  for (const auto draft : {moqt::Draft::k16, moqt::Draft::k18, moqt::Draft::k22})
    EXPECT_EQ(version_for(draft), Version::k04);
}

}  // namespace
}  // namespace msquic_py::loc
