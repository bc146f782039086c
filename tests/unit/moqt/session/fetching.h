#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "harness/raw_peer.h"

namespace msquic_py::testing::fetch_requests {

using namespace std::chrono_literals;
using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test
using moqt::FullTrackName;
using moqt::GroupOrder;
using moqt::Location;
using moqt::MalformedTrack;
using moqt::MessageParameters;
using moqt::ObjectStatus;
using moqt::Perspective;
using moqt::SessionErrorCode;
using moqt::TrackNamespace;

inline const FullTrackName kTrack(TrackNamespace{"a"}, "t");
inline constexpr std::uint64_t kDeliveryTimeout = 0x2;
inline constexpr std::string_view kFetchOk = "18 0005 00 00 05 00 00";  // Request ID 0, not the end, {5, 0}
inline constexpr std::string_view kRequestError = "05 0003 00 10 00";   // Request ID 0, DOES_NOT_EXIST
inline constexpr std::string_view kFetchCancel = "17 0001 00";

/// A client whose request 0 is a FETCH of {3, 0} to the end of group 5.
struct Fetching {
  explicit Fetching(MessageParameters parameters = {}, SessionConfig config = {})
      : peer(RawPeer::established(Perspective::kClient, std::move(config))) {
    const auto asked = peer.session.fetch(kTrack, {3, 0}, {5, 0}, std::move(parameters));
    EXPECT_TRUE(asked.ok());
    fetch = *asked;
    peer.drain();
  }
  void clear() {
    peer.sent_control.clear();
    peer.events.clear();
  }
  /// The session has given the fetch up, and nothing else.
  void expect_cancelled() {
    EXPECT_FALSE(peer.closed);
    EXPECT_EQ(peer.sent_control, hex(kFetchCancel));
    EXPECT_EQ(peer.session.open_requests(), 0u);
  }
  RawPeer peer;
  RequestHandle fetch;
};

inline MessageParameters descending() {
  MessageParameters parameters;
  parameters.set_group_order(GroupOrder::kDescending);
  return parameters;
}

/// What kFetchOk and kAnswer bring.
inline void expect_answered(RawPeer& peer, RequestHandle fetch) {
  const auto accepted = peer.all<FetchAccepted>();
  ASSERT_EQ(accepted.size(), 1u);
  EXPECT_EQ(accepted[0].request, fetch);
  EXPECT_FALSE(accepted[0].end_of_track);
  EXPECT_EQ(accepted[0].end, (Location{5, 0}));
  const auto objects = peer.all<FetchObjectReceived>();
  ASSERT_EQ(objects.size(), 3u);
  EXPECT_EQ(objects[0].fetch, fetch);
  EXPECT_EQ(objects[0].location, (Location{3, 2}));
  EXPECT_EQ(objects[0].subgroup, 7u);
  EXPECT_EQ(objects[0].publisher_priority, 0x81);
  EXPECT_EQ(objects[0].payload_length, 2u);
  EXPECT_EQ(objects[1].location, (Location{3, 3})) << "the prior Object ID plus one";
  EXPECT_EQ(objects[1].subgroup, 7u) << "as before";
  EXPECT_EQ(objects[1].publisher_priority, 0x81);
  EXPECT_EQ(objects[1].extensions.view()[0], 0x02);
  EXPECT_EQ(objects[1].extensions.view()[1], 0x05);
  EXPECT_EQ(objects[2].location, (Location{5, 0}));
  EXPECT_EQ(objects[2].subgroup, 0u);
  EXPECT_EQ(objects[2].status, ObjectStatus::kDoesNotExist);
  std::string payload;
  for (const auto& event : peer.events) {
    base::SharedBytes bytes;
    if (const auto* object = std::get_if<FetchObjectReceived>(&event)) bytes = object->payload;
    if (const auto* more = std::get_if<ObjectPayload>(&event)) {
      EXPECT_EQ(more->subscription, fetch);
      bytes = more->bytes;
    }
    payload.append(bytes.view().begin(), bytes.view().end());
  }
  EXPECT_EQ(payload, "abc");
  const auto ended = peer.all<FetchEnded>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].fetch, fetch);
  EXPECT_TRUE(ended[0].finished);
  EXPECT_TRUE(std::holds_alternative<FetchEnded>(peer.events.back()));
  EXPECT_EQ(peer.session.open_requests(), 0u);
  EXPECT_FALSE(peer.closed);
  EXPECT_TRUE(peer.stopped.empty());
}

// All of group, subgroup, object and priority; then extensions and what follows from before; then a status.
inline constexpr std::string_view kAnswer = "05 00 | 1f 03 07 02 81 02 6162 | 21 02 0205 01 63 | 0c 05 00 00 01";

}  // namespace msquic_py::testing::fetch_requests
