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
  ASSERT_TRUE(append_extensions(loc, pairs));
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
  EXPECT_EQ(append_extensions({.capture_timestamp = std::uint64_t{1} << 62}, out).error(),
            LocError::kCaptureTimestampTooLarge);
  EXPECT_EQ(append_extensions({.capture_timestamp = 1, .audio_level = AudioLevel{false, 200}}, out).error(),
            LocError::kAudioLevel);
  EXPECT_EQ(append_extensions({.video_config = base::ByteVector(65536)}, out).error(), LocError::kVideoConfigTooLong);
  EXPECT_EQ(append_extensions({.presentation_start = std::uint64_t{1} << 62}, out).error(),
            LocError::kPresentationStartTooLarge);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(parse_extensions({{0x02, std::uint64_t{1}}, {0x02, std::uint64_t{1}}}).error(), LocError::kRepeated);
  EXPECT_EQ(parse_extensions({{0x04, std::uint64_t{1} << 24}}).error(), LocError::kVideoFrameMarking);
  EXPECT_EQ(parse_extensions({{0x02, base::ByteVector{}}}).error(), LocError::kKeyValueKind);
  EXPECT_EQ(parse_extensions({{0x0D, std::uint64_t{1}}}).error(), LocError::kKeyValueKind);
}

}  // namespace
}  // namespace msquic_py::loc
