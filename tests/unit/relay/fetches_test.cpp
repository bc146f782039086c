// FETCH at the relay: what the cache knows comes out of the cache [d15 §9.16.3].

#include <gtest/gtest.h>

#include "unit/relay/fetches_fixture.h"

namespace msquic_py::relay::fetch_tests {
namespace {

// [d15 §4-2]
TEST_F(FetchesTest, AnswersOutOfTheCache) {
  subscribe(viewer_);
  publisher_.accept();
  whole_group(0, {"a", "b"});
  whole_group(1, {"c"});
  fetch(late_, {0, 0}, {1, 0});
  EXPECT_EQ(fetched(late_), (Lines{"0/0 a", "0/1 b", "1/0 c"}));
  const auto accepted = late_.only<ms::FetchAccepted>();
  EXPECT_EQ(accepted.end, (moqt::Location{1, 0}));
  EXPECT_FALSE(accepted.end_of_track);
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
  EXPECT_EQ(publisher_client_.count<ms::FetchReceived>(), 0u);
  EXPECT_EQ(network_.relay.counters().fetch_hits, 1u);
}

// [d15 §9.17]: End Of Track. Whoever has missed the end has nobody else to hear it from.
TEST_F(FetchesTest, ACacheKnowsThatItsTrackIsOver) {
  subscribe(viewer_);
  publisher_.accept();
  whole_group(0, {"a", "b"});
  ASSERT_TRUE(
      publisher_client_.session().publish_done(publisher_.subscription, moqt::PublishDoneCode::kTrackEnded).ok());
  network_.run();
  network_.lose(publisher_client_);
  fetch(late_, {0, 0}, {7, 0});
  EXPECT_EQ(fetched(late_), (Lines{"0/0 a", "0/1 b"}));
  EXPECT_TRUE(late_.only<ms::FetchAccepted>().end_of_track);
}

TEST_F(FetchesTest, ACacheDoesNotKnowWhatFollowsAGroupThatBrokeOff) {
  subscribe(viewer_);
  publisher_.accept();
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  ASSERT_TRUE(publisher_client_.session().reset_stream(stream, moqt::StreamResetCode::kCancelled).ok());
  network_.run();
  ASSERT_TRUE(
      publisher_client_.session().publish_done(publisher_.subscription, moqt::PublishDoneCode::kTrackEnded).ok());
  network_.run();
  network_.lose(publisher_client_);
  fetch(late_, {0, 0}, {0, 1});
  for (const auto& accepted : late_.all<ms::FetchAccepted>()) EXPECT_FALSE(accepted.end_of_track);
}

// [d15 §9.16.3-4]
TEST_F(FetchesTest, AnswersInDescendingOrderOutOfTheCache) {
  subscribe(viewer_);
  publisher_.accept();
  for (std::uint64_t group = 0; group < 3; ++group) whole_group(group, {"a", "b"});
  fetch(late_, {0, 1}, {2, 1}, moqt::GroupOrder::kDescending);
  EXPECT_EQ(fetched(late_), (Lines{"2/0 a", "1/0 a", "1/1 b", "0/1 b"}));
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
}

TEST_F(FetchesTest, AJoiningFetchAndItsSubscriptionHaveEverythingOnce) {
  subscribe(viewer_);
  publisher_.accept();
  whole_group(0, {"a", "b"});
  const auto stream = publisher_.open(1);
  publisher_.object(stream, 0, "c");
  publisher_.object(stream, 1, "d");
  moqt::MessageParameters parameters;
  parameters.set_filter(moqt::SubscriptionFilter::largest_object());
  const auto subscription = late_.session().subscribe(track_name(), std::move(parameters));
  ASSERT_TRUE(subscription.ok());
  ASSERT_TRUE(late_.session().join(*subscription, ms::JoiningStart::relative(1)).ok());
  network_.run();
  publisher_.object(stream, 2, "e");
  publisher_.finish(stream);
  EXPECT_EQ(fetched(late_), (Lines{"0/0 a", "0/1 b", "1/0 c", "1/1 d"}));
  EXPECT_EQ(objects(late_), (Lines{"1/2 e"}));
  EXPECT_EQ(late_.only<ms::FetchAccepted>().end, (moqt::Location{1, 2}));
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
}

TEST_F(FetchesTest, OneThatIsCancelledAtOnceIsNoHit) {
  const auto request = late_.session().fetch(track_name(), {0, 0}, {1, 0});
  ASSERT_TRUE(request.ok());
  ASSERT_TRUE(late_.session().cancel(*request).ok());
  network_.run();
  EXPECT_EQ(network_.relay.counters().fetches, 1u);
  EXPECT_EQ(network_.relay.counters().fetch_hits, 0u);
}

// The loop that a client is on counts what it asks for; what loops ask each other for is nothing that a client asks.
TEST_F(FetchesTest, ThoseOfAnotherEventLoopAreNotCounted) {
  network_.relay.mark_inner(publisher_client_.number);
  fetch(viewer_, {0, 0}, {0, 2});
  answer({0, 2}, {{{0, 0}, "a"}, {{0, 1}, "b"}});
  EXPECT_EQ(fetched(viewer_), (Lines{"0/0 a", "0/1 b"}));
  EXPECT_EQ(network_.relay.counters().fetch_misses, 1u);
  EXPECT_EQ(network_.relay.counters().upstream_fetches, 0u);
  EXPECT_EQ(network_.relay.counters().objects_fetched, 0u);

  network_.relay.mark_inner(late_.number);
  fetch(late_, {0, 0}, {0, 2});
  EXPECT_EQ(fetched(late_), (Lines{"0/0 a", "0/1 b"}));
  EXPECT_EQ(network_.relay.counters().fetches, 1u);
  EXPECT_EQ(network_.relay.counters().fetch_hits, 0u);
}

TEST_F(FetchesTest, AnObjectThatIsStillArrivingIsPassedOnAsItComes) {
  subscribe(viewer_);
  publisher_.accept();
  const auto stream = publisher_.open(0);
  const auto begin = base::SharedBytes::copy_of(hex("00 04 6162"));  // object 0, four bytes, "ab"
  ASSERT_TRUE(publisher_client_.session().append_object(stream, 0, begin, 1, 2).ok());
  network_.run();
  fetch(late_, {0, 0}, {0, 1});
  EXPECT_EQ(fetched(late_), (Lines{"0/0 ab"}));
  EXPECT_EQ(late_.count<ms::FetchEnded>(), 0u);
  ASSERT_TRUE(publisher_client_.session().append_payload(stream, base::SharedBytes::copy_of(hex("6364"))).ok());
  network_.run();
  EXPECT_EQ(fetched(late_), (Lines{"0/0 abcd"}));
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
}

}  // namespace
}  // namespace msquic_py::relay::fetch_tests
