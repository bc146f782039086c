#include <gtest/gtest.h>

#include <string>

#include "harness/raw_peer.h"

// The session must not depend on how the transport cuts what the peer wrote.
namespace msquic_py::testing {
namespace {

using moqt::Perspective;
using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test

constexpr std::string_view kControl =
    "03 0007 00 01 0161 01 74 00"                 // SUBSCRIBE
    "02 0005 02 00 01 20 05"                      // SUBSCRIBE_UPDATE
    "1d 0008 04 01 0161 01 75 07 00"              // PUBLISH
    "16 000c 06 01 01 0161 01 74 03 00 05 00 00"  // FETCH
    "17 0001 06"                                  // FETCH_CANCEL
    "0d 0007 08 01 0161 01 74 00"                 // TRACK_STATUS
    "06 0005 0a 01 0161 00"                       // PUBLISH_NAMESPACE
    "11 0005 0c 01 0162 00"                       // SUBSCRIBE_NAMESPACE
    "15 0002 4065 1a 0001 02"                     // MAX_REQUEST_ID, REQUESTS_BLOCKED
    "0b 0006 04 02 00 02 6f6b"                    // PUBLISH_DONE
    "09 0003 01 0161 14 0001 0c 0a 0001 00"       // the ends of three requests
    "10 0001 00";                                 // GOAWAY

// [d15 §10.4-2]
TEST(Fragments, ControlMessagesMayComeByteByByte) {
  auto whole = RawPeer::established(Perspective::kServer);
  whole.control(kControl);
  auto pieces = RawPeer::established(Perspective::kServer);
  pieces.control_bytewise(kControl);
  EXPECT_FALSE(whole.closed);
  EXPECT_FALSE(pieces.closed);
  EXPECT_EQ(pieces.sent_control, whole.sent_control);
  ASSERT_EQ(pieces.events.size(), whole.events.size());
  for (std::size_t i = 0; i < whole.events.size(); ++i)
    EXPECT_EQ(pieces.events[i].index(), whole.events[i].index()) << i;
  EXPECT_EQ(whole.all<GoawayReceived>().size(), 1u) << "it was read to its end";
}

TEST(Fragments, SetupMayComeByteByByte) {
  RawPeer peer(Perspective::kServer);
  peer.control_bytewise("00 | 20 0004 01 02 4064 | 03 0007 00 01 0161 01 74 00");
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(peer.all<SubscribeReceived>().size(), 1u);
}

TEST(Fragments, ViolationsAreFoundByteByByte) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control_bytewise("03 000a 00 01 0161 01 74 01 20 4100");
  EXPECT_EQ(peer.close_code(), moqt::SessionErrorCode::kProtocolViolation);
}

struct Seen {
  std::vector<moqt::Location> locations;
  std::vector<moqt::ObjectStatus> statuses;
  std::string payload;
  bool finished = false;
  bool operator==(const Seen&) const = default;
};

Seen seen_by(const RawPeer& peer) {
  Seen seen;
  for (const auto& event : peer.events) {
    if (const auto* object = std::get_if<ObjectReceived>(&event)) {
      seen.locations.push_back(object->location);
      seen.statuses.push_back(object->status);
      const auto payload = object->payload();
      seen.payload += "|" + std::string(base::as_text(payload));
    } else if (const auto* more = std::get_if<ObjectPayload>(&event)) {
      seen.payload += base::as_text(more->bytes);
    } else if (const auto* ended = std::get_if<SubgroupEnded>(&event)) {
      seen.finished = ended->finished;
    }
  }
  return seen;
}

// [d15 §10.4-2]
TEST(Fragments, ObjectsMayComeByteByByte) {
  // Types 0x15 and 0x30: with and without extensions and priority; deltas, a zero-length object, an end of group.
  for (const char* stream :
       {"15 02 4100 07 80 | 05 00 05 68656c6c6f | 00 04 3e 05 06 01 01 78 | 03 00 00 00 | 00 00 00 03",
        "30 02 00 | 00 05 68656c6c6f | 00 00 00 | 4064 01 78 | 00 00 03"}) {
    const auto after = [&](bool bytewise, bool before_subscribe_ok) {
      auto peer = RawPeer::established(Perspective::kServer);
      EXPECT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).ok());
      if (!before_subscribe_ok) peer.control("04 0003 01 02 00");
      if (bytewise) {
        peer.stream_bytewise(2, stream, true);
      } else {
        peer.stream(2, stream, true);
      }
      if (before_subscribe_ok) peer.control("04 0003 01 02 00");
      EXPECT_FALSE(peer.closed) << stream;
      EXPECT_TRUE(peer.all<TrackMalformed>().empty()) << stream;
      return seen_by(peer);
    };
    const Seen whole = after(false, false);
    EXPECT_EQ(whole.locations.size(), 4u) << stream;
    EXPECT_TRUE(whole.finished) << stream;
    EXPECT_EQ(after(true, false), whole) << stream;
    EXPECT_EQ(after(false, true), whole) << stream;
    EXPECT_EQ(after(true, true), whole) << stream;
  }
}

}  // namespace
}  // namespace msquic_py::testing
