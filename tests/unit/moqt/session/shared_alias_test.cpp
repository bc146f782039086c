// Several subscriptions of one endpoint to a track, to which the publisher gives one Track Alias (draft-22
// section 3.1): each object comes once for each of them that wants it, and nothing says for which. Bytes are written
// from sections 9 and 11 of draft-22.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/request_peer.h"

namespace msquic_py::moqt::session {
namespace {

using testing::hex;
using testing::RequestPeer;

class SharedAlias : public ::testing::Test {
 protected:
  /// SUBSCRIBE with these parameters, which the peer answers: alias 5, LARGEST_OBJECT {0, 0}.
  RequestHandle subscribe(MessageParameters parameters = {}) {
    const auto asked = peer.session.subscribe({TrackNamespace{"a"}, "t"}, std::move(parameters));
    EXPECT_TRUE(asked.ok());
    peer.drain();
    peer.say(peer.opened.back(), "04 0005 05 01 09 00 00");
    return *asked;
  }
  RequestHandle subscribe(const SubscriptionFilter& filter) {
    MessageParameters parameters;
    parameters.set_filter(filter);
    return subscribe(std::move(parameters));
  }
  /// "group.object" of what a subscription has been given.
  [[nodiscard]] std::vector<std::string> of(RequestHandle subscription) const {
    std::vector<std::string> found;
    for (const auto& each : peer.all<ObjectReceived>()) {
      if (each.subscription != subscription) continue;
      found.push_back(std::to_string(each.location.group) + "." + std::to_string(each.location.object));
    }
    return found;
  }
  using Places = std::vector<std::string>;

  RequestPeer peer = RequestPeer::established(Perspective::kClient, {}, Draft::k22);
};

TEST_F(SharedAlias, EachGetsWhatItsFilterPasses) {
  const auto past = subscribe(SubscriptionFilter::absolute_range({0, 0}, 1));
  const auto later = subscribe(SubscriptionFilter::absolute_start({2, 1}));
  peer.stream(7, "10 05 01 80 | 00 01 78", true);              // alias 5, group 1, priority 128: object 0
  peer.stream(11, "10 05 02 80 | 00 01 78 | 00 01 78", true);  // group 2: objects 0 and 1
  EXPECT_EQ(of(past), (Places{"1.0"}));
  EXPECT_EQ(of(later), (Places{"2.1"}));
  for (const auto& each : peer.all<SubgroupOpened>()) {
    EXPECT_EQ(each.subscription, each.stream == 7 ? past : later) << "who wants nothing of it hears nothing of it";
  }
  EXPECT_EQ(peer.all<SubgroupEnded>().size(), 2u);
}

TEST_F(SharedAlias, WhatBothWantIsForBoth) {
  const auto all = subscribe();
  const auto some = subscribe(SubscriptionFilter::absolute_start({0, 1}));
  peer.stream(7, "10 05 00 80 | 00 01 78 | 00 03 61");  // object 0, and the beginning of object 1
  peer.stream(7, "62 63", true);
  EXPECT_EQ(of(all), (Places{"0.0", "0.1"}));
  EXPECT_EQ(of(some), (Places{"0.1"}));
  std::size_t rest = 0;
  for (const auto& each : peer.all<ObjectPayload>()) {
    EXPECT_EQ(each.remaining, 0u);
    rest += each.subscription == all || each.subscription == some ? 1 : 0;
  }
  EXPECT_EQ(rest, 2u);
  std::vector<RequestHandle> ended;
  for (const auto& each : peer.all<SubgroupEnded>()) ended.push_back(each.subscription);
  EXPECT_EQ(ended, (std::vector{all, some}));
}

TEST_F(SharedAlias, DatagramsToo) {
  const auto first = subscribe(SubscriptionFilter::absolute_range({0, 0}, 1));
  const auto second = subscribe(SubscriptionFilter::absolute_start({1, 0}));
  peer.datagram("00 05 00 00 80 78");  // group 0, object 0, priority 128
  peer.datagram("00 05 01 00 80 78");
  peer.datagram("00 05 02 00 80 78");
  Places to_first, to_second;
  for (const auto& each : peer.all<DatagramReceived>()) {
    (each.subscription == first ? to_first : to_second).push_back(std::to_string(each.location.group));
    EXPECT_TRUE(each.subscription == first || each.subscription == second);
  }
  EXPECT_EQ(to_first, (Places{"0", "1"}));
  EXPECT_EQ(to_second, (Places{"1", "2"}));
}

// The peer's MAX_FILTER_RANGES (0x06) is 16; PRIORITY_FILTER from 10 on.
TEST_F(SharedAlias, RangeFiltersCount) {
  peer = RequestPeer(Perspective::kClient, {}, Draft::k22);
  peer.control("af00 0002 06 10");
  MessageParameters parameters;
  parameters.add_range_filter(MessageParameter::kPriorityFilter, RangeFilter{.ranges = {{10}}});
  const auto less_urgent = subscribe(std::move(parameters));
  const auto all = subscribe();
  peer.stream(7, "10 05 00 05 | 00 01 78", true);   // priority 5
  peer.stream(11, "10 05 01 20 | 00 01 78", true);  // priority 32
  EXPECT_EQ(of(less_urgent), (Places{"1.0"}));
  EXPECT_EQ(of(all), (Places{"0.0", "1.0"}));
}

// What is asked for anew comes between REQUEST_UPDATE and its answer, and what was asked for before.
TEST_F(SharedAlias, AnUpdateCountsFromItsAnswerOn) {
  const auto moved = subscribe(SubscriptionFilter::absolute_range({0, 0}, 1));
  const auto other = subscribe(SubscriptionFilter::absolute_start({9, 0}));
  MessageParameters update;
  update.set_filter(SubscriptionFilter::absolute_start({4, 0}));
  ASSERT_TRUE(peer.session.update(moved, update).ok());
  peer.drain();
  peer.stream(7, "10 05 01 80 | 00 01 78", true);
  peer.stream(11, "10 05 04 80 | 00 01 78", true);
  EXPECT_EQ(of(moved), (Places{"1.0", "4.0"}));
  peer.say(peer.opened[0], "07 0001 00");
  peer.stream(15, "10 05 02 80 | 00 01 78", true);
  peer.stream(19, "10 05 05 80 | 00 01 78", true);
  EXPECT_EQ(of(moved), (Places{"1.0", "4.0", "5.0"}));
  EXPECT_TRUE(of(other).empty());
}

TEST_F(SharedAlias, WhoIsPausedGetsNothing) {
  MessageParameters paused;
  paused.set_forward(false);
  const auto first = subscribe(std::move(paused));
  const auto second = subscribe();
  peer.stream(7, "10 05 01 80 | 00 01 78", true);
  EXPECT_TRUE(of(first).empty());
  EXPECT_EQ(of(second), (Places{"1.0"}));
}

TEST_F(SharedAlias, OneGoesOnWithoutTheOther) {
  const auto first = subscribe();
  peer.stream(7, "10 05 01 80 | 00 01 78");
  const auto second = subscribe();
  peer.stream(7, "00 01 78");
  ASSERT_TRUE(peer.session.cancel(first).ok());
  peer.drain();
  peer.stream(7, "00 01 78", true);
  peer.stream(11, "10 05 02 80 | 00 01 78", true);
  EXPECT_EQ(of(first), (Places{"1.0", "1.1"}));
  EXPECT_EQ(of(second), (Places{"1.1", "1.2", "2.0"}));
  EXPECT_TRUE(peer.stopped.empty()) << "the streams may be those of the one that goes on";
}

// Section 9.9: how many of the streams were for which of them, nobody can tell, so that the time ends one. What begins
// afterwards is not for it, or it would never end.
TEST_F(SharedAlias, PublishDoneWaitsForItsTime) {
  const auto first = subscribe();
  const auto second = subscribe();
  peer.stream(7, "10 05 01 80 | 00 01 78", true);
  peer.say(peer.opened[0], "0b 0003 02 01 00", true);  // TRACK_ENDED, 1 stream
  EXPECT_TRUE(peer.all<SubscriptionDone>().empty());
  peer.stream(11, "10 05 02 80 | 00 01 78");
  peer.advance(peer.session.config().timeouts.publish_done);
  EXPECT_TRUE(peer.all<SubscriptionDone>().empty()) << "an open stream may be its last one";
  peer.stream(15, "10 05 03 80 | 00 01 78");
  peer.stream(11, "00 01 78", true);
  EXPECT_EQ(peer.only<SubscriptionDone>().subscription, first);
  EXPECT_EQ(of(first), (Places{"1.0", "2.0", "2.1"}));
  EXPECT_EQ(of(second), (Places{"1.0", "2.0", "3.0", "2.1"}));
}

// Section 12.1: the track is malformed for all of them.
TEST_F(SharedAlias, AMalformedTrackEndsAll) {
  const auto first = subscribe(SubscriptionFilter::absolute_range({0, 0}, 1));
  const auto second = subscribe(SubscriptionFilter::absolute_start({9, 0}));
  peer.stream(7, "18 05 01 80 | 00 01 78", true);  // 0x18: the group ends with its last object
  peer.stream(11, "10 05 01 80 | 04 01 78", true);
  std::vector<RequestHandle> ended;
  for (const auto& each : peer.all<TrackMalformed>()) ended.push_back(each.subscription);
  EXPECT_EQ(ended, (std::vector{first, second}));
  EXPECT_FALSE(peer.closed);
}

}  // namespace
}  // namespace msquic_py::moqt::session
