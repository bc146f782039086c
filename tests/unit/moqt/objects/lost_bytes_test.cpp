// A store that counts bytes it does not hold is broken; that ends streams, and not the loops that read it.

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "harness/session_pair.h"
#include "moqt/objects/fetch_delivery.h"
#include "moqt/objects/subgroup_writer.h"
#include "moqt/objects/track_publisher.h"

namespace msquic_py::moqt::objects {
namespace {

using namespace msquic_py::testing;

struct NoOutlet final : Outlet {
  void make_ready() override {}
  void settle_later() override {}
};

struct NoFiller final : FetchFiller {
  void fill(FetchDelivery& fetch, Location) override { fetch.fail(RequestErrorCode::kDoesNotExist, "not here"); }
  void progressed(FetchDelivery&) override {}
  void ended(FetchDelivery&) override { over = true; }
  bool over = false;
};

class LostBytesTest : public ::testing::Test {
 protected:
  void SetUp() override { pair_.establish(); }

  session::ObjectReceived object(std::uint64_t id, std::size_t size, std::size_t sent) {
    base::ByteVector bytes(2 + sent, 'x');  // [d15 §10.4.2]: Object ID Delta, payload length
    bytes[0] = 0;
    bytes[1] = static_cast<std::uint8_t>(size);
    session::ObjectReceived event;
    event.location = {0, id};
    event.payload_length = size;
    event.wire = base::SharedBytes::copy_of(bytes);
    event.delta_size = 1;
    event.header_size = 2;
    return event;
  }
  StoredObject& stored(std::uint64_t id) {
    const auto look = publisher_.store().look({0, id});
    return look.subgroup->at(look.place);
  }

  SessionPair pair_;
  NoOutlet outlet_;
  NoFiller filler_;
  DeliveryCounters counters_;
  TrackPublisher publisher_{{1 << 20, std::numeric_limits<std::size_t>::max(), std::chrono::seconds(60)},
                            TrackStore::Knowledge::kAll,
                            {},
                            counters_};
};

TEST_F(LostBytesTest, ASubscriptionResetsTheStreamAndGoesOnWithTheNextObject) {
  ASSERT_TRUE(pair_.client.session.subscribe({TrackNamespace{"live"}, "video"}).ok());
  pair_.run();
  const auto request = pair_.server.only<session::SubscribeReceived>().request;
  ASSERT_TRUE(pair_.server.session.accept(request, {}).ok());
  Subscription& subscription = publisher_.add(pair_.server.session, request, outlet_);
  SubgroupWriter writer(publisher_, Draft::k15, {});
  ASSERT_TRUE(writer.object(object(0, 10, 4), pair_.now).ok());
  pair_.run();
  StoredGroup* const group = publisher_.store().find(0);
  StoredSubgroup* const subgroup = publisher_.store().find(0, 0);
  stored(0).payload_arrived = 10;
  publisher_.payload_arrived(*group, *subgroup, 0, 6, pair_.now);
  ASSERT_TRUE(writer.object(object(1, 3, 3), pair_.now).ok());
  pair_.run();
  const auto ends = pair_.client.all<session::SubgroupEnded>();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_FALSE(ends[0].finished);
  EXPECT_EQ(ends[0].reset_code, static_cast<std::uint64_t>(StreamResetCode::kInternalError));
  const auto objects = pair_.client.all<session::ObjectReceived>();
  ASSERT_FALSE(objects.empty());
  EXPECT_EQ(objects.back().location, (Location{0, 1}));
  EXPECT_EQ(subscription.account().delivered, 1u);
  EXPECT_EQ(subscription.account().reset, 1u);
  EXPECT_EQ(subscription.account().waiting, 0u);
  publisher_.remove(subscription);
}

TEST_F(LostBytesTest, AFetchIsOver) {
  SubgroupWriter writer(publisher_, Draft::k15, {});
  ASSERT_TRUE(writer.object(object(0, 10, 4), pair_.now).ok());
  stored(0).payload_arrived = 10;
  ASSERT_TRUE(pair_.client.session.fetch({TrackNamespace{"live"}, "video"}, {0, 0}, {0, 0}).ok());
  pair_.run();
  FetchDelivery fetch(publisher_, pair_.server.session, pair_.server.only<session::FetchReceived>(), outlet_, filler_,
                      pair_.now);
  fetch.begin();
  fetch.accept({.end = {0, 1}});
  pair_.run();
  EXPECT_TRUE(filler_.over);
  EXPECT_EQ(pair_.server.session.open_requests(), 0u);
}

}  // namespace
}  // namespace msquic_py::moqt::objects
