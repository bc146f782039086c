// A track ends at the upstream while a relay is cut off from it: its subscribers get the rest, and hear of the end.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/relay_tree.h"

namespace msquic_py::testing {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

/// A relay below another, in each draft, with a publisher above and a subscriber below that has the first group.
class EndedUpstreamTest : public ::testing::TestWithParam<moqt::Draft> {
 protected:
  EndedUpstreamTest() {
    tree_.draft = GetParam();
    tree_.add({}, {moqt::TrackNamespace{}});
    tree_.add();
    link_ = &tree_.link(0, 1);
    source_ = &tree_.connect(1);
    publisher_.emplace(tree_, *source_);
    publisher_->ends_groups = true;
    publisher_->announce();
    subscriber_ = &tree_.connect(0);
    EXPECT_TRUE(subscriber_->session().subscribe(track_name(), from_largest()).ok());
    tree_.run();
    publisher_->accept();
    // Somebody above keeps the track alive there while the relay below is away.
    EXPECT_TRUE(tree_.connect(1).session().subscribe(track_name(), from_largest()).ok());
    tree_.run();
    publisher_->group(0, {"a", "b"});
  }
  void end_track() {
    const auto code = moqt::PublishDoneCode::kTrackEnded;
    EXPECT_TRUE(source_->session().publish_done(publisher_->subscription, code).ok());
    tree_.run();
    tree_.lose(1, *source_);
  }
  [[nodiscard]] std::uint64_t done_code() const { return subscriber_->only<ms::SubscriptionDone>().code; }

  static constexpr auto kTrackEnded = static_cast<std::uint64_t>(moqt::PublishDoneCode::kTrackEnded);
  RelayTree tree_;
  RelayLink* link_ = nullptr;
  RelayClient* source_ = nullptr;
  std::optional<TreePublisher> publisher_;
  RelayClient* subscriber_ = nullptr;
};

TEST_P(EndedUpstreamTest, TheRestComesFromItsCacheAndTheTrackEnds) {
  const auto stream = publisher_->open(1);
  publisher_->object(stream, 0, "c");
  tree_.cut(*link_);
  publisher_->object(stream, 1, "d");
  publisher_->finish(stream);
  publisher_->group(2, {"e"});
  end_track();
  tree_.link(0, 1);
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a", "0/1 b", "1/0 c", "1/1 d", "2/0 e"}));
  EXPECT_EQ(done_code(), kTrackEnded);
  for (const auto& ended : subscriber_->all<ms::SubgroupEnded>()) EXPECT_TRUE(ended.finished);
}

TEST_P(EndedUpstreamTest, WhoHasEverythingHearsOfTheEndToo) {
  tree_.cut(*link_);
  end_track();
  tree_.link(0, 1);
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a", "0/1 b"}));
  EXPECT_EQ(done_code(), kTrackEnded);
}

TEST_P(EndedUpstreamTest, WhoComesThenIsRefusedAndMayFetch) {
  tree_.cut(*link_);
  RelayClient& late = tree_.connect(0);
  ASSERT_TRUE(late.session().subscribe(track_name(), from_largest()).ok());
  tree_.run();
  EXPECT_EQ(late.count<ms::RequestRejected>(), 0u);  // nobody knows yet
  publisher_->group(1, {"c"});
  end_track();
  tree_.link(0, 1);
  EXPECT_EQ(late.only<ms::RequestRejected>().code, static_cast<std::uint64_t>(moqt::RequestErrorCode::kDoesNotExist));
  ASSERT_TRUE(late.session().fetch(track_name(), {0, 0}, {1, 0}).ok());
  tree_.run();
  EXPECT_EQ(late.count<ms::FetchObjectReceived>(), 3u);
  EXPECT_TRUE(late.only<ms::FetchAccepted>().end_of_track);
}

TEST_P(EndedUpstreamTest, OneThatWasLostInTheMiddleIsWaitedFor) {
  tree_.cut(*link_);
  publisher_->group(1, {"c"});
  tree_.lose(1, *source_);
  tree_.link(0, 1);
  tree_.advance(3s);
  // What is kept of it above comes all the same.
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a", "0/1 b", "1/0 c"}));
  EXPECT_EQ(subscriber_->count<ms::SubscriptionDone>(), 0u);
  RelayClient& again = tree_.connect(1);
  TreePublisher publisher(tree_, again);
  publisher.announce();
  tree_.advance(3s);
  moqt::MessageParameters parameters;
  parameters.set_largest_object({1, 0});
  publisher.accept(parameters);
  publisher.group(2, {"d"});
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a", "0/1 b", "1/0 c", "2/0 d"}));
}

TEST_P(EndedUpstreamTest, OneThatNobodyBringsAnyMoreIsGivenUp) {
  tree_.cut(*link_);
  tree_.lose(1, *source_);
  tree_.link(0, 1);
  tree_.advance(25s);
  EXPECT_EQ(subscriber_->count<ms::SubscriptionDone>(), 0u);
  tree_.advance(10s);
  EXPECT_EQ(done_code(), static_cast<std::uint64_t>(moqt::PublishDoneCode::kInternalError));
}

INSTANTIATE_TEST_SUITE_P(EachDraft, EndedUpstreamTest, ::testing::ValuesIn(moqt::kSupportedDrafts),
                         [](const auto& each) { return "Draft" + std::to_string(static_cast<int>(each.param)); });

}  // namespace
}  // namespace msquic_py::testing
