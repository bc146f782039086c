// Boxes are built by hand after ISO/IEC 14496-12, 14496-15 and the bindings of the codecs.
#include "media/initialization.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "unit/apps/boxes.h"

namespace msquic_py::apps {
namespace {

using namespace std::string_literals;
using testing::box;
using testing::full_box;
using testing::u32;

base::ByteVector bytes_of(const std::string& text) { return {text.begin(), text.end()}; }
std::string text_of(base::Bytes bytes) { return {bytes.begin(), bytes.end()}; }

const std::string kTkhd = full_box("tkhd", 0, std::string(80, '\0'));

std::string mdia(std::uint32_t timescale, const std::string& entry) {
  const std::string stsd = full_box("stsd", 0, u32(1) + entry);
  return box("mdia", full_box("mdhd", 0, u32(0) + u32(0) + u32(timescale) + std::string(8, '\0')) +
                         box("minf", box("stbl", stsd)));
}

std::string initialization(const std::string& entry) {
  return box("ftyp", "iso6") + box("moov", full_box("mvhd", 0, "x") + box("trak", kTkhd + mdia(90000, entry)));
}

std::string visual(const std::string& type, const std::string& boxes) {
  return box(type, std::string(78, '\0') + boxes);
}
std::string audio(const std::string& type, const std::string& boxes) {
  return box(type, std::string(28, '\0') + boxes);
}

std::string codec_of(const std::string& entry) {
  const auto read = read_sample_entry(bytes_of(initialization(entry)));
  return read ? read->codec : "nothing";
}

TEST(Initialization, EditListsPutTheClockBack) {
  base::ByteVector segment = bytes_of(initialization(visual("avc1", "")));
  add_edit_lists(segment, 2);
  // Version 1: one edit of duration 0 from 2 s (180000 ticks of 1/90000 s) on, at rate 1.0.
  const std::string elst =
      full_box("elst", 0x01000000, u32(1) + u32(0) + u32(0) + u32(0) + u32(180000) + u32(0x00010000));
  const std::string trak = box("trak", kTkhd + box("edts", elst) + mdia(90000, visual("avc1", "")));
  EXPECT_EQ(text_of(segment), box("ftyp", "iso6") + box("moov", full_box("mvhd", 0, "x") + trak));
}

TEST(Initialization, EditsToTheEndGetALength) {
  const auto movie = [](const std::string& narrow, const std::string& wide) {
    const std::string first = box("trak", kTkhd + box("edts", full_box("elst", 0, narrow)));
    const std::string second = box("trak", kTkhd + box("edts", full_box("elst", 0x01000000, wide)));
    return box("ftyp", "iso6") + box("moov", first + second + box("trak", kTkhd));
  };
  const std::string rate = u32(0x00010000);
  // An empty edit of 40 ms, then the media from 7 on, to the end.
  const std::string empty = u32(40) + u32(0xffffffff) + rate;
  base::ByteVector segment =
      bytes_of(movie(u32(2) + empty + u32(0) + u32(7) + rate, u32(1) + u32(0) + u32(0) + u32(0) + u32(9) + rate));
  open_edit_lists(segment);
  EXPECT_EQ(text_of(segment), movie(u32(2) + empty + u32(0x7fffffff) + u32(7) + rate,
                                    u32(1) + u32(0) + u32(0x7fffffff) + u32(0) + u32(9) + rate));
  base::ByteVector has_a_length = bytes_of(movie(u32(1) + u32(3) + u32(7) + rate, u32(0)));
  const base::ByteVector before = has_a_length;
  open_edit_lists(has_a_length);
  EXPECT_EQ(has_a_length, before);
}

TEST(Initialization, CodecStrings) {
  EXPECT_EQ(codec_of(visual("avc1", box("avcC", "\x01\x64\x00\x1f"s))), "avc1.64001F");
  // Main profile, compatibility flags 1 and 2, main tier, level 3.1 (93), constraint byte 0xb0.
  EXPECT_EQ(codec_of(visual("hvc1", box("hvcC", "\x01\x01\x60\x00\x00\x00\xb0\x00\x00\x00\x00\x00\x5d"s))),
            "hvc1.1.6.L93.B0");
  EXPECT_EQ(codec_of(visual("av01", box("av1C", "\x81\x08\x0c\x00"s))), "av01.0.08M.08");
  EXPECT_EQ(codec_of(visual("av01", box("av1C", "\x81\x4d\xc0\x00"s))), "av01.2.13H.10");
  EXPECT_EQ(codec_of(visual("vp09", box("vpcC", "\x01\x00\x00\x00\x00\x1f\x82"s))), "vp09.00.31.08");
  EXPECT_EQ(codec_of(audio("fLaC", box("dfLa", "\0\0\0\0stream information"s))), "flac");
  EXPECT_EQ(codec_of(audio("ac-3", box("dac3", "abc"))), "ac-3");
}

TEST(Initialization, AacIsNamedByItsConfiguration) {
  // ES_Descriptor, DecoderConfigDescriptor of object type 0x40, DecoderSpecificInfo 0x12 0x10: AAC LC.
  const std::string specific = "\x05\x02\x12\x10"s;
  const std::string config = "\x04\x11\x40"s + std::string(12, '\0') + specific;
  const std::string esds = full_box("esds", 0, "\x03\x16\0\0\0"s + config);
  const auto read = read_sample_entry(bytes_of(initialization(audio("mp4a", esds))));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->codec, "mp4a.40.2");
  EXPECT_EQ(text_of(read->configuration), "\x12\x10");
}

TEST(Initialization, OpusIsDescribedByItsHeader) {
  // dOps: version, channels, pre-skip 312, rate 48000, gain -1, family 0; OpusHead has them with the low byte first.
  const std::string dops = "\x00\x02\x01\x38\x00\x00\xbb\x80\xff\xfe\x00"s;
  const auto read = read_sample_entry(bytes_of(initialization(audio("Opus", box("dOps", dops)))));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->codec, "opus");
  EXPECT_EQ(text_of(read->configuration), "OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\xfe\xff\x00"s);
}

TEST(Initialization, WhatIsNoSegmentHasNoEntry) {
  EXPECT_FALSE(read_sample_entry(bytes_of("")));
  EXPECT_FALSE(read_sample_entry(bytes_of(box("moov", box("trak", "x")))));
  for (std::size_t size = 0; size < 150; ++size)
    (void)read_sample_entry(bytes_of(initialization(audio("mp4a", "")).substr(0, size)));
}

TEST(Initialization, IsTakenOffAnObject) {
  const std::string chunk = box("moof", "x") + box("mdat", "data");
  EXPECT_EQ(text_of(without_initialization(bytes_of(initialization("") + chunk))), chunk);
  EXPECT_EQ(text_of(without_initialization(bytes_of(chunk))), chunk);
  EXPECT_EQ(text_of(media_data(bytes_of(chunk))), "data");
}

}  // namespace
}  // namespace msquic_py::apps
