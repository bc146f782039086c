// Requests that only later drafts have, as an endpoint answers them. Their bytes are written from draft-22,
// sections 9.5, 9.11 and 9.20.9.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "endpoint_pair.h"
#include "harness/raw_peer.h"

namespace msquic_py::moqt::pubsub {
namespace {

using testing::hex;
using testing::shared;

/// An endpoint that answers, and a peer that is nothing but bytes.
class LaterRequests : public ::testing::Test {
 protected:
  explicit LaterRequests(bool rejects_unknown_tracks = false)
      : session_(Draft::k22, server()), endpoint_(session_, patient(rejects_unknown_tracks)) {
    session_.start(now_);
    session_.on_uni_stream_data(now_, 2, base::SharedBytes::copy_of(hex("af00 0000")), false);
    drain();
  }
  static session::SessionConfig server() {
    session::SessionConfig config;
    config.perspective = Perspective::kServer;
    config.implementation.clear();
    return config;
  }
  static EndpointConfig patient(bool rejects_unknown_tracks) {
    EndpointConfig config;
    config.reject_unknown_tracks = rejects_unknown_tracks;
    return config;
  }
  /// What is said on request streams when this comes on one of them.
  base::ByteVector ask(std::uint64_t stream, std::string_view message) {
    session_.on_request_data(now_, session::RequestStreamId{stream}, hex(message), false);
    return drain();
  }
  base::ByteVector drain() {
    base::ByteVector said;
    for (bool any = true; any;) {
      any = false;
      endpoint_.drain_session(now_);
      EndpointEvent event;
      while (endpoint_.poll_event(event)) events_.push_back(event);
      session::Action action;
      while (session_.poll_action(now_, action)) {
        any = true;
        if (const auto* sent = std::get_if<session::SendRequest>(&action)) {
          said.insert(said.end(), sent->bytes.data(), sent->bytes.data() + sent->bytes.size());
        }
      }
    }
    return said;
  }
  template <class T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const EndpointEvent& event : events_) {
      if (const auto* each = std::get_if<T>(&event)) found.push_back(*each);
    }
    return found;
  }
  std::shared_ptr<TrackWriter> publish(std::uint64_t groups) {
    TrackOptions options;
    options.retention.groups = 10;
    const auto writer = *endpoint_.add_track({TrackNamespace{"a"}, "t"}, options);
    for (std::uint64_t number = 0; number < groups; ++number) {
      const auto group = *writer->begin_group(number);
      EXPECT_TRUE(group->write(shared("x")).ok());
      group->finish();
    }
    return writer;
  }
  static void expect_refused(const base::ByteVector& said, std::uint8_t code) {
    ASSERT_GT(said.size(), 3u);
    EXPECT_EQ(said[0], 0x05);
    EXPECT_EQ(said[3], code);
  }

  /// FETCH (a) t, LOCATION_FILTER of type 1, StartGroup 2: from one group before the present one on.
  static constexpr std::string_view kRelativeFetch = "16 000a 00 01 0161 01 74 01 21 01 02";

  session::Time now_{std::chrono::hours(1)};
  session::Session session_;
  Endpoint endpoint_;
  std::vector<EndpointEvent> events_;
};

// Section 9.5.2 (10.9.2 of draft-18): SUBSCRIBE_NAMESPACE (a), then REQUEST_UPDATE with TRACK_NAMESPACE_PREFIX (b).
TEST_F(LaterRequests, ANamespaceSubscriptionMovesToAnotherPrefix) {
  (void)ask(0, "50 0005 00 01 0161 00");
  const auto subscription = all<session::NamespaceSubscribed>().at(0).request;
  ASSERT_TRUE(session_.accept(subscription).ok());
  ASSERT_TRUE(session_.announce(subscription, TrackNamespace{"a", "x"}).ok());
  EXPECT_EQ(drain(), hex("07 0001 00 | 08 0003 01 01 78"));
  EXPECT_EQ(ask(0, "02 0006 02 01 34 01 01 62"), hex("07 0001 00")) << "REQUEST_OK";
  const auto updates = all<session::NamespaceUpdateReceived>();
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].subscription, subscription);
  EXPECT_EQ(updates[0].prefix, TrackNamespace{"b"});
  EXPECT_FALSE(session_.announce(subscription, TrackNamespace{"a", "y"}).ok());
  ASSERT_TRUE(session_.announce(subscription, TrackNamespace{"b", "y"}).ok());
  EXPECT_EQ(drain(), hex("08 0003 01 01 79")) << "NAMESPACE, behind (b)";
  EXPECT_EQ(ask(0, "02 0002 04 00"), hex("07 0001 00"));
  EXPECT_EQ(all<session::NamespaceUpdateReceived>().size(), 1u) << "nothing has changed";
}

TEST_F(LaterRequests, ARelativeFetchCountsFromTheLargestObject) {
  (void)publish(5);
  EXPECT_EQ(ask(0, kRelativeFetch), hex("18 0004 00 04 00 00")) << "FETCH_OK up to {4, 0}";
}

TEST_F(LaterRequests, ARelativeFetchOfATrackWithoutObjectsIsAnInvalidRange) {
  (void)publish(0);
  expect_refused(ask(0, kRelativeFetch), 0x11);
}

TEST_F(LaterRequests, ARelativeFetchWaitsForItsTrack) {
  EXPECT_TRUE(ask(0, kRelativeFetch).empty());
  const auto asked = all<FetchRequested>().at(0);
  EXPECT_EQ(asked.response->request().groups_back, 2u);
  ASSERT_TRUE(endpoint_.answer_fetch(asked.response, publish(5)).ok());
  EXPECT_EQ(drain(), hex("18 0004 00 04 00 00"));
}

TEST_F(LaterRequests, TheApplicationKnowsWhereARelativeFetchBegins) {
  (void)ask(0, kRelativeFetch);
  const auto response = all<FetchRequested>().at(0).response;
  ASSERT_TRUE(response->resolve(Location{7, 3}).ok());
  EXPECT_EQ(response->request().range, (FetchRange{{6, 0}, {7, 4}}));
  EXPECT_FALSE(response->request().groups_back);
  ASSERT_TRUE(response->finish().ok());
  EXPECT_EQ(drain(), hex("18 0004 00 07 03 00"));
}

TEST_F(LaterRequests, TheApplicationKnowsThatNothingWasPublished) {
  (void)ask(0, kRelativeFetch);
  const auto response = all<FetchRequested>().at(0).response;
  EXPECT_EQ(response->resolve(std::nullopt).error(), session::SessionError::kEmptyRange);
  EXPECT_FALSE(response->open());
  expect_refused(drain(), 0x11);
}

class LaterRequestsOfKnownTracks : public LaterRequests {
 protected:
  LaterRequestsOfKnownTracks() : LaterRequests(/*rejects_unknown_tracks=*/true) {}
};

TEST_F(LaterRequestsOfKnownTracks, ARelativeFetchOfAnotherOneIsRefusedAsAny) {
  expect_refused(ask(0, kRelativeFetch), 0x10);  // DOES_NOT_EXIST
}

}  // namespace
}  // namespace msquic_py::moqt::pubsub
