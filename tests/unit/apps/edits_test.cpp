// Boxes are built by hand after ISO/IEC 14496-12 sections 8.3.2 and 8.6.6.
#include "media/edits.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/apps/boxes.h"

namespace msquic_py::apps {
namespace {

using testing::box;
using testing::full_box;
using testing::u32;
using Ids = std::vector<std::uint32_t>;

Ids found_in(const std::string& moov) {
  const base::ByteVector bytes(moov.begin(), moov.end());
  return tracks_of_several_pieces(bytes);
}

std::string track(std::uint32_t id, const std::string& edits) {
  const std::string header = full_box("tkhd", 3, u32(0) + u32(0) + u32(id) + std::string(68, '\0'));
  return box("trak", header + (edits.empty() ? "" : box("edts", edits)));
}

const std::string kRate = u32(0x00010000);
std::string edit(std::uint32_t duration, std::uint32_t time) { return u32(duration) + u32(time) + kRate; }

TEST(Edits, OnePieceBehindAnEmptyEditIsOne) {
  EXPECT_EQ(found_in(track(1, "") + track(2, full_box("elst", 0, u32(1) + edit(1000, 512)))), Ids{});
  EXPECT_EQ(found_in(track(1, full_box("elst", 0, u32(2) + edit(200, 0xffffffff) + edit(1000, 512)))), Ids{});
}

TEST(Edits, TheTracksOfSeveralPiecesAreNamed) {
  const std::string two = full_box("elst", 0, u32(2) + edit(1000, 512) + edit(1000, 90000));
  const std::string wide = full_box("elst", 0x01000000,
                                    u32(3) + u32(0) + u32(9) + u32(0) + u32(0) + kRate + u32(0) + u32(9) + u32(~0u) +
                                        u32(~0u) + kRate + u32(0) + u32(9) + u32(0) + u32(7) + kRate);
  EXPECT_EQ(found_in(track(7, two) + track(8, "") + track(9, wide)), (Ids{7, 9}));
}

TEST(Edits, ACutListHasWhatIsThere) {
  EXPECT_EQ(found_in(track(1, full_box("elst", 0, u32(2) + edit(1000, 512) + u32(1000)))), Ids{});
  EXPECT_EQ(found_in(track(1, box("elst", "abc"))), Ids{});
  EXPECT_EQ(found_in(box("trak", box("tkhd", ""))), Ids{});
}

}  // namespace
}  // namespace msquic_py::apps
