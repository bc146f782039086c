#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "harness/serving_transport.h"
#include "harness/session_pair.h"
#include "moqt/session/data/object_encoding.h"
#include "moqt/session/data/priority_ladder.h"
#include "moqt/session/data/send_window.h"

// What is sent next [d15 §7.2], down to what a transport has in hand already.
namespace msquic_py::testing {
namespace {

using moqt::FullTrackName;
using moqt::GroupOrder;
using moqt::MessageParameters;
using moqt::TrackNamespace;
using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test
using namespace std::chrono_literals;

class Scheduling : public ::testing::Test {
 protected:
  void SetUp() override { pair.establish(); }

  RequestHandle subscribe(const std::string& name, std::uint8_t priority = 128,
                          GroupOrder order = GroupOrder::kAscending) {
    MessageParameters parameters;
    parameters.set_subscriber_priority(priority);
    parameters.set_group_order(order);
    const auto asked = pair.client.session.subscribe({TrackNamespace{"a"}, name}, std::move(parameters));
    EXPECT_TRUE(asked.ok());
    asked_[name] = *asked;
    pair.run();
    const RequestHandle request = pair.server.all<SubscribeReceived>().back().request;
    EXPECT_TRUE(session().accept(request).ok());
    pair.run();
    return request;
  }
  /// A stream with one object of so many bytes on it.
  StreamHandle write(RequestHandle subscription, std::uint64_t group, std::uint64_t subgroup, std::uint8_t priority,
                     std::size_t size) {
    SubgroupProperties properties;
    properties.group = group;
    properties.subgroup = subgroup;
    properties.publisher_priority = priority;
    const auto stream = session().open_subgroup(subscription, properties);
    EXPECT_TRUE(stream.ok());
    append(*stream, 0, size);
    return *stream;
  }
  void append(StreamHandle stream, std::uint64_t object, std::size_t size) {
    const auto encoded = encode_object(moqt::Draft::k15, arena_, object, std::nullopt, size);
    ASSERT_TRUE(encoded.ok());
    ASSERT_TRUE(session().append_object(stream, object, encoded->wire, encoded->delta_size, size).ok());
    const std::string payload(size, 'x');
    ASSERT_TRUE(session().append_payload(stream, base::SharedBytes::copy_of(base::as_bytes(payload))).ok());
  }
  Session& session() { return pair.server.session; }
  /// The congestion window has room, and nothing that was posted is on the way.
  void report_room() {
    session().on_transport_report(
        {.congestion_window = 100'000, .bytes_in_flight = 0, .posted_bytes = transport.unsent(), .round_trip = 10ms});
  }

  SessionPair pair;
  ServingTransport transport{pair.server.session};
  std::map<std::string, RequestHandle> asked_;

 private:
  base::SlabArena arena_;
};

struct Place {
  const char* track;
  std::uint8_t subscriber;
  std::uint8_t publisher;
  std::uint64_t group;
  std::uint64_t subgroup;
  GroupOrder order = GroupOrder::kAscending;
};
struct Rule {
  const char* name;
  Place waiting;
  Place first;
};

constexpr std::uint64_t kBig = std::uint64_t{1} << 40;
constexpr auto kDescending = GroupOrder::kDescending;
constexpr std::array kRules{
    Rule{"rule 1", {"a", 128, 128, 0, 0}, {"b", 127, 128, 0, 0}},
    Rule{"rule 1 before rule 2", {"a", 128, 0, 0, 0}, {"b", 127, 255, 0, 0}},
    Rule{"rule 1 at the ends", {"a", 255, 255, 0, 0}, {"b", 0, 0, 0, 0}},
    Rule{"rule 2 between tracks", {"a", 128, 128, 0, 0}, {"b", 128, 127, 0, 0}},
    Rule{"rule 2 at the end", {"a", 255, 255, 0, 0}, {"b", 255, 254, 0, 0}},
    Rule{"rule 2 in a track, before rule 3", {"a", 128, 128, 1, 0}, {"a", 128, 127, 2, 0}},
    Rule{"rule 3 ascending", {"a", 128, 128, 2, 0}, {"a", 128, 128, 1, 5}},
    Rule{"rule 3 ascending, high bits", {"a", 128, 128, kBig, 0}, {"a", 128, 128, 1, 0}},
    Rule{"rule 3 descending", {"a", 128, 128, 1, 0, kDescending}, {"a", 128, 128, 2, 5, kDescending}},
    Rule{"rule 3 descending, high bits", {"a", 128, 128, 1, 0, kDescending}, {"a", 128, 128, kBig, 0, kDescending}},
    Rule{"rule 4", {"a", 128, 128, 1, kBig}, {"a", 128, 128, 1, 3}},
};

// [d15 §7.2-1]
TEST_F(Scheduling, WhatComesFirstOvertakesWhatTheTransportHas) {
  std::map<std::string, RequestHandle> subscriptions;
  const auto at = [&](const Place& place, std::size_t rule) {
    const std::string name = place.track + std::to_string(rule);
    if (!subscriptions.contains(name)) subscriptions[name] = subscribe(name, place.subscriber, place.order);
    return subscriptions.at(name);
  };
  for (std::size_t i = 0; i < kRules.size(); ++i) {
    SCOPED_TRACE(kRules[i].name);
    (void)at(kRules[i].waiting, i);
    (void)at(kRules[i].first, i);
    session().set_send_window(10'000);
    const auto put = [&](const Place& place, std::size_t size) {
      return write(at(place, i), place.group, place.subgroup, place.publisher, size);
    };
    const auto waiting = put(kRules[i].waiting, 50'000);
    transport.take(pair.now);
    ASSERT_GE(transport.streams[waiting.value].unsent, 10'000u);
    const auto first = put(kRules[i].first, 20'000);
    transport.take(pair.now);
    const auto order = transport.serve(pair.now, 30'000);
    std::size_t of_first = 0;
    for (const auto& [stream, size] : order) {
      if (stream == first.value) of_first += size;
      if (stream == waiting.value) {
        EXPECT_GE(of_first, 20'000u) << "it went before the other was through";
      }
    }
    ASSERT_TRUE(session().finish_stream(waiting).ok());
    ASSERT_TRUE(session().finish_stream(first).ok());
    (void)transport.serve(pair.now, 100'000);
    ASSERT_EQ(transport.unsent(), 0u);
  }
}

TEST_F(Scheduling, AStreamThatHadNothingOvertakesLaterOnesOfItsTrack) {
  const auto track = subscribe("a");
  session().set_send_window(10'000);
  const auto base = write(track, 1, 0, 128, 100);
  const auto enhancement = write(track, 1, 1, 128, 50'000);
  (void)transport.serve(pair.now, 5'000);
  append(base, 1, 3'000);
  transport.take(pair.now);
  const auto order = transport.serve(pair.now, 4'000);
  ASSERT_FALSE(order.empty());
  EXPECT_EQ(order[0].first, base.value);
  EXPECT_EQ(order[2].first, base.value);
  EXPECT_GT(transport.streams[enhancement.value].unsent, 0u);
}

// [d15 §7.2-3]
TEST_F(Scheduling, EqualSubscriptionsShareByBytes) {
  session().set_send_window(10'000);
  std::array<StreamHandle, 3> streams;
  const std::array<std::size_t, 3> sizes{100, 5'000, 200'000};
  std::array<RequestHandle, 3> subscriptions;
  for (std::size_t i = 0; i < sizes.size(); ++i) subscriptions[i] = subscribe(std::to_string(i));
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    streams[i] = write(subscriptions[i], 0, 0, 128, sizes[i]);
    for (std::uint64_t object = 1; object * sizes[i] < 200'000; ++object) append(streams[i], object, sizes[i]);
  }
  (void)transport.serve(pair.now, 300'000);
  for (const auto stream : streams) {
    EXPECT_GT(transport.streams[stream.value].sent, 85'000u);
    EXPECT_LT(transport.streams[stream.value].sent, 115'000u);
  }
}

// A transport with turns of eight packets, to which the peer grants two turns and a bit at a time [d15 §7.2-3].
TEST_F(Scheduling, EqualSubscriptionsShareWhatThePeerGrants) {
  transport.packets_in_turn = 8;
  session().set_send_window(60'000);
  const std::array subscriptions{subscribe("a"), subscribe("b"), subscribe("c")};
  std::array<StreamHandle, 3> streams;
  for (std::size_t i = 0; i < streams.size(); ++i) streams[i] = write(subscriptions[i], 0, 0, 128, 600'000);
  report_room();
  for (int grant = 0; grant < 40; ++grant) {
    (void)transport.serve(pair.now, 17'000);
    report_room();
  }
  for (const auto stream : streams) {
    EXPECT_GT(transport.streams[stream.value].sent, 205'000u);
    EXPECT_LT(transport.streams[stream.value].sent, 250'000u);
  }
}

TEST_F(Scheduling, WhoHadNothingForLongDoesNotKeepAnEqualOut) {
  transport.packets_in_turn = 8;
  session().set_send_window(60'000);
  const auto late = subscribe("late");
  const auto asked = subscribe("early");
  const auto early = write(asked, 0, 0, 128, 900'000);
  report_room();
  for (int grant = 0; grant < 20; ++grant) {
    (void)transport.serve(pair.now, 17'000);
    report_room();
  }
  const std::size_t before = transport.streams[early.value].sent;
  const auto second = write(late, 0, 0, 128, 500'000);
  for (int grant = 0; grant < 20; ++grant) {
    (void)transport.serve(pair.now, 17'000);
    report_room();
  }
  EXPECT_GT(transport.streams[early.value].sent, before + 130'000);
  EXPECT_GT(transport.streams[second.value].sent, 130'000u);
}

TEST_F(Scheduling, WhoSendsLittleNeedNotWaitForAnEqual) {
  session().set_send_window(10'000);
  const auto audio = subscribe("audio");
  (void)write(subscribe("video"), 0, 0, 128, 500'000);
  transport.take(pair.now);
  for (std::uint64_t group = 0; group < 20; ++group) {
    const auto stream = write(audio, group, 0, 128, 200);
    ASSERT_TRUE(session().finish_stream(stream).ok());
    (void)transport.serve(pair.now, 2 * ServingTransport::kPacket);
    EXPECT_GT(transport.streams[stream.value].sent, 200u) << group;
  }
}

// [d15 §7.1-1]
TEST_F(Scheduling, AnUpdateReachesWhatTheTransportHas) {
  const auto first = subscribe("a");
  const auto second = subscribe("b");
  session().set_send_window(10'000);
  const auto one = write(first, 0, 0, 128, 50'000);
  const auto two = write(second, 0, 0, 128, 50'000);
  transport.take(pair.now);
  session().set_send_window(0);
  MessageParameters urgent;
  urgent.set_subscriber_priority(3);
  ASSERT_TRUE(pair.client.session.update(asked_["b"], std::move(urgent)).ok());
  pair.run();
  ASSERT_TRUE(session().accept(pair.server.only<UpdateReceived>().update).ok());
  pair.run();
  for (const auto& change : pair.server.done<PrioritizeStream>()) {
    transport.streams[change.stream.value].priority = change.priority;
  }
  EXPECT_GT(transport.streams[two.value].priority, transport.streams[one.value].priority);
}

TEST_F(Scheduling, AStreamThatThePeerHoldsUpIsLeftAlone) {
  const auto urgent = subscribe("urgent", 1);
  const auto other = subscribe("other");
  session().set_send_window(20'000);
  const auto stuck = write(urgent, 0, 0, 128, 500'000);
  transport.take(pair.now);
  transport.streams[stuck.value].credit = 5'000;
  (void)transport.serve(pair.now, 100'000);
  const auto behind = write(other, 0, 0, 128, 300'000);
  report_room();
  for (int step = 0; step < 100 && transport.streams[behind.value].sent < 300'000; ++step) {
    (void)transport.serve(pair.now, 50'000);
    report_room();
    if (const auto look = session().next_deadline()) pair.now = std::max(pair.now, *look);
    session().on_deadline(pair.now);
  }
  EXPECT_GE(transport.streams[behind.value].sent, 300'000u);
  EXPECT_LT(transport.streams[stuck.value].unsent, 150'000u);
  // With credit it goes on.
  transport.streams[stuck.value].credit = 1'000'000;
  for (int step = 0; step < 100; ++step) {
    (void)transport.serve(pair.now, 50'000);
    report_room();
  }
  EXPECT_GT(transport.streams[stuck.value].sent, 500'000u);
}

TEST_F(Scheduling, AClosedSessionWaitsForNothing) {
  const auto track = subscribe("a");
  session().set_send_window(20'000);
  (void)write(track, 0, 0, 128, 500'000);
  report_room();
  transport.take(pair.now);
  EXPECT_TRUE(session().waits_for_transport());
  ASSERT_TRUE(session().next_deadline());
  session().on_transport_closed(pair.now, 0, "", true);
  transport.take(pair.now);
  EXPECT_FALSE(session().next_deadline());
  EXPECT_FALSE(session().waits_for_transport());
}

TEST_F(Scheduling, DatagramsWaitLikeStreams) {
  const auto track = subscribe("a");
  session().set_send_window(20'000);
  (void)write(subscribe("b", 1), 0, 0, 128, 100'000);
  transport.take(pair.now);
  DatagramFields fields;
  const std::string payload(1000, 'd');
  fields.payload = base::as_bytes(payload);
  base::SlabArena arena;
  for (std::uint64_t object = 0; object < 50; ++object) {
    fields.location = {0, object};
    const auto encoded = encode_datagram(moqt::Draft::k15, arena, fields);
    ASSERT_TRUE(encoded.ok());
    ASSERT_TRUE(session().send_datagram(track, encoded->properties, encoded->after_alias).ok());
  }
  transport.take(pair.now);
  EXPECT_TRUE(transport.datagrams.empty()) << "they went before a stream that comes first";
  (void)transport.serve(pair.now, 200'000);
  EXPECT_EQ(transport.datagrams.size(), 9u) << "what is given cannot be overtaken";
  for (std::size_t sent = 0; sent < transport.datagrams.size(); ++sent) {
    session().on_datagram_sent(transport.datagrams[sent]);
    transport.take(pair.now);
  }
  EXPECT_EQ(transport.datagrams.size(), 50u);
}

// [d15 §7.2-2]
TEST(PriorityLadder, KeepsTheOrderOfWhateverComesAndGoes) {
  PriorityLadder ladder;
  std::map<std::uint16_t, int> live;
  std::mt19937 random(7);
  for (int step = 0; step < 20'000; ++step) {
    const auto urgency = static_cast<std::uint16_t>(random() % 2 == 0 ? random() : 128 * 256 + random() % 8);
    if (live.size() < 400 && random() % 2 == 0) {
      (void)ladder.join(urgency);
      ++live[urgency];
    } else if (!live.empty()) {
      const auto leaving = std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % live.size()));
      ladder.leave(leaving->first);
      if (--leaving->second == 0) live.erase(leaving);
    }
    std::uint32_t before = kControlStreamPriority;
    for (const auto& [each, count] : live) {
      const std::uint16_t priority = ladder.priority(each, 0);
      ASSERT_LT(priority, before);
      before = ladder.priority(each, 10);
      ASSERT_LE(before, priority);
    }
  }
}

TEST(SendWindow, IsWhatThePathTakesAndALittleMore) {
  SendWindow window(12'000);
  EXPECT_EQ(window.bytes(), 12'000u);
  window.report({.congestion_window = 80'000, .bytes_in_flight = 70'000, .posted_bytes = 75'000, .round_trip = 20ms});
  EXPECT_EQ(window.bytes(), 90'000u);
  EXPECT_FALSE(window.held_up());
  EXPECT_TRUE(window.reaches(79'000));
  EXPECT_FALSE(window.reaches(40'000));
  // Much more was given than is on the way: nothing is added to what waits.
  window.report({.congestion_window = 80'000, .bytes_in_flight = 20'000, .posted_bytes = 60'000, .round_trip = 20ms});
  EXPECT_LT(window.bytes(), 40'000u);
  window.report({.congestion_window = 80'000, .bytes_in_flight = 0, .posted_bytes = 40'000, .round_trip = 20ms});
  EXPECT_TRUE(window.held_up());
  window.restrict();
  EXPECT_EQ(window.bytes(), 5'600u);
  window.report({.congestion_window = 80'000, .bytes_in_flight = 5'000, .posted_bytes = 5'000, .round_trip = 20ms});
  EXPECT_EQ(window.bytes(), 11'200u);
}

}  // namespace
}  // namespace msquic_py::testing
