// Streams whose objects are pulled when their turn to be sent comes [d15 §7.2].

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/serving_transport.h"
#include "harness/session_pair.h"
#include "moqt/session/data/object_encoding.h"

namespace msquic_py::testing::stream_feeder {
namespace {

using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test
using moqt::GroupOrder;
using moqt::Location;
using moqt::MessageParameters;
using moqt::StreamResetCode;
using moqt::TrackNamespace;

/// Has objects of one size for any number of streams.
class Shelf final : public StreamFeeder {
 public:
  explicit Shelf(Session& session) : session_(session) {}

  struct Stock {
    std::size_t objects = 0;
    std::size_t size = 1000;
    std::uint64_t next = 0;
    bool fetch = false;
    bool finish = false;
  };
  std::map<StreamHandle, Stock> stock;
  std::vector<StreamHandle> calls;

  void feed(StreamHandle stream, Time) override {
    calls.push_back(stream);
    Stock& its = stock.at(stream);
    while (its.objects > 0 && session_.backlog(stream).has_room()) {
      ASSERT_TRUE(append(stream, its).ok());
      --its.objects;
      ++its.next;
    }
    if (its.objects > 0) {
      ASSERT_TRUE(session_.request_feed(stream).ok());
    } else if (its.finish) {
      ASSERT_TRUE(session_.finish_stream(stream).ok());
    }
  }

 private:
  SessionResult<void> append(StreamHandle stream, const Stock& its) {
    if (its.fetch) {
      FetchObject object;
      object.location = {0, its.next};
      object.payload = payload_.slice(0, its.size);
      object.payload_length = its.size;
      return session_.append_fetch_object(stream, object);
    }
    const auto encoded = encode_object(moqt::Draft::k15, arena_, its.next, std::nullopt, its.size);
    auto appended = session_.append_object(stream, its.next, encoded->wire, encoded->delta_size, its.size);
    if (!appended.ok()) return appended;
    return session_.append_payload(stream, payload_.slice(0, its.size));
  }

  Session& session_;
  base::SlabArena arena_;
  base::SharedBytes payload_ = base::SharedBytes::copy_of(base::ByteVector(100'000, 0x61));
};

class Feeding : public ::testing::Test {
 protected:
  void SetUp() override { pair.establish(); }
  Session& session() { return pair.server.session; }

  RequestHandle subscribe(const std::string& name, std::uint8_t priority = 128) {
    MessageParameters parameters;
    parameters.set_subscriber_priority(priority);
    EXPECT_TRUE(pair.client.session.subscribe({TrackNamespace{"a"}, name}, std::move(parameters)).ok());
    pair.run();
    const RequestHandle request = pair.server.all<SubscribeReceived>().back().request;
    EXPECT_TRUE(session().accept(request).ok());
    pair.run();
    return request;
  }
  StreamHandle open(RequestHandle subscription, std::uint64_t group, std::size_t objects, std::uint8_t priority = 128) {
    SubgroupProperties properties;
    properties.group = group;
    properties.publisher_priority = priority;
    const auto stream = session().open_subgroup(subscription, properties);
    EXPECT_TRUE(stream.ok());
    stock(*stream, {.objects = objects});
    return *stream;
  }
  RequestHandle ask(std::uint8_t priority = 128) {
    MessageParameters parameters;
    parameters.set_subscriber_priority(priority);
    EXPECT_TRUE(pair.client.session.fetch({TrackNamespace{"a"}, "f"}, {0, 0}, {9, 0}, std::move(parameters)).ok());
    pair.run();
    return pair.server.all<FetchReceived>().back().request;
  }
  StreamHandle open_fetch(RequestHandle request) {
    const auto stream = session().open_fetch(request);
    EXPECT_TRUE(stream.ok());
    return *stream;
  }
  void stock(StreamHandle stream, Shelf::Stock what) {
    shelf.stock[stream] = what;
    EXPECT_TRUE(session().set_feeder(stream, &shelf).ok());
    EXPECT_TRUE(session().request_feed(stream).ok());
  }
  void append(StreamHandle stream, Location location, std::uint8_t priority, std::size_t size) {
    FetchObject object;
    object.location = location;
    object.publisher_priority = priority;
    object.payload = base::SharedBytes::copy_of(base::ByteVector(size, 0x61));
    object.payload_length = size;
    ASSERT_TRUE(session().append_fetch_object(stream, object).ok());
  }
  std::size_t sent(StreamHandle stream) { return transport.streams[stream.value].sent; }

  SessionPair pair;
  ServingTransport transport{pair.server.session};
  Shelf shelf{pair.server.session};
};

TEST_F(Feeding, NothingIsFetchedBeforeItsTurn) {
  session().set_send_window(0);
  const StreamHandle stream = open(subscribe("t"), 0, 100);
  transport.take(pair.now);
  EXPECT_TRUE(shelf.calls.empty()) << "the transport has no room";
  EXPECT_TRUE(session().has_unsent());
  EXPECT_TRUE(session().waits_for_transport());
  session().set_send_window(10'000);
  transport.take(pair.now);
  EXPECT_FALSE(shelf.calls.empty());
  EXPECT_LE(transport.unsent(), 15'000u);
  EXPECT_LE(100 - shelf.stock[stream].objects, 15u + 17u) << "no more than the transport has room for and the mark";
  EXPECT_LT(session().backlog(stream).bytes, kFeedMark);
}

TEST_F(Feeding, AllOfItArrivesInOrder) {
  const RequestHandle subscription = subscribe("t");
  pair.server.actions.clear();
  const StreamHandle stream = open(subscription, 0, 1000);
  shelf.stock[stream].finish = true;
  pair.run();
  const auto objects = pair.client.all<ObjectReceived>();
  ASSERT_EQ(objects.size(), 1000u);
  for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(objects[i].location, (Location{0, i}));
  EXPECT_TRUE(pair.client.only<SubgroupEnded>().finished);
  EXPECT_FALSE(session().has_unsent());
  EXPECT_FALSE(session().backlog(stream).open);
}

TEST_F(Feeding, BacklogStaysBelowTheMarkAndFewSlices) {
  session().set_send_window(10'000);
  const StreamHandle small = open(subscribe("t"), 0, 0);
  shelf.stock[small] = {.objects = 1000, .size = 1};
  ASSERT_TRUE(session().request_feed(small).ok());
  std::size_t most_slices = 0;
  for (int turn = 0; turn < 50 && shelf.stock[small].objects > 0; ++turn) {
    transport.serve(pair.now, 100);
    most_slices = std::max(most_slices, session().backlog(small).slices);
  }
  EXPECT_LE(most_slices, kFeedSlices + 2) << "an object is two slices here";

  const StreamHandle large = open(subscribe("u"), 0, 0);
  shelf.stock[large] = {.objects = 100, .size = 50'000};
  ASSERT_TRUE(session().request_feed(large).ok());
  transport.take(pair.now);
  EXPECT_LE(session().backlog(large).bytes, 50'100u) << "one object may be beyond the mark";
}

// [d15 §7.2-1]
TEST_F(Feeding, TurnsFollowThePriorities) {
  const RequestHandle low = subscribe("low", 200);
  const RequestHandle high = subscribe("high", 100);
  session().set_send_window(8'000);
  const StreamHandle later_group = open(low, 1, 20);
  const StreamHandle earlier_group = open(low, 0, 20);
  const StreamHandle less_urgent = open(high, 0, 20, 200);
  const StreamHandle urgent = open(high, 1, 20, 10);
  std::vector<StreamHandle> order;
  while (transport.serve(pair.now, 1000).size() > 0) {
  }
  for (const StreamHandle call : shelf.calls) {
    if (order.empty() || order.back() != call) order.push_back(call);
  }
  EXPECT_EQ(order, (std::vector{urgent, less_urgent, earlier_group, later_group}));
  for (const StreamHandle stream : order) EXPECT_GT(sent(stream), 20'000u);
}

TEST_F(Feeding, MoreUrgentWorkOvertakesAFeederBetweenTwoTurns) {
  session().set_send_window(8'000);
  const StreamHandle bulk = open(subscribe("bulk", 200), 0, 200);
  transport.serve(pair.now, 20'000);
  const std::size_t before = sent(bulk);
  const StreamHandle urgent = open(subscribe("urgent", 10), 0, 3);
  transport.serve(pair.now, 30'000);
  EXPECT_GT(sent(urgent), 3'000u);
  EXPECT_LT(before, sent(bulk)) << "and the rest goes on";
}

TEST_F(Feeding, AFeederWithNothingIsNotAskedAgain) {
  struct Empty final : StreamFeeder {
    explicit Empty(Session& its) : session(its) {}
    void feed(StreamHandle stream, Time) override {
      ++calls;
      EXPECT_TRUE(session.request_feed(stream).ok());
    }
    Session& session;
    int calls = 0;
  } empty{session()};
  const StreamHandle stream = open(subscribe("t"), 0, 0);
  ASSERT_TRUE(session().set_feeder(stream, &empty).ok());
  ASSERT_TRUE(session().request_feed(stream).ok());
  transport.take(pair.now);
  transport.take(pair.now);
  EXPECT_EQ(empty.calls, 1);
  EXPECT_TRUE(transport.streams.empty()) << "a stream is opened for an object, not for its header";
  EXPECT_FALSE(session().has_unsent());
  ASSERT_TRUE(session().request_feed(stream).ok());
  transport.take(pair.now);
  EXPECT_EQ(empty.calls, 2);
}

TEST_F(Feeding, MayBeTakenAway) {
  const StreamHandle stream = open(subscribe("t"), 0, 10);
  ASSERT_TRUE(session().set_feeder(stream, nullptr).ok());
  transport.take(pair.now);
  EXPECT_TRUE(shelf.calls.empty());
  EXPECT_FALSE(session().has_unsent());
  EXPECT_EQ(session().request_feed(stream).error(), SessionError::kWrongState);
  ASSERT_TRUE(session().reset_stream(stream, StreamResetCode::kCancelled).ok());
  EXPECT_EQ(session().request_feed(stream).error(), SessionError::kUnknownStream);
  EXPECT_EQ(session().set_feeder(stream, &shelf).error(), SessionError::kUnknownStream);
  EXPECT_FALSE(session().backlog(stream).has_room());

  const StreamHandle retired = open(subscribe("u"), 0, 10);
  ASSERT_TRUE(session().retire_stream(retired, StreamResetCode::kCancelled).ok());
  transport.take(pair.now);
  EXPECT_TRUE(shelf.calls.empty()) << "a retired stream takes nothing more";
}

/// What feed() may do besides appending.
struct Scripted final : StreamFeeder {
  std::function<void(StreamHandle)> script;
  void feed(StreamHandle stream, Time) override { script(stream); }
};

TEST_F(Feeding, MayEndItsStreamOpenOthersAndEndRequests) {
  const RequestHandle subscription = subscribe("t");
  const RequestHandle other = subscribe("u");
  Scripted scripted;
  StreamHandle next;
  scripted.script = [&](StreamHandle stream) {
    EXPECT_TRUE(session().reset_stream(stream, StreamResetCode::kCancelled).ok());
    next = open(subscription, 5, 3);
    EXPECT_TRUE(session().publish_done(other, moqt::PublishDoneCode::kTrackEnded).ok());
  };
  const StreamHandle stream = open(subscription, 0, 0);
  ASSERT_TRUE(session().set_feeder(stream, &scripted).ok());
  ASSERT_TRUE(session().request_feed(stream).ok());
  pair.run();
  EXPECT_EQ(pair.client.count<SubscriptionDone>(), 1u);
  EXPECT_EQ(pair.client.all<ObjectReceived>().size(), 3u);
  EXPECT_TRUE(session().backlog(next).open);

  scripted.script = [&](StreamHandle) { session().close(moqt::SessionErrorCode::kNoError); };
  ASSERT_TRUE(session().set_feeder(next, &scripted).ok());
  ASSERT_TRUE(session().request_feed(next).ok());
  pair.run();
  EXPECT_TRUE(pair.server.closed);
}

TEST_F(Feeding, AnEndedRequestTakesItsStreamsAlong) {
  const RequestHandle subscription = subscribe("t");
  Scripted scripted;
  scripted.script = [&](StreamHandle) {
    EXPECT_TRUE(session().publish_done(subscription, moqt::PublishDoneCode::kTrackEnded).ok());
    EXPECT_TRUE(session().reset_streams(subscription, StreamResetCode::kCancelled).ok());
  };
  const StreamHandle stream = open(subscription, 0, 0);
  ASSERT_TRUE(session().set_feeder(stream, &scripted).ok());
  ASSERT_TRUE(session().request_feed(stream).ok());
  pair.run();
  EXPECT_EQ(pair.client.count<SubscriptionDone>(), 1u);
  EXPECT_FALSE(session().backlog(stream).open);
}

// ---- fetches ----

TEST_F(Feeding, AFetchIsFed) {
  const RequestHandle request = ask();
  const StreamHandle stream = open_fetch(request);
  stock(stream, {.objects = 300, .fetch = true, .finish = true});
  ASSERT_TRUE(session().accept_fetch(request, {.end_of_track = false, .end = {9, 0}}).ok());
  pair.run();
  const auto objects = pair.client.all<FetchObjectReceived>();
  ASSERT_EQ(objects.size(), 300u);
  for (std::uint64_t i = 0; i < 300; ++i) EXPECT_EQ(objects[i].location, (Location{0, i}));
  EXPECT_TRUE(pair.client.only<FetchEnded>().finished);
  EXPECT_EQ(session().open_requests(), 0u);
}

// [d15 §7.2-1]
TEST_F(Feeding, AFetchHasTheSubscriberPriorityOfItsRequest) {
  const RequestHandle background = ask(200);
  const RequestHandle live = subscribe("live", 100);
  const RequestHandle urgent = ask(50);
  session().set_send_window(8'000);
  const StreamHandle slow = open_fetch(background);
  stock(slow, {.objects = 20, .fetch = true});
  const StreamHandle middle = open(live, 0, 20);
  const StreamHandle fast = open_fetch(urgent);
  stock(fast, {.objects = 20, .fetch = true});
  while (transport.serve(pair.now, 1000).size() > 0) {
  }
  std::vector<StreamHandle> order;
  for (const StreamHandle call : shelf.calls) {
    if (order.empty() || order.back() != call) order.push_back(call);
  }
  EXPECT_EQ(order, (std::vector{fast, middle, slow}));
}

// [d15 §7.2-1]
TEST_F(Feeding, AFetchIsWorthWhatItsNextObjectIs) {
  const RequestHandle request = ask();
  const RequestHandle live = subscribe("live");
  session().set_send_window(4'096);
  const StreamHandle past = open_fetch(request);
  append(past, {0, 0}, 10, 3'000);   // before the live object
  append(past, {0, 1}, 200, 3'000);  // behind it
  const StreamHandle now = open(live, 0, 3, 100);
  std::vector<std::uint64_t> order;
  for (;;) {
    const auto served = transport.serve(pair.now, 500);
    if (served.empty()) break;
    for (const auto& [stream, size] : served) {
      if (order.empty() || order.back() != stream) order.push_back(stream);
    }
  }
  ASSERT_EQ(order.size(), 3u);
  EXPECT_EQ(order[0], past.value);
  EXPECT_EQ(order[1], now.value);
  EXPECT_EQ(order[2], past.value);
}

// [d15 §7.2-3]
TEST_F(Feeding, EqualFetchesAndSubscriptionsTakeTurns) {
  session().set_send_window(8'000);
  const RequestHandle request = ask();
  const StreamHandle live = open(subscribe("live"), 0, 100);
  const StreamHandle past = open_fetch(request);
  stock(past, {.objects = 100, .fetch = true});
  transport.serve(pair.now, 80'000);
  EXPECT_GT(sent(past), 30'000u);
  EXPECT_GT(sent(live), 30'000u);
}

TEST_F(Feeding, AFetchNeverTimesOut) {
  MessageParameters parameters;
  parameters.set_delivery_timeout(10);
  const RequestHandle request = ask();
  session().set_send_window(0);
  const StreamHandle stream = open_fetch(request);
  append(stream, {0, 0}, 128, 100);
  transport.take(pair.now);
  pair.now += std::chrono::hours(1);
  session().on_deadline(pair.now);
  transport.take(pair.now);
  EXPECT_TRUE(session().backlog(stream).open);
}

}  // namespace
}  // namespace msquic_py::testing::stream_feeder
