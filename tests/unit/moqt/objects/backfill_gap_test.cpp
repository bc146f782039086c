// What is left out of the answer to a FETCH for missed objects may exist: nobody is told that its subgroup has ended.

#include <gtest/gtest.h>

#include <limits>

#include "harness/raw_peer.h"
#include "harness/session_pair.h"
#include "moqt/objects/backfill_writer.h"
#include "moqt/objects/subgroup_writer.h"
#include "moqt/objects/track_publisher.h"

namespace msquic_py::moqt::objects {
namespace {

using namespace msquic_py::testing;

struct IdleOutlet final : Outlet {
  void make_ready() override {}
  void settle_later() override {}
};

/// The publisher of a subgroup was lost behind object 0; another is asked for object 1.
class BackfillGapTest : public ::testing::Test {
 protected:
  void SetUp() override {
    pair_.establish();
    ASSERT_TRUE(pair_.client.session.subscribe({TrackNamespace{"live"}, "video"}).ok());
    pair_.run();
    const auto request = pair_.server.only<session::SubscribeReceived>().request;
    ASSERT_TRUE(pair_.server.session.accept(request, {}).ok());
    subscription_ = &publisher_.add(pair_.server.session, request, outlet_);
    publisher_.others_may_go_on = true;
    SubgroupWriter writer(publisher_, Draft::k15, {});
    session::ObjectReceived event;
    event.payload_length = 1;
    event.wire = base::SharedBytes::copy_of(hex("00 01 78"));  // [d15 §10.4.2]
    event.delta_size = 1;
    event.header_size = 2;
    ASSERT_TRUE(writer.object(event, pair_.now).ok());
    pair_.run();
    writer.reset(0, pair_.now);
    publisher_.hold(0, 0);
  }
  void TearDown() override { publisher_.remove(*subscription_); }

  SessionPair pair_;
  IdleOutlet outlet_;
  DeliveryCounters counters_;
  TrackPublisher publisher_{{1 << 20, std::numeric_limits<std::size_t>::max(), std::chrono::seconds(60)},
                            TrackStore::Knowledge::kWhatCame,
                            {},
                            counters_};
  Subscription* subscription_ = nullptr;
  BackfillWriter backfill_{publisher_, Draft::k16, {0, 1}};
};

TEST_F(BackfillGapTest, ASubgroupIsNotFinishedBehindWhatIsUnknown) {
  backfill_.pass_unknown({0, 1});
  publisher_.release_below(1, pair_.now, backfill_.unknown_groups());
  pair_.run();
  EXPECT_EQ(pair_.client.count<session::ObjectReceived>(), 1u);
  for (const auto& ended : pair_.client.all<session::SubgroupEnded>()) EXPECT_FALSE(ended.finished);
  EXPECT_EQ(publisher_.store().find(0, 0)->ended(), StoredSubgroup::End::kReset);
}

TEST_F(BackfillGapTest, ItIsWhereNothingWasLeftOut) {
  publisher_.release_below(1, pair_.now, backfill_.unknown_groups());
  pair_.run();
  EXPECT_TRUE(pair_.client.only<session::SubgroupEnded>().finished);
}

}  // namespace
}  // namespace msquic_py::moqt::objects
