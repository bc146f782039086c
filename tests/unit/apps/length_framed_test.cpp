#include "media/length_framed.h"

#include <gtest/gtest.h>

namespace msquic_py::apps {
namespace {

TEST(LengthFramed, ReadsFramesAndGroupMarksOneByteAtATime) {
  const base::ByteVector input{0, 0, 0, 2, 'a', 'b', 0, 0, 0, 0, 0, 0, 0, 1, 'c', 0, 0, 0, 1, 'd'};
  LengthFramedReader reader;
  std::vector<LengthFrame> frames;
  for (const std::uint8_t byte : input) {
    reader.push(base::Bytes(&byte, 1));
    auto frame = reader.next();
    ASSERT_TRUE(frame);
    if (frame->has_value()) frames.push_back(**frame);
  }
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(base::as_text(frames[0].bytes), "ab");
  EXPECT_TRUE(frames[0].starts_group);
  EXPECT_EQ(base::as_text(frames[1].bytes), "c");
  EXPECT_TRUE(frames[1].starts_group);
  EXPECT_EQ(base::as_text(frames[2].bytes), "d");
  EXPECT_FALSE(frames[2].starts_group);
  EXPECT_TRUE(reader.at_boundary());
}

TEST(LengthFramed, RefusesAnAbsurdLength) {
  const base::ByteVector input{0xff, 0xff, 0xff, 0xff};
  LengthFramedReader reader;
  reader.push(input);
  EXPECT_FALSE(reader.next());
}

TEST(LengthFramed, KnowsThatAFrameIsHalfRead) {
  const base::ByteVector input{0, 0, 0, 5, 'x'};
  LengthFramedReader reader;
  reader.push(input);
  EXPECT_FALSE(reader.next()->has_value());
  EXPECT_FALSE(reader.at_boundary());
}

TEST(LengthFramed, WritesTheGroupMarkBeforeTheFrame) {
  base::ByteVector out;
  append_length_framed(out, base::as_bytes("hi"), true);
  EXPECT_EQ(out, (base::ByteVector{0, 0, 0, 0, 0, 0, 0, 2, 'h', 'i'}));
}

}  // namespace
}  // namespace msquic_py::apps
