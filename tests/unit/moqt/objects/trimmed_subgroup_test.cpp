// What a store drops of a subgroup that is being written has been given to everybody: that ends no stream.

#include <gtest/gtest.h>

#include <limits>

#include "harness/raw_peer.h"
#include "harness/session_pair.h"
#include "moqt/objects/subgroup_writer.h"
#include "moqt/objects/track_publisher.h"

namespace msquic_py::moqt::objects {
namespace {

using namespace msquic_py::testing;

struct QuietOutlet final : Outlet {
  void make_ready() override {}
  void settle_later() override {}
};

session::ObjectReceived spaced_object(std::uint64_t id) {
  session::ObjectReceived event;
  event.location = {0, id};
  event.payload_length = 1;
  event.wire = base::SharedBytes::copy_of(hex("00 01 78"));  // [d15 §10.4.2]: Object ID Delta, payload length, payload
  event.delta_size = 1;
  event.header_size = 2;
  return event;
}

// [d15 §10.4.3-3]: with IDs between them two objects follow each other where their stream says so, also when the store
// has dropped the first of the two, which the subscriber has, before the second finds room in its session.
TEST(TrimmedSubgroup, GoesOnOnItsStreamBehindAnObjectThatHasBeenDropped) {
  SessionPair pair;
  pair.establish();
  QuietOutlet outlet;
  DeliveryCounters counters;
  TrackPublisher publisher({1, std::numeric_limits<std::size_t>::max(), std::chrono::seconds(60)},
                           TrackStore::Knowledge::kWhatCame, {}, counters);
  ASSERT_TRUE(pair.client.session.subscribe({TrackNamespace{"live"}, "video"}).ok());
  pair.run();
  const auto request = pair.server.only<session::SubscribeReceived>().request;
  ASSERT_TRUE(pair.server.session.accept(request, {}).ok());
  Subscription& subscription = publisher.add(pair.server.session, request, outlet);
  pair.server.session.set_send_window(0);
  SubgroupWriter writer(publisher, Draft::k15, {});
  constexpr std::uint64_t kObjects = 200;
  for (std::uint64_t number = 0; number < kObjects; ++number) {
    ASSERT_TRUE(writer.object(spaced_object(2 * number), pair.now).ok());
  }
  ASSERT_GT(subscription.account().waiting, 1u);
  publisher.settle(pair.now);
  ASSERT_GT(publisher.store().find(0, 0)->first(), 0u);
  pair.server.session.set_send_window(1 << 20);
  pair.run();
  EXPECT_FALSE(writer.finish(pair.now));
  pair.run();
  EXPECT_EQ(pair.client.count<session::ObjectReceived>(), kObjects);
  EXPECT_EQ(pair.client.count<session::SubgroupOpened>(), 1u);
  EXPECT_TRUE(pair.client.only<session::SubgroupEnded>().finished);
  publisher.remove(subscription);
}

}  // namespace
}  // namespace msquic_py::moqt::objects
