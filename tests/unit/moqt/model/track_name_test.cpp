#include <gtest/gtest.h>

#include <string>
#include <unordered_set>

#include "moqt/model/full_track_name.h"

namespace msquic_py::moqt {
namespace {

// [d15 §2.4.1-3]
TEST(TrackNamespace, ComparesFieldByField) {
  EXPECT_EQ((TrackNamespace{"a", "b"}), (TrackNamespace{"a", "b"}));
  EXPECT_NE((TrackNamespace{"ab", "c"}), (TrackNamespace{"a", "bc"}));
  EXPECT_NE((TrackNamespace{"ab", "c"}).hash(), (TrackNamespace{"a", "bc"}).hash());
  EXPECT_NE((FullTrackName{TrackNamespace{"a"}, "bc"}), (FullTrackName{TrackNamespace{"a", "b"}, "c"}));
  EXPECT_NE((FullTrackName{TrackNamespace{"a"}, "bc"}).hash(), (FullTrackName{TrackNamespace{"a", "b"}, "c"}).hash());
}

TEST(TrackNamespace, PrefixIsOfWholeFields) {
  const TrackNamespace name{"live", "cam1"};
  EXPECT_TRUE((TrackNamespace{"live"}).is_prefix_of(name));
  EXPECT_TRUE(name.is_prefix_of(name));
  EXPECT_FALSE((TrackNamespace{"liv"}).is_prefix_of(name));
  EXPECT_FALSE((TrackNamespace{"live", "cam"}).is_prefix_of(name));
  EXPECT_FALSE((TrackNamespace{"live", "cam1", "x"}).is_prefix_of(name));
}

TEST(TrackNamespace, ValidWithOneTo32FieldsUpTo4096Bytes) {
  EXPECT_FALSE(TrackNamespace{}.valid());
  TrackNamespace name;
  for (int i = 0; i < 32; ++i) name.append(base::as_bytes("x"));
  EXPECT_TRUE(name.valid());
  name.append(base::as_bytes("x"));
  EXPECT_FALSE(name.valid());

  const std::string long_field(4095, 'x');
  EXPECT_TRUE((FullTrackName{TrackNamespace{long_field}, "n"}).valid());
  EXPECT_FALSE((FullTrackName{TrackNamespace{long_field}, "nn"}).valid());
  EXPECT_FALSE((TrackNamespace{long_field, "nn"}).valid());
}

TEST(TrackNamespace, TextEscapesWhatIsNotPrintable) {
  EXPECT_EQ((TrackNamespace{"moq-test", "a/b", std::string_view("\x00\xff", 2)}).to_text(),
            "moq-test/a\\x2fb/\\x00\\xff");
  EXPECT_EQ((FullTrackName{TrackNamespace{"a", "b"}, "video 1"}).to_text(), "a/b--video\\x201");
}

// [d15 §2.4.1-3]
TEST(FullTrackName, IsAKey) {
  std::unordered_set<FullTrackName> names;
  names.insert({TrackNamespace{"a"}, "t"});
  names.insert({TrackNamespace{"a"}, "t"});
  names.insert({TrackNamespace{"a"}, ""});
  EXPECT_EQ(names.size(), 2u);
}

}  // namespace
}  // namespace msquic_py::moqt
