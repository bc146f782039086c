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

// All of group, subgroup, object and priority; then extensions and what follows from before; then a status.
inline constexpr std::string_view kAnswer = "05 00 | 1f 03 07 02 81 02 6162 | 21 02 0205 01 63 | 0c 05 00 00 01";

}  // namespace msquic_py::testing::fetch_requests
