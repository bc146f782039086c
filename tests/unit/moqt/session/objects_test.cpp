#include <gtest/gtest.h>

#include <string>

#include "harness/raw_peer.h"
#include "harness/session_pair.h"
#include "moqt/session/data/object_encoding.h"

// Objects in and out: streams, datagrams, priorities, back-pressure, PUBLISH_DONE.
namespace msquic_py::testing {
namespace {

using moqt::FullTrackName;
using moqt::Location;
using moqt::MessageParameters;
using moqt::TrackNamespace;
using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test

const FullTrackName kTrack{TrackNamespace{"a"}, "t"};

SubgroupProperties of_group(std::uint64_t group) {
  SubgroupProperties properties;
  properties.group = group;
  return properties;
}

DatagramFields datagram(Location location, std::string_view payload, std::optional<std::uint8_t> priority = {}) {
  DatagramFields fields;
  fields.location = location;
  fields.publisher_priority = priority;
  fields.payload = base::as_bytes(payload);
  return fields;
}

/// A pair in which the client receives what the server publishes.
class Objects : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  void SetUp() override { pair.establish(); }

  /// The server's handle of a new subscription of the client.
  RequestHandle subscribe(const FullTrackName& track = kTrack, MessageParameters parameters = {}) {
    const auto asked = pair.client.session.subscribe(track, std::move(parameters));
    EXPECT_TRUE(asked.ok());
    receiving = *asked;
    pair.run();
    const RequestHandle request = pair.server.all<SubscribeReceived>().back().request;
    EXPECT_TRUE(pair.server.session.accept(request).ok());
    pair.run();
    return request;
  }
  void write(StreamHandle stream, std::uint64_t object, std::string_view payload) {
    const auto encoded = encode_object(moqt::Draft::k15, arena, object, std::nullopt, payload.size());
    ASSERT_TRUE(encoded.ok());
    ASSERT_TRUE(
        pair.server.session.append_object(stream, object, encoded->wire, encoded->delta_size, payload.size()).ok());
    ASSERT_TRUE(pair.server.session.append_payload(stream, base::SharedBytes::copy_of(base::as_bytes(payload))).ok());
  }
  StreamHandle open(RequestHandle subscription, std::uint64_t group, std::optional<std::uint8_t> priority = {},
                    std::uint64_t subgroup = 0) {
    SubgroupProperties properties = of_group(group);
    properties.subgroup = subgroup;
    properties.publisher_priority = priority;
    const auto stream = pair.server.session.open_subgroup(subscription, properties);
    EXPECT_TRUE(stream.ok());
    return stream.ok() ? *stream : StreamHandle{};
  }
  /// Payloads of the objects of a stream, put together from their pieces.
  std::vector<std::string> payloads() const {
    std::vector<std::string> found;
    for (const auto& event : pair.client.events) {
      if (const auto* object = std::get_if<ObjectReceived>(&event)) {
        const auto payload = object->payload();
        found.emplace_back(base::as_text(payload));
      } else if (const auto* more = std::get_if<ObjectPayload>(&event)) {
        found.back() += base::as_text(more->bytes);
      }
    }
    return found;
  }

  SessionPair pair{GetParam()};
  base::SlabArena arena;
  RequestHandle receiving;
};
INSTANTIATE_TEST_SUITE_P(Seeds, Objects, ::testing::Range(1u, 9u));

TEST_P(Objects, ArriveWholeWhereverTheStreamIsCut) {
  const auto subscription = subscribe();
  const auto stream = open(subscription, 3);
  write(stream, 0, "hello");
  write(stream, 1, std::string(3000, 'x'));
  write(stream, 5, "gap");
  ASSERT_TRUE(pair.server.session.finish_stream(stream).ok());
  pair.run();
  EXPECT_EQ(payloads(), (std::vector<std::string>{"hello", std::string(3000, 'x'), "gap"}));
  const auto objects = pair.client.all<ObjectReceived>();
  EXPECT_EQ(objects[2].location, (Location{3, 5}));
  EXPECT_EQ(objects[2].subscription, receiving);
  EXPECT_TRUE(pair.client.only<SubgroupEnded>().finished);
}

TEST_P(Objects, AreForwardedAsTheyWereReceived) {
  // What arrives at the client is sent on, unread, by a second pair; the receiver there sees the same objects.
  const auto subscription = subscribe();
  const auto stream = open(subscription, 3);
  write(stream, 2, "first");
  write(stream, 3, std::string(100, 'y'));
  write(stream, 9, "last");
  ASSERT_TRUE(pair.server.session.finish_stream(stream).ok());
  pair.run();

  SessionPair next(GetParam() + 100);
  next.establish();
  ASSERT_TRUE(next.client.session.subscribe(kTrack).ok());
  next.run();
  const auto down = next.server.only<SubscribeReceived>().request;
  ASSERT_TRUE(next.server.session.accept(down).ok());
  const auto out = next.server.session.open_subgroup(down, of_group(3));
  ASSERT_TRUE(out.ok());
  std::size_t seen = 0;
  for (const auto& event : pair.client.events) {
    if (const auto* object = std::get_if<ObjectReceived>(&event)) {
      if (++seen == 1) continue;  // a late joiner misses the first object: the delta of the second has to change for it
      ASSERT_TRUE(next.server.session
                      .append_object(*out, object->location.object, object->wire, object->delta_size,
                                     object->payload_length - object->payload().size())
                      .ok());
    } else if (const auto* more = std::get_if<ObjectPayload>(&event); more != nullptr && seen > 1) {
      ASSERT_TRUE(next.server.session.append_payload(*out, more->bytes).ok());
    }
  }
  ASSERT_TRUE(next.server.session.finish_stream(*out).ok());
  next.run();
  const auto objects = next.client.all<ObjectReceived>();
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_EQ(objects[0].location, (Location{3, 3}));
  EXPECT_EQ(objects[1].location, (Location{3, 9}));
  EXPECT_FALSE(next.client.closed);
}

// [d15 §3.1-1]
TEST_P(Objects, DatagramsCarryObjects) {
  const auto subscription = subscribe();
  const auto encoded = encode_datagram(moqt::Draft::k15, arena, datagram({4, 2}, "ping", 5));
  ASSERT_TRUE(encoded.ok());
  ASSERT_TRUE(pair.server.session.send_datagram(subscription, encoded->properties, encoded->after_alias).ok());
  const std::string large(1300, 'z');
  const auto too_large = encode_datagram(moqt::Draft::k15, arena, datagram({4, 3}, large));
  const auto sent = pair.server.session.send_datagram(subscription, too_large->properties, too_large->after_alias);
  ASSERT_TRUE(sent.ok());
  EXPECT_FALSE(*sent);
  EXPECT_EQ(pair.server.session.published(subscription)->datagrams_dropped, 1u);
  pair.run();
  const auto received = pair.client.only<DatagramReceived>();
  EXPECT_EQ(received.location, (Location{4, 2}));
  EXPECT_EQ(received.publisher_priority, 5);
  EXPECT_EQ(base::as_text(received.payload()), "ping");
}

// [d15 §5.1.1-2, §9.15-1, §9.15-2, §9.15-3, §9.15-6]
TEST_P(Objects, PublishDoneWaitsForTheStreamsOnBothSides) {
  const auto subscription = subscribe();
  const auto first = open(subscription, 0);
  const auto second = open(subscription, 1);
  write(first, 0, "a");
  write(second, 0, "b");
  pair.run();
  ASSERT_TRUE(pair.server.session.publish_done(subscription, moqt::PublishDoneCode::kTrackEnded, "over").ok());
  EXPECT_EQ(pair.server.session.open_subgroup(subscription, of_group(2)).error(), SessionError::kWrongState);
  pair.run();
  EXPECT_EQ(pair.client.count<SubscriptionDone>(), 0u) << "its streams are still open";
  pair.server.hold_data = true;
  ASSERT_TRUE(pair.server.session.finish_stream(first).ok());
  ASSERT_TRUE(pair.server.session.finish_stream(second).ok());
  pair.run();
  EXPECT_EQ(pair.server.session.published(subscription), nullptr) << "PUBLISH_DONE is out";
  EXPECT_EQ(pair.client.count<SubscriptionDone>(), 0u) << "PUBLISH_DONE has overtaken the data";
  pair.server.hold_data = false;
  pair.run();
  const auto done = pair.client.only<SubscriptionDone>();
  EXPECT_EQ(done.stream_count, 2u);
  EXPECT_EQ(done.missing_streams, 0u);
  EXPECT_EQ(done.reason, "over");
  EXPECT_EQ(payloads().size(), 2u);
}

TEST_P(Objects, PublishDoneHoldsAlthoughThePublisherGoesBeforeItsStreamsHaveCome) {
  auto peer = RawPeer::established(moqt::Perspective::kServer);
  ASSERT_TRUE(peer.session.subscribe(kTrack).ok());
  peer.control("04 0003 01 02 00 | 0b 0004 01 02 03 00");  // PUBLISH_DONE: TRACK_ENDED, three streams
  peer.stream(2, "14 02 00 00 80 | 00 01 61", false);
  EXPECT_TRUE(peer.all<SubscriptionDone>().empty());
  peer.session.on_transport_closed(peer.now, 0, "", /*by_peer=*/true);
  peer.drain();
  ASSERT_EQ(peer.all<SubscriptionDone>().size(), 1u);
  EXPECT_EQ(peer.all<SubscriptionDone>()[0].code, 0x2u);
  EXPECT_EQ(peer.all<SubscriptionDone>()[0].missing_streams, 2u);
  EXPECT_EQ(peer.all<Closed>().size(), 1u);
}

// However the session ends: here the peer breaks a rule afterwards.
TEST_P(Objects, PublishDoneHoldsAlthoughTheSessionIsClosedBeforeItsStreamsHaveCome) {
  auto peer = RawPeer::established(moqt::Perspective::kServer);
  ASSERT_TRUE(peer.session.subscribe(kTrack).ok());
  peer.control("04 0003 01 02 00 | 0b 0004 01 02 03 00");  // PUBLISH_DONE: TRACK_ENDED, three streams
  peer.stream(2, "14 02 00 00 80 | 00 01 61", false);
  peer.stream(6, "4064");  // no type of a stream
  EXPECT_EQ(peer.close_code(), moqt::SessionErrorCode::kProtocolViolation);
  ASSERT_EQ(peer.all<SubscriptionDone>().size(), 1u);
  EXPECT_EQ(peer.all<SubscriptionDone>()[0].code, 0x2u);
  EXPECT_EQ(peer.all<SubscriptionDone>()[0].missing_streams, 2u);
  ASSERT_FALSE(peer.events.empty());
  EXPECT_TRUE(std::holds_alternative<Closed>(peer.events.back()));
}

// [d15 §9.15-3]
TEST_P(Objects, StreamsThatNeverComeAreWaitedForABoundedTime) {
  auto peer = RawPeer::established(moqt::Perspective::kServer);
  ASSERT_TRUE(peer.session.subscribe(kTrack).ok());
  peer.control("04 0003 01 02 00 | 0b 0004 01 02 03 00");  // PUBLISH_DONE: three streams
  peer.stream(2, "14 02 00 00 80 | 00 01 61", true);
  EXPECT_TRUE(peer.all<SubscriptionDone>().empty());
  peer.advance(std::chrono::seconds(3));
  ASSERT_EQ(peer.all<SubscriptionDone>().size(), 1u);
  EXPECT_EQ(peer.all<SubscriptionDone>()[0].missing_streams, 2u);
}

// [d15 §5.1.1-1]
TEST_P(Objects, UnsubscribeResetsTheStreams) {
  const auto subscription = subscribe();
  const auto stream = open(subscription, 0);
  write(stream, 0, "a");
  pair.run();
  ASSERT_TRUE(pair.client.session.cancel(receiving).ok());
  pair.run();
  const auto resets = pair.server.done<ResetStream>();
  ASSERT_EQ(resets.size(), 1u);
  EXPECT_EQ(resets[0].code, static_cast<std::uint64_t>(moqt::StreamResetCode::kCancelled));
  EXPECT_EQ(pair.server.session.append_payload(stream, {}).error(), SessionError::kUnknownStream);
}

// [d15 §10.4.3-7]
TEST_P(Objects, ForwardZeroAndNarrowingResetWhatIsNotWanted) {
  const auto subscription = subscribe();
  const auto early = open(subscription, 1);
  const auto late = open(subscription, 5);
  write(early, 0, "a");
  write(late, 0, "b");
  pair.run();
  MessageParameters narrower;
  narrower.set_filter(moqt::SubscriptionFilter::absolute_start({3, 0}));
  ASSERT_TRUE(pair.client.session.update(receiving, narrower).ok());
  pair.run();
  ASSERT_TRUE(pair.server.session.accept(pair.server.only<UpdateReceived>().update).ok());
  pair.run();
  EXPECT_EQ(pair.server.only<OutgoingStreamStopped>().stream, early);
  MessageParameters paused;
  paused.set_forward(false);
  ASSERT_TRUE(pair.client.session.update(receiving, paused).ok());
  pair.run();
  ASSERT_TRUE(pair.server.session.accept(pair.server.all<UpdateReceived>().back().update).ok());
  pair.run();
  EXPECT_EQ(pair.server.count<OutgoingStreamStopped>(), 2u);
  EXPECT_EQ(pair.server.session.open_subgroup(subscription, of_group(9)).error(), SessionError::kWrongState);
  EXPECT_EQ(pair.server.session.published(subscription)->queued_bytes, 0u);
  EXPECT_EQ(pair.server.session.published(subscription)->open_streams, 0u);
}

// [d15 §10.4.3-6]
TEST_P(Objects, StopSendingEndsOneStreamOnly) {
  const auto subscription = subscribe();
  const auto stopped = open(subscription, 0);
  const auto other = open(subscription, 1);
  write(stopped, 0, "a");
  pair.run();
  pair.client.session.stop_stream(pair.client.only<SubgroupOpened>().stream, moqt::StreamResetCode::kCancelled);
  pair.run();
  EXPECT_EQ(pair.server.only<OutgoingStreamStopped>().stream, stopped);
  write(other, 0, "b");
  pair.run();
  EXPECT_EQ(payloads().back(), "b");
}

// [d15 §7.2-1]
TEST_P(Objects, GoOutInPriorityOrder) {
  MessageParameters urgent;
  urgent.set_subscriber_priority(1);
  const auto normal = subscribe({TrackNamespace{"a"}, "normal"});
  const auto preferred = subscribe({TrackNamespace{"a"}, "preferred"}, urgent);
  MessageParameters descending;
  descending.set_group_order(moqt::GroupOrder::kDescending);
  const auto newest_first = subscribe({TrackNamespace{"a"}, "newest"}, descending);
  pair.server.session.set_send_window(0);  // nothing leaves until everything is queued
  struct Planned {
    StreamHandle stream;
    std::string name;
  };
  std::vector<Planned> planned;
  const auto plan = [&](RequestHandle subscription, std::uint64_t group, std::uint8_t priority, std::uint64_t subgroup,
                        std::string name) {
    planned.push_back({open(subscription, group, priority, subgroup), name});
    write(planned.back().stream, 0, name);
    ASSERT_TRUE(pair.server.session.finish_stream(planned.back().stream).ok());
  };
  constexpr std::uint64_t kBig = std::uint64_t{1} << 40;  // differs from 0 above bit 32 only
  plan(newest_first, 1, 200, 0, "newest 1");
  plan(newest_first, 2, 200, 0, "newest 2");
  plan(normal, kBig, 128, 0, "normal big");
  plan(normal, 1, 128, 1, "normal 1.1");
  plan(normal, 1, 128, 0, "normal 1.0");
  plan(normal, 7, 10, 0, "normal 7 urgent");
  plan(preferred, 9, 255, 0, "preferred");
  pair.server.session.set_send_window(1 << 20);
  pair.run();
  std::vector<std::string> order;
  for (const auto& sent : pair.server.done<OpenStream>()) {
    for (const auto& each : planned) {
      if (each.stream == sent.stream) order.push_back(each.name);
    }
  }
  EXPECT_EQ(order, (std::vector<std::string>{"preferred", "normal 7 urgent", "normal 1.0", "normal 1.1", "normal big",
                                             "newest 2", "newest 1"}));
}

TEST_P(Objects, OnlyAWindowIsWithTheTransport) {
  const auto subscription = subscribe();
  pair.server.session.set_send_window(10'000);
  pair.server.acknowledge = false;
  const auto stream = open(subscription, 0);
  write(stream, 0, std::string(50'000, 'x'));
  pair.run();
  const PublishedSubscription& view = *pair.server.session.published(subscription);
  EXPECT_GE(view.outstanding_bytes, 10'000u);
  EXPECT_LE(view.outstanding_bytes, 10'000u + 4096u);
  EXPECT_GT(view.queued_bytes, 30'000u);
  // A more urgent stream that comes later still overtakes what is queued.
  const auto late = open(subscription, 1, 0);
  write(late, 0, "urgent");
  pair.server.session.on_stream_bytes_sent(stream, view.outstanding_bytes);
  const auto before = pair.server.done<SendStream>().size();
  pair.run();
  EXPECT_EQ(pair.server.done<SendStream>().at(before).stream, late);
}

// [d15 §2.1-1]
TEST_P(Objects, OutOfOrderAndBeyondTheLengthIsRefused) {
  const auto subscription = subscribe();
  const auto stream = open(subscription, 0);
  write(stream, 4, "a");
  const auto encoded = encode_object(moqt::Draft::k15, arena, 4, std::nullopt, 3);
  EXPECT_EQ(pair.server.session.append_object(stream, 4, encoded->wire, encoded->delta_size, 3).error(),
            SessionError::kObjectOutOfOrder);
  ASSERT_TRUE(pair.server.session.append_object(stream, 5, encoded->wire, encoded->delta_size, 3).ok());
  EXPECT_EQ(pair.server.session.finish_stream(stream).error(), SessionError::kWrongState);
  EXPECT_EQ(pair.server.session.append_payload(stream, base::SharedBytes::copy_of(hex("61626364"))).error(),
            SessionError::kTooLarge);
}

}  // namespace
}  // namespace msquic_py::testing
