// Boxes are built by hand after ISO/IEC 14496-12.
#include "media/cmaf_splitter.h"

#include <gtest/gtest.h>

#include <string>

#include "media/box.h"

namespace msquic_py::apps {
namespace {

std::string u32(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string box(const std::string& type, const std::string& payload) {
  return u32(static_cast<std::uint32_t>(8 + payload.size())) + type + payload;
}

std::string full_box(const std::string& type, std::uint32_t version_and_flags, const std::string& payload) {
  return box(type, u32(version_and_flags) + payload);
}

std::string track(std::uint32_t id, std::uint32_t timescale, const std::string& handler) {
  const std::string tkhd = full_box("tkhd", 0, u32(0) + u32(0) + u32(id) + std::string(68, '\0'));
  const std::string mdhd = full_box("mdhd", 0, u32(0) + u32(0) + u32(timescale) + std::string(8, '\0'));
  const std::string hdlr = full_box("hdlr", 0, u32(0) + handler + std::string(13, '\0'));
  return box("trak", tkhd + box("mdia", mdhd + hdlr));
}

std::string initialization() {
  return box("ftyp", "isom") + box("moov", track(1, 48000, "soun") + track(2, 1000, "vide"));
}

/// A fragment of video track 2 whose first sample has `sample_flags`, decoded at `time` of timescale 1000.
std::string fragment(std::uint32_t sample_flags, std::uint32_t time, const std::string& data) {
  const std::string tfhd = full_box("tfhd", 0x020000, u32(2));
  const std::string tfdt = full_box("tfdt", 0, u32(time));
  const std::string trun = full_box("trun", 0x4, u32(1) + u32(sample_flags));
  return box("moof", box("traf", tfhd + tfdt + trun)) + box("mdat", data);
}

constexpr std::uint32_t kSync = 0x02000000;
constexpr std::uint32_t kNonSync = 0x01010000;

TEST(CmafSplitter, CutsAtEveryByteBoundary) {
  const std::string first = fragment(kSync, 0, "key");
  const std::string second = fragment(kNonSync, 40, "delta");
  const std::string input =
      initialization() + box("styp", "msdh") + first + box("sidx", "x") + second + box("mfra", "x");

  CmafSplitter splitter;
  std::vector<CmafFragment> fragments;
  for (const char byte : input) {
    const auto value = static_cast<std::uint8_t>(byte);
    splitter.push(base::Bytes(&value, 1));
    auto next = splitter.next();
    ASSERT_TRUE(next) << next.error();
    if (next->has_value()) fragments.push_back(std::move(**next));
  }
  EXPECT_EQ(base::as_text(splitter.initialization()), initialization());
  ASSERT_EQ(fragments.size(), 2u);
  EXPECT_EQ(base::as_text(fragments[0].bytes), box("styp", "msdh") + first);
  EXPECT_TRUE(fragments[0].starts_group);
  EXPECT_EQ(base::as_text(fragments[1].bytes), second);
  EXPECT_FALSE(fragments[1].starts_group);
  EXPECT_EQ(fragments[1].decode_time, std::chrono::milliseconds(40));
}

TEST(CmafSplitter, RefusesWhatIsNotAnMp4) {
  CmafSplitter splitter;
  splitter.push(base::as_bytes("RIFF....AVI LIST"));
  EXPECT_FALSE(splitter.next());
}

TEST(CmafSplitter, RefusesAProgressiveMp4) {
  CmafSplitter splitter;
  const std::string input = initialization() + box("mdat", "samples");
  splitter.push(base::as_bytes(input));
  EXPECT_FALSE(splitter.next());
  EXPECT_TRUE(splitter.is_progressive());
}

TEST(CmafSplitter, RefusesABoxSmallerThanItsHeader) {
  CmafSplitter splitter;
  splitter.push(base::as_bytes(std::string_view("\0\0\0\4ftyp", 8)));
  EXPECT_FALSE(splitter.next());
}

TEST(CmafSplitter, AudioAloneStartsAGroupAtEveryFragment) {
  CmafSplitter splitter;
  const std::string input = box("ftyp", "isom") + box("moov", track(2, 1000, "soun")) + fragment(kNonSync, 0, "a");
  splitter.push(base::as_bytes(input));
  auto next = splitter.next();
  ASSERT_TRUE(next && next->has_value());
  EXPECT_TRUE((**next).starts_group);
}

TEST(WithoutInitialization, LeavesTheFragment) {
  const std::string object = initialization() + fragment(kSync, 0, "key");
  EXPECT_EQ(base::as_text(without_initialization(base::as_bytes(object))), fragment(kSync, 0, "key"));
}

}  // namespace
}  // namespace msquic_py::apps
