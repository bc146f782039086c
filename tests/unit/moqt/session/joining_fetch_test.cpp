// Joining FETCH, from both sides (sections 5.1, 9.16.2).

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "harness/raw_peer.h"
#include "harness/session_pair.h"

namespace msquic_py::testing::joining_fetch {
namespace {

using namespace std::chrono_literals;
using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test
using moqt::FetchRange;
using moqt::FullTrackName;
using moqt::Location;
using moqt::MessageParameters;
using moqt::Perspective;
using moqt::PublishDoneCode;
using moqt::RequestErrorCode;
using moqt::SessionErrorCode;
using moqt::SubscriptionFilter;
using moqt::TrackNamespace;

const FullTrackName kTrack(TrackNamespace{"a"}, "t");
constexpr std::string_view kSubscribe = "03 000a 00 01 0161 01 74 01 21 01 02";  // Request ID 0, Largest Object
constexpr std::string_view kJoinOneBack = "16 0005 02 02 00 01 00";              // Request ID 2 joins 0

MessageParameters largest_object() {
  MessageParameters parameters;
  parameters.set_filter(SubscriptionFilter::largest_object());
  return parameters;
}
MessageParameters largest(Location location) {
  MessageParameters parameters;
  parameters.set_largest_object(location);
  return parameters;
}

/// A server with one subscription of the peer, answered unless told otherwise.
struct Joined {
  explicit Joined(std::string_view subscribe = kSubscribe, std::optional<Location> at = Location{5, 7},
                  bool answer = true)
      : peer(RawPeer::established(Perspective::kServer)), at_(at) {
    peer.control(subscribe);
    subscription = peer.all<SubscribeReceived>().at(0).request;
    if (answer) accept();
  }
  void accept() {
    EXPECT_TRUE(peer.session.accept(subscription, at_ ? largest(*at_) : MessageParameters{}).ok());
    peer.drain();
    peer.sent_control.clear();
  }
  /// The code of the one REQUEST_ERROR that was sent.
  [[nodiscard]] std::optional<std::uint8_t> refusal() const {
    if (peer.sent_control.size() < 5 || peer.sent_control[0] != 0x05 || peer.sent_control[3] != 0x02)
      return std::nullopt;
    return peer.sent_control[4];
  }
  [[nodiscard]] std::optional<FetchRange> range() const {
    const auto received = peer.all<FetchReceived>();
    return received.size() == 1 ? std::optional(received[0].range) : std::nullopt;
  }
  RawPeer peer;
  RequestHandle subscription;

 private:
  std::optional<Location> at_;
};

// [d15 §5.1-4, §9.16.2.1-1]
TEST(JoiningFetch, EndsWhereTheSubscriptionBegan) {
  Joined joined;
  joined.peer.session.note_largest_object(joined.subscription, {9, 0});
  joined.peer.control(kJoinOneBack);
  const auto received = joined.peer.all<FetchReceived>();
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(received[0].track, kTrack);
  EXPECT_EQ(received[0].joined, joined.subscription);
  EXPECT_EQ(received[0].range, (FetchRange{{4, 0}, {5, 8}})) << "{5, 7} is the last one";
}

// [d15 §9.16.2.1-1]
TEST(JoiningFetch, Starts) {
  const auto range = [](std::string_view fetch) {
    Joined joined;
    joined.peer.control(fetch);
    return joined.range();
  };
  EXPECT_EQ(range("16 0005 02 02 00 00 00"), (FetchRange{{5, 0}, {5, 8}}));
  EXPECT_EQ(range("16 0005 02 02 00 05 00"), (FetchRange{{0, 0}, {5, 8}}));
  EXPECT_EQ(range("16 0005 02 02 00 06 00"), (FetchRange{{0, 0}, {5, 8}})) << "not before group 0";
  EXPECT_EQ(range("16 000c 02 02 00 ffffffffffffffff 00"), (FetchRange{{0, 0}, {5, 8}}));
  EXPECT_EQ(range("16 0005 02 03 00 02 00"), (FetchRange{{2, 0}, {5, 8}}));
  EXPECT_EQ(range("16 0005 02 03 00 05 00"), (FetchRange{{5, 0}, {5, 8}}));
  EXPECT_EQ(range("16 0005 02 03 00 06 00"), std::nullopt);
}

// [d15 §9.16.2-1, §9.16.3-3]
TEST(JoiningFetch, BehindTheLargestObjectIsInvalid) {
  Joined joined;
  joined.peer.control("16 0005 02 03 00 06 00");
  EXPECT_EQ(joined.refusal(), 0x11) << "INVALID_RANGE";
  Joined empty(kSubscribe, std::nullopt);
  empty.peer.control(kJoinOneBack);
  EXPECT_EQ(empty.refusal(), 0x11) << "no object when the subscription began";
  EXPECT_EQ(empty.peer.session.open_requests(), 1u);
}

// [d15 §9.16.2-2]
TEST(JoiningFetch, OfNoSubscription) {
  Joined unknown;
  unknown.peer.control("16 0005 02 02 08 01 00");
  EXPECT_EQ(unknown.refusal(), 0x32) << "INVALID_JOINING_REQUEST_ID";
  Joined itself;
  itself.peer.control("16 0005 02 02 02 01 00");
  EXPECT_EQ(itself.refusal(), 0x32) << "of itself";
  Joined ended;
  ended.peer.control("0a 0001 00");  // UNSUBSCRIBE
  ended.peer.control(kJoinOneBack);
  EXPECT_EQ(ended.refusal(), 0x32);
  Joined done;
  ASSERT_TRUE(done.peer.session.publish_done(done.subscription, PublishDoneCode::kTrackEnded).ok());
  done.peer.drain();
  done.peer.sent_control.clear();
  done.peer.control(kJoinOneBack);
  EXPECT_EQ(done.refusal(), 0x32);
  for (Joined* each : {&unknown, &itself, &ended, &done}) {
    EXPECT_FALSE(each->peer.closed);
    EXPECT_TRUE(each->peer.all<FetchReceived>().empty());
  }
}

// [d15 §9.16.2-3]
TEST(JoiningFetch, NeedsTheFilterLargestObject) {
  for (const char* subscribe : {"03 0007 00 01 0161 01 74 00",                    // none
                                "03 000a 00 01 0161 01 74 01 21 01 01",           // Next Group Start
                                "03 000c 00 01 0161 01 74 01 21 03 03 02 00"}) {  // AbsoluteStart {2, 0}
    for (const bool answered : {true, false}) {
      Joined joined(subscribe, Location{5, 7}, answered);
      joined.peer.control(kJoinOneBack);
      EXPECT_EQ(joined.peer.close_code(), SessionErrorCode::kProtocolViolation) << subscribe;
    }
  }
}

// [d15 §9.16.2.1-1]
TEST(JoiningFetch, WaitsForItsSubscription) {
  Joined joined(kSubscribe, Location{5, 7}, /*answer=*/false);
  joined.peer.control(kJoinOneBack);
  EXPECT_TRUE(joined.peer.all<FetchReceived>().empty());
  EXPECT_TRUE(joined.peer.sent_control.empty());
  joined.accept();
  EXPECT_EQ(joined.range(), (FetchRange{{4, 0}, {5, 8}}));

  Joined rejected(kSubscribe, Location{5, 7}, /*answer=*/false);
  rejected.peer.control(kJoinOneBack);
  ASSERT_TRUE(rejected.peer.session.reject(rejected.subscription, RequestErrorCode::kDoesNotExist).ok());
  rejected.peer.drain();
  EXPECT_EQ(rejected.peer.sent_control,
            hex("05 0003 00 10 00 | 05 0017 02 32 14 6e6f207375636820737562736372697074696f6e"));
  EXPECT_EQ(rejected.peer.session.open_requests(), 0u);

  Joined withdrawn(kSubscribe, Location{5, 7}, /*answer=*/false);
  withdrawn.peer.control(kJoinOneBack);
  withdrawn.peer.control("0a 0001 00");
  EXPECT_EQ(withdrawn.peer.session.open_requests(), 0u);
  EXPECT_FALSE(withdrawn.peer.closed);

  Joined cancelled(kSubscribe, Location{5, 7}, /*answer=*/false);
  cancelled.peer.control(kJoinOneBack);
  cancelled.peer.control("17 0001 02");
  EXPECT_EQ(cancelled.refusal(), 0x00) << "its one answer";
  EXPECT_TRUE(cancelled.peer.all<FetchCancelled>().empty()) << "the application never heard of it";
  cancelled.accept();
  EXPECT_TRUE(cancelled.peer.all<FetchReceived>().empty());
}

TEST(JoiningFetch, OutlivesItsSubscription) {
  Joined joined;
  joined.peer.control(kJoinOneBack);
  joined.peer.control("0a 0001 00");
  const RequestHandle fetch = joined.peer.all<FetchReceived>().at(0).request;
  ASSERT_TRUE(joined.peer.session.accept_fetch(fetch, {.end_of_track = false, .end = {5, 8}}).ok());
  const auto stream = joined.peer.session.open_fetch(fetch);
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE(joined.peer.session.finish_stream(*stream).ok());
  joined.peer.drain();
  EXPECT_EQ(joined.peer.sent_stream, hex("05 02"));
  EXPECT_EQ(joined.peer.session.open_requests(), 0u);
}

// [d15 §5.1-4, §9.16.2-3]
TEST(JoiningFetch, OfAPublish) {
  const auto after_publish_ok = [](std::string_view publish_ok) {
    auto peer = RawPeer::established(Perspective::kServer);
    EXPECT_TRUE(peer.session.publish(kTrack, largest({5, 7})).ok());
    peer.drain();
    peer.sent_control.clear();
    peer.control("16 0005 00 02 01 01 00");  // ahead of PUBLISH_OK: it waits
    EXPECT_TRUE(peer.sent_control.empty());
    peer.control(publish_ok);
    return peer;
  };
  auto joined = after_publish_ok("1e 0005 01 01 21 01 02");
  ASSERT_EQ(joined.all<FetchReceived>().size(), 1u);
  EXPECT_EQ(joined.all<FetchReceived>()[0].range, (FetchRange{{4, 0}, {5, 8}}));
  auto unfiltered = after_publish_ok("1e 0002 01 00");
  EXPECT_FALSE(unfiltered.closed);
  ASSERT_GE(unfiltered.sent_control.size(), 5u);
  EXPECT_EQ(unfiltered.sent_control[4], 0x32);
}

// ---- asking ----

TEST(Join, NamesItsSubscription) {
  auto peer = RawPeer::established(Perspective::kClient);
  const auto subscription = peer.session.subscribe(kTrack, largest_object());
  ASSERT_TRUE(subscription.ok());
  ASSERT_TRUE(peer.session.join(*subscription, JoiningStart::relative(1)).ok());
  ASSERT_TRUE(peer.session.join(*subscription, JoiningStart::absolute(3)).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control,
            hex("03 000a 00 01 0161 01 74 01 21 01 02 | 16 0005 02 02 00 01 00 | 16 0005 04 03 00 03 00"));
}

TEST(Join, WaitsForCreditBehindItsSubscription) {
  RawPeer peer(Perspective::kClient);
  peer.control("21 0001 00");
  const auto subscription = peer.session.subscribe(kTrack, largest_object());
  const auto fetch = peer.session.join(*subscription, JoiningStart::relative(1));
  ASSERT_TRUE(fetch.ok());
  peer.drain();
  peer.sent_control.clear();
  peer.control("15 0001 04");
  EXPECT_EQ(peer.sent_control, hex("03 000a 00 01 0161 01 74 01 21 01 02 | 16 0005 02 02 00 01 00"));
}

TEST(Join, OfASubscriptionThatEndedMeanwhileIsRejected) {
  RawPeer peer(Perspective::kClient);
  peer.control("21 0001 00");
  const auto subscription = peer.session.subscribe(kTrack, largest_object());
  const auto fetch = peer.session.join(*subscription, JoiningStart::relative(1));
  ASSERT_TRUE(fetch.ok() && peer.session.cancel(*subscription).ok());
  peer.drain();
  peer.sent_control.clear();
  peer.control("15 0001 04");
  EXPECT_TRUE(peer.sent_control.empty());
  ASSERT_EQ(peer.all<RequestRejected>().size(), 1u);
  EXPECT_EQ(peer.all<RequestRejected>()[0].request, *fetch);
  EXPECT_EQ(peer.all<RequestRejected>()[0].code, 0x32u);
}

TEST(Join, NeedsALiveSubscriptionThatBeganAtTheLargestObject) {
  auto peer = RawPeer::established(Perspective::kClient);
  const auto start = JoiningStart::relative(1);
  EXPECT_EQ(peer.session.join({99}, start).error(), SessionError::kUnknownRequest);
  const auto unfiltered = peer.session.subscribe(kTrack);
  EXPECT_EQ(peer.session.join(*unfiltered, start).error(), SessionError::kNotJoinable);
  const auto announced = peer.session.publish_namespace(TrackNamespace{"a"});
  EXPECT_EQ(peer.session.join(*announced, start).error(), SessionError::kWrongRole);
  peer.control("1d 000c 01 01 0161 01 75 07 01 | 09 02 05 07");  // PUBLISH with LARGEST_OBJECT {5, 7}
  const RequestHandle published = peer.all<PublishReceived>().at(0).request;
  EXPECT_EQ(peer.session.join(published, start).error(), SessionError::kWrongState);
  ASSERT_TRUE(peer.session.accept(published, largest_object()).ok());
  ASSERT_TRUE(peer.session.join(published, start).ok());
  peer.control("0b 0004 01 02 00 00");  // PUBLISH_DONE
  EXPECT_FALSE(peer.session.join(published, start).ok());
}

// [d15 §9.16.3-6]
TEST(Join, KnowsItsRangeFromTheSubscription) {
  const auto after = [](bool early, std::string_view object) {
    auto peer = RawPeer::established(Perspective::kClient);
    const auto subscription = peer.session.subscribe(kTrack, largest_object());
    EXPECT_TRUE(peer.session.join(*subscription, JoiningStart::relative(1)).ok());
    peer.drain();
    if (early) peer.stream(3, std::string("05 02 | ").append(object));
    peer.control("04 0007 00 07 01 09 02 05 07");
    peer.control("18 0005 02 00 05 08 00");
    if (!early) peer.stream(3, std::string("05 02 | ").append(object));
    return peer.close_code();
  };
  EXPECT_EQ(after(false, "1c 04 00 80 01 61"), std::nullopt);
  EXPECT_EQ(after(false, "1c 05 07 80 01 61"), std::nullopt);
  EXPECT_EQ(after(false, "1c 03 09 80 01 61"), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(after(false, "1c 05 08 80 01 61"), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(after(true, "1c 04 00 80 01 61"), std::nullopt) << "objects may overtake SUBSCRIBE_OK";
}

/// A publisher with groups of three objects, the latest being {5, 1} when the subscriber comes.
// [d15 §9.16.2.1-1]
TEST(Join, FetchAndSubscriptionHaveNoGapAndNothingTwice) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    SessionPair pair(seed);
    pair.establish();
    const auto subscription = pair.client.session.subscribe(kTrack, largest_object());
    const auto fetch = pair.client.session.join(*subscription, JoiningStart::relative(2));
    ASSERT_TRUE(fetch.ok());
    pair.run();
    const RequestHandle published = pair.server.only<SubscribeReceived>().request;
    ASSERT_TRUE(pair.server.session.accept(published, largest({5, 1})).ok());
    pair.run();
    const auto asked = pair.server.only<FetchReceived>();
    const auto past = pair.server.session.open_fetch(asked.request);
    ASSERT_TRUE(past.ok());
    for (std::uint64_t group = 3; group <= 5; ++group) {
      for (std::uint64_t object = 0; object < 3; ++object) {
        if (!asked.range.covers({group, object})) continue;
        FetchObject sent;
        sent.location = {group, object};
        sent.payload = base::SharedBytes::copy_of(base::ByteVector(seed * 7, 0x61));
        sent.payload_length = sent.payload.size();
        ASSERT_TRUE(pair.server.session.append_fetch_object(*past, sent).ok());
      }
    }
    ASSERT_TRUE(pair.server.session.finish_stream(*past).ok());
    SubgroupProperties properties;
    properties.group = 5;
    const auto live = pair.server.session.open_subgroup(published, properties);
    const auto wire = base::SharedBytes::copy_of(hex("02 01 61"));
    ASSERT_TRUE(pair.server.session.append_object(*live, 2, wire, 1).ok());
    ASSERT_TRUE(
        pair.server.session
            .accept_fetch(asked.request, {.end_of_track = false, .end = asked.range.answered_end({5, 2}, false)})
            .ok());
    pair.run();
    std::vector<Location> got;
    std::uint64_t payload = 0;
    for (const auto& event : pair.client.events) {
      if (const auto* object = std::get_if<FetchObjectReceived>(&event)) {
        got.push_back(object->location);
        payload += object->payload.size();
      }
      if (const auto* more = std::get_if<ObjectPayload>(&event); more && more->subscription == *fetch)
        payload += more->bytes.size();
    }
    for (const auto& object : pair.client.all<ObjectReceived>()) got.push_back(object.location);
    std::sort(got.begin(), got.end());
    const std::vector<Location> expected{{3, 0}, {3, 1}, {3, 2}, {4, 0}, {4, 1}, {4, 2}, {5, 0}, {5, 1}, {5, 2}};
    EXPECT_EQ(got, expected);
    EXPECT_EQ(payload, 8u * seed * 7);
    EXPECT_EQ(pair.client.only<FetchAccepted>().end, (Location{5, 2}));
    EXPECT_TRUE(pair.client.only<FetchEnded>().finished);
    EXPECT_FALSE(pair.client.closed || pair.server.closed);
    EXPECT_EQ(pair.server.session.open_requests(), 1u) << "the subscription";
  }
}

TEST(PausedFetch, MakesThePublisherWait) {
  SessionPair pair;
  pair.establish();
  const auto fetch = pair.client.session.fetch(kTrack, {0, 0}, {1, 0});
  ASSERT_TRUE(fetch.ok());
  pair.run();
  const RequestHandle asked = pair.server.only<FetchReceived>().request;
  const auto stream = pair.server.session.open_fetch(asked);
  const auto append = [&](std::uint64_t object) {
    FetchObject sent;
    sent.location = {0, object};
    sent.payload = base::SharedBytes::copy_of(base::ByteVector(1000, 0x61));
    sent.payload_length = 1000;
    EXPECT_TRUE(pair.server.session.append_fetch_object(*stream, sent).ok());
  };
  append(0);
  pair.run();
  ASSERT_EQ(pair.client.count<FetchObjectReceived>(), 1u);
  pair.client.session.pause_stream(pair.client.only<FetchObjectReceived>().stream);
  pair.run();
  for (std::uint64_t object = 1; object < 50; ++object) append(object);
  ASSERT_TRUE(pair.server.session.finish_stream(*stream).ok());
  ASSERT_TRUE(pair.server.session.accept_fetch(asked, {.end_of_track = false, .end = {0, 50}}).ok());
  pair.run();
  EXPECT_EQ(pair.client.count<FetchObjectReceived>(), 1u) << "nothing comes while it is paused";
  pair.client.session.resume_stream(pair.client.only<FetchObjectReceived>().stream);
  pair.run();
  EXPECT_EQ(pair.client.count<FetchObjectReceived>(), 50u);
  EXPECT_TRUE(pair.client.only<FetchEnded>().finished);
}

}  // namespace
}  // namespace msquic_py::testing::joining_fetch
