// A stream that is fed costs no allocation per object once its queues have the size they need.

#include <gtest/gtest.h>

#include "harness/allocation_count.h"
#include "harness/session_pair.h"
#include "moqt/session/data/object_encoding.h"

namespace msquic_py::testing {
namespace {

using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test

constexpr std::size_t kSize = 1000;

struct Shelf final : StreamFeeder {
  explicit Shelf(Session& its) : session(its) {}
  void feed(StreamHandle stream, Time) override {
    while (left > 0 && session.backlog(stream).has_room()) {
      if (stream == fetch) {
        FetchObject object;
        object.location = {0, next};
        object.payload = payload;
        object.payload_length = kSize;
        good &= session.append_fetch_object(stream, object).ok();
      } else {
        const auto encoded = encode_object(moqt::Draft::k15, arena, next, std::nullopt, kSize);
        good &= session.append_object(stream, next, encoded->wire, encoded->delta_size, kSize).ok();
        good &= session.append_payload(stream, payload).ok();
      }
      ++next;
      --left;
    }
    if (left > 0) good &= session.request_feed(stream).ok();
  }

  Session& session;
  StreamHandle fetch;
  std::size_t left = 0;
  std::uint64_t next = 0;
  bool good = true;
  base::SlabArena arena;
  base::SharedBytes payload = base::SharedBytes::copy_of(base::ByteVector(kSize, 0x61));
};

void send_all(Session& session, Time now) {
  Action action;
  while (session.poll_action(now, action)) {
    if (const auto* send = std::get_if<SendStream>(&action))
      session.on_stream_bytes_sent(send->stream, send->slices.bytes());
  }
}

void expect_no_allocation(Session& session, StreamHandle stream, Shelf& shelf, Time now) {
  ASSERT_TRUE(session.set_feeder(stream, &shelf).ok());
  const auto send = [&](std::size_t objects) {
    shelf.left = objects;
    EXPECT_TRUE(session.request_feed(stream).ok());
    send_all(session, now);
  };
  send(40'000);  // until the arena of the headers has grown to its full size
  const AllocationCount before = AllocationCount::now();
  send(1000);
  const AllocationCount used = AllocationCount::now() - before;
  EXPECT_EQ(used.news, 0u);
  EXPECT_EQ(shelf.next, 41'000u);
  EXPECT_TRUE(shelf.good);
}

TEST(FedStreams, CostNoAllocationPerObject) {
  SessionPair pair;
  pair.establish();
  ASSERT_TRUE(pair.client.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).ok());
  ASSERT_TRUE(pair.client.session.fetch({moqt::TrackNamespace{"a"}, "t"}, {0, 0}, {9, 0}).ok());
  pair.run();
  Session& session = pair.server.session;
  const RequestHandle subscription = pair.server.only<SubscribeReceived>().request;
  ASSERT_TRUE(session.accept(subscription).ok());
  pair.run();

  Shelf live(session);
  const auto subgroup = session.open_subgroup(subscription, {});
  ASSERT_TRUE(subgroup.ok());
  expect_no_allocation(session, *subgroup, live, pair.now);

  Shelf past(session);
  const auto fetch = session.open_fetch(pair.server.only<FetchReceived>().request);
  ASSERT_TRUE(fetch.ok());
  past.fetch = *fetch;
  expect_no_allocation(session, *fetch, past, pair.now);
}

}  // namespace
}  // namespace msquic_py::testing
