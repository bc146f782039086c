// Where FETCH_OK says that an answer ends, when objects have gone out before it.

#include <gtest/gtest.h>

#include <limits>

#include "harness/session_pair.h"
#include "moqt/objects/fetch_delivery.h"
#include "moqt/objects/subgroup_writer.h"
#include "moqt/objects/track_publisher.h"

namespace msquic_py::moqt::objects::fetch_end {
namespace {

using namespace msquic_py::testing;

struct NoOutlet final : Outlet {
  void make_ready() override {}
  void settle_later() override {}
};

struct NoFiller final : FetchFiller {
  void fill(FetchDelivery&, Location) override {}
  void progressed(FetchDelivery&) override {}
  void ended(FetchDelivery&) override {}
};

/// An object of three bytes [d15 §10.4.2]: Object ID Delta, payload length, payload.
session::ObjectReceived object(std::uint64_t id) {
  session::ObjectReceived event;
  event.location = {0, id};
  event.payload_length = 3;
  event.wire = base::SharedBytes::copy_of(base::ByteVector{0, 3, 'a', 'b', 'c'});
  event.delta_size = 1;
  event.header_size = 2;
  return event;
}

// [d15 §9.17]: a relay passes objects on before it knows the end. A publisher that named it a little earlier did not
// know of those that have come since; the subscriber has them already.
TEST(FetchEnd, IsNotBeforeWhatHasGoneOut) {
  SessionPair pair;
  pair.establish();
  NoOutlet outlet;
  NoFiller filler;
  DeliveryCounters counters;
  TrackPublisher publisher({1 << 20, std::numeric_limits<std::size_t>::max(), std::chrono::seconds(60)},
                           TrackStore::Knowledge::kWhatCame, {}, counters);
  SubgroupWriter writer(publisher, Draft::k15, {});
  for (const std::uint64_t id : {0u, 1u, 2u}) ASSERT_TRUE(writer.object(object(id), pair.now).ok());
  ASSERT_TRUE(pair.client.session.fetch({TrackNamespace{"live"}, "video"}, {0, 0}, {0, 0}).ok());
  pair.run();
  FetchDelivery fetch(publisher, pair.server.session, pair.server.only<session::FetchReceived>(), outlet, filler,
                      pair.now);
  fetch.begin();
  pair.run();
  EXPECT_EQ(pair.client.all<session::FetchObjectReceived>().size(), 3u);
  fetch.accept({.end_of_track = true, .end = {0, 2}});
  pair.run();
  const auto accepted = pair.client.only<session::FetchAccepted>();
  EXPECT_EQ(accepted.end, (Location{0, 3}));
  EXPECT_FALSE(accepted.end_of_track);
  EXPECT_FALSE(pair.client.closed);
}

}  // namespace
}  // namespace msquic_py::moqt::objects::fetch_end
