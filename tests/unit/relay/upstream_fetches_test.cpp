// FETCH at the relay: what the cache does not know comes from a publisher [d15 §9.16.3].

#include <gtest/gtest.h>

#include "unit/relay/fetches_fixture.h"

namespace msquic_py::relay::fetch_tests {
namespace {

// [d15 §9.16.3-1]
TEST_F(FetchesTest, AsksThePublisherForTheHeadOfTheGroupItJoinedInTheMiddle) {
  subscribe(viewer_);
  moqt::MessageParameters said;
  said.set_largest_object({3, 1});
  publisher_.accept(std::move(said));
  const auto stream = publisher_.open(3);
  publisher_.object(stream, 2, "c");
  fetch(late_, {3, 0}, {3, 3});
  EXPECT_EQ(late_.count<ms::FetchAccepted>(), 0u) << "FETCH_OK is withheld until the objects' status is known";
  const auto asked = publisher_client_.only<ms::FetchReceived>();
  EXPECT_EQ(asked.range.start, (moqt::Location{3, 0}));
  EXPECT_EQ(asked.range.end, (moqt::Location{3, 2})) << "the rest is here";
  answer({3, 2}, {{{3, 0}, "a"}, {{3, 1}, "b"}});
  EXPECT_EQ(fetched(late_), (Lines{"3/0 a", "3/1 b", "3/2 c"}));
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
  // What a FETCH brought is no news for subscriptions.
  EXPECT_EQ(objects(viewer_), (Lines{"3/2 c"}));
  // And is there for the next one who asks.
  late_.pair.client.events.clear();
  fetch(late_, {3, 0}, {3, 3});
  EXPECT_EQ(fetched(late_), (Lines{"3/0 a", "3/1 b", "3/2 c"}));
  EXPECT_EQ(publisher_client_.count<ms::FetchReceived>(), 1u);
}

TEST_F(FetchesTest, AGapInTheAnswerIsKnownFromThenOn) {
  subscribe(viewer_);
  moqt::MessageParameters said;
  said.set_largest_object({1, 4});
  publisher_.accept(std::move(said));
  fetch(late_, {0, 0}, {1, 5});
  answer({1, 5}, {{{0, 1}, "a"}, {{1, 4}, "b"}});
  EXPECT_EQ(fetched(late_), (Lines{"0/1 a", "1/4 b"}));
  late_.pair.client.events.clear();
  fetch(late_, {0, 0}, {1, 3});
  EXPECT_EQ(fetched(late_), (Lines{"0/1 a"}));
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
  EXPECT_EQ(publisher_client_.count<ms::FetchReceived>(), 1u);
}

// [d15 §9.16.3-1]
TEST_F(FetchesTest, OnlyWhatIsUnknownIsAskedFor) {
  subscribe(viewer_);
  publisher_.accept();
  whole_group(2, {"c"});
  whole_group(5, {"f"});
  whole_group(6, {"g"});
  fetch(late_, {1, 0}, {6, 0});
  const auto asked = [&] { return publisher_client_.all<ms::FetchReceived>().back().range; };
  EXPECT_EQ(asked(), (moqt::FetchRange{{1, 0}, {1, 0}}));
  answer({1, 0}, {{{1, 3}, "b"}});
  EXPECT_EQ(fetched(late_), (Lines{"1/3 b", "2/0 c"}));
  EXPECT_EQ(late_.count<ms::FetchAccepted>(), 0u) << "perhaps nobody has what else is missing";
  EXPECT_EQ(asked(), (moqt::FetchRange{{3, 0}, {4, 0}}));
  answer({4, 0}, {{{4, 0}, "e"}});
  EXPECT_EQ(fetched(late_), (Lines{"1/3 b", "2/0 c", "4/0 e", "5/0 f", "6/0 g"}));
  EXPECT_EQ(late_.only<ms::FetchAccepted>().end, (moqt::Location{6, 0}));
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
  // Group 3 and the heads of the others are known not to exist.
  late_.pair.client.events.clear();
  fetch(late_, {1, 0}, {6, 0});
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
  EXPECT_EQ(publisher_client_.count<ms::FetchReceived>(), 2u);
}

TEST_F(FetchesTest, OnlyWhatIsUnknownIsAskedForDownwards) {
  subscribe(viewer_);
  publisher_.accept();
  whole_group(2, {"c"});
  whole_group(5, {"f"});
  fetch(late_, {1, 1}, {5, 0}, moqt::GroupOrder::kDescending);
  const auto asked = [&] { return publisher_client_.all<ms::FetchReceived>().back().range; };
  EXPECT_EQ(asked(), (moqt::FetchRange{{3, 0}, {4, 0}}));
  answer({4, 0}, {{{4, 0}, "e"}, {{3, 0}, "d"}});
  EXPECT_EQ(asked(), (moqt::FetchRange{{1, 1}, {1, 0}}));
  answer({1, 0}, {{{1, 1}, "b"}});
  EXPECT_EQ(fetched(late_), (Lines{"5/0 f", "4/0 e", "3/0 d", "2/0 c", "1/1 b"}));
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
}

TEST_F(FetchesTest, WhatThePublisherHasDroppedStaysUnknown) {
  subscribe(viewer_);
  publisher_.accept();
  whole_group(2, {"c"});
  fetch(late_, {1, 0}, {2, 0});
  const auto refuse = [&] {
    const auto request = publisher_client_.all<ms::FetchReceived>().back().request;
    ASSERT_TRUE(publisher_client_.session().reject(request, moqt::RequestErrorCode::kUnknownStatusInRange).ok());
    network_.run();
  };
  refuse();
  EXPECT_EQ(late_.only<ms::RequestRejected>().code,
            static_cast<std::uint64_t>(moqt::RequestErrorCode::kUnknownStatusInRange));
  late_.pair.client.events.clear();
  fetch(late_, {1, 0}, {2, 0});
  EXPECT_EQ(publisher_client_.count<ms::FetchReceived>(), 2u) << "perhaps it has it again";
}

TEST_F(FetchesTest, WhoWaitsForOneUpstreamWaitsForItOnce) {
  const auto request = fetch(late_, {0, 0}, {5, 0});
  EXPECT_EQ(publisher_client_.count<ms::FetchReceived>(), 1u);
  // An object of the range comes otherwise: the client goes on to the next one, which the same FETCH covers.
  subscribe(viewer_);
  publisher_.accept();
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  ASSERT_TRUE(late_.session().cancel(request).ok());
  network_.run();
  EXPECT_EQ(publisher_client_.count<ms::FetchReceived>(), 1u);
  EXPECT_EQ(publisher_client_.count<ms::FetchCancelled>(), 1u);
  publisher_.object(stream, 1, "b");
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 a", "0/1 b"}));
}

TEST_F(FetchesTest, OneFetchUpstreamForAllWhoAsk) {
  subscribe(viewer_);
  moqt::MessageParameters said;
  said.set_largest_object({0, 2});
  publisher_.accept(std::move(said));
  fetch(late_, {0, 0}, {0, 3});
  fetch(viewer_, {0, 0}, {0, 3});
  ASSERT_EQ(publisher_client_.count<ms::FetchReceived>(), 1u);
  answer({0, 3}, {{{0, 0}, "a"}, {{0, 1}, "b"}, {{0, 2}, "c"}});
  EXPECT_EQ(fetched(late_), (Lines{"0/0 a", "0/1 b", "0/2 c"}));
  EXPECT_EQ(fetched(viewer_), (Lines{"0/0 a", "0/1 b", "0/2 c"}));
}

// [d15 §9.16.3-1]
TEST_F(FetchesTest, WorksWithoutASubscription) {
  fetch(late_, {0, 0}, {9, 0});
  answer({2, 1}, {{{0, 0}, "a"}, {{2, 0}, "b"}});
  EXPECT_EQ(late_.only<ms::FetchAccepted>().end, (moqt::Location{2, 1}));
  EXPECT_EQ(fetched(late_), (Lines{"0/0 a", "2/0 b"}));
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
}

TEST_F(FetchesTest, DownwardsTheEndIsThatOfTheFirstGroupAndNotOfTheLastOneAskedFor) {
  fetch(viewer_, {1, 0}, {2, 0});
  answer({2, 0}, {{{1, 0}, "b"}, {{2, 0}, "c"}});
  fetch(late_, {0, 0}, {2, 1}, moqt::GroupOrder::kDescending);  // the upper two are in the cache
  answer({0, 0}, {{{0, 0}, "a"}});
  EXPECT_EQ(fetched(late_), (Lines{"2/0 c", "1/0 b", "0/0 a"}));
  EXPECT_EQ(late_.only<ms::FetchAccepted>().end, (moqt::Location{2, 1}));
}

TEST_F(FetchesTest, WhoAsksForMoreThanAnotherGetsMore) {
  fetch(viewer_, {0, 0}, {1, 0});
  fetch(late_, {0, 0}, {3, 0});  // waits for what the first one has asked for
  ASSERT_EQ(publisher_client_.count<ms::FetchReceived>(), 1u);
  answer({1, 0}, {{{0, 0}, "a"}, {{1, 0}, "b"}});
  EXPECT_EQ(viewer_.only<ms::FetchAccepted>().end, (moqt::Location{1, 0}));
  ASSERT_EQ(publisher_client_.count<ms::FetchReceived>(), 2u);
  answer({2, 1}, {{{2, 0}, "c"}});
  EXPECT_EQ(fetched(late_), (Lines{"0/0 a", "1/0 b", "2/0 c"}));
  EXPECT_EQ(late_.only<ms::FetchAccepted>().end, (moqt::Location{2, 1}));
}

TEST_F(FetchesTest, PassesARefusalOn) {
  fetch(late_, {0, 0}, {0, 0});
  ASSERT_TRUE(publisher_client_.session()
                  .reject(publisher_client_.only<ms::FetchReceived>().request, moqt::RequestErrorCode::kInvalidRange)
                  .ok());
  network_.run();
  EXPECT_EQ(late_.only<ms::RequestRejected>().code, 0x11u);  // INVALID_RANGE
  EXPECT_EQ(network_.relay.counters().tracks, 0u);
}

TEST_F(FetchesTest, ServesWhatCameWholeWhenThePublisherDoesNotAnswerFetch) {
  subscribe(viewer_);
  publisher_.accept();
  publisher_.group(0, {"a", "b"});  // nothing says that the group ends there
  publisher_.group(1, {"c"});
  fetch(late_, {0, 0}, {1, 1});
  ASSERT_TRUE(publisher_client_.session()
                  .reject(publisher_client_.only<ms::FetchReceived>().request, moqt::RequestErrorCode::kNotSupported)
                  .ok());
  network_.run();
  EXPECT_EQ(fetched(late_), (Lines{"0/0 a", "0/1 b", "1/0 c"}));
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
}

// [d15 §9.16.3-3]
TEST_F(FetchesTest, RefusesARangeThatHasNotBeenPublished) {
  subscribe(viewer_);
  publisher_.accept();
  fetch(late_, {0, 0}, {0, 0});
  EXPECT_EQ(late_.only<ms::RequestRejected>().code, 0x11u);  // INVALID_RANGE: no object at all
  late_.pair.client.events.clear();
  whole_group(0, {"a"});
  fetch(late_, {0, 1}, {0, 0});
  EXPECT_EQ(late_.only<ms::RequestRejected>().code, 0x11u);
}

// Nobody is subscribed, so where the track ends is the publisher's to say: that there is nothing behind what is here.
TEST_F(FetchesTest, EndsWithWhatIsHereWhenThePublisherHasNothingBehindIt) {
  fetch(late_, {0, 0}, {9, 0});
  answer({1, 2}, {{{0, 0}, "a"}, {{1, 0}, "b"}, {{1, 1}, "c"}});
  for (const moqt::Location start : {moqt::Location{0, 0}, moqt::Location{1, 1}}) {
    late_.pair.client.events.clear();
    publisher_client_.pair.client.events.clear();
    fetch(late_, start, {9, 0});
    const auto asked = publisher_client_.only<ms::FetchReceived>();
    EXPECT_EQ(asked.range.start, (moqt::Location{1, 2}));
    ASSERT_TRUE(publisher_client_.session().reject(asked.request, moqt::RequestErrorCode::kInvalidRange).ok());
    network_.run();
    EXPECT_EQ(fetched(late_), start.group == 0 ? (Lines{"0/0 a", "1/0 b", "1/1 c"}) : (Lines{"1/1 c"}));
    EXPECT_EQ(late_.only<ms::FetchAccepted>().end, (moqt::Location{1, 2}));
    EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
  }
  late_.pair.client.events.clear();
  publisher_client_.pair.client.events.clear();
  fetch(late_, {1, 2}, {9, 0});  // but of this nothing is here
  const auto asked = publisher_client_.only<ms::FetchReceived>().request;
  ASSERT_TRUE(publisher_client_.session().reject(asked, moqt::RequestErrorCode::kInvalidRange).ok());
  network_.run();
  EXPECT_EQ(late_.only<ms::RequestRejected>().code, 0x11u);
}

TEST_F(FetchesTest, RefusesATrackThatNobodyPublishes) {
  ASSERT_TRUE(late_.session().fetch({moqt::TrackNamespace{"elsewhere"}, "video"}, {0, 0}, {0, 0}).ok());
  network_.run();
  EXPECT_EQ(late_.only<ms::RequestRejected>().code, 0x10u);  // DOES_NOT_EXIST
}

TEST_F(FetchesTest, CancelsUpstreamWhenNobodyWaitsAnyMore) {
  const auto first = fetch(late_, {0, 0}, {0, 0});
  const auto second = fetch(viewer_, {0, 0}, {0, 0});
  ASSERT_TRUE(late_.session().cancel(first).ok());
  network_.run();
  EXPECT_EQ(publisher_client_.count<ms::FetchCancelled>(), 0u);
  ASSERT_TRUE(viewer_.session().cancel(second).ok());
  network_.run();
  EXPECT_EQ(publisher_client_.count<ms::FetchCancelled>(), 1u);
  EXPECT_EQ(network_.relay.counters().tracks, 0u);
}

TEST_F(FetchesTest, EndsWhenThePublisherIsLost) {
  fetch(late_, {0, 0}, {0, 0});
  network_.lose(publisher_client_);
  EXPECT_EQ(late_.count<ms::RequestRejected>(), 1u);
  EXPECT_EQ(network_.relay.counters().tracks, 0u);
}

TEST_F(FetchesTest, AsksAnotherPublisherWhenOneRefuses) {
  RelayClient& other_client = network_.connect();
  TestPublisher other(network_, other_client);
  other.announce({"live"});
  fetch(late_, {0, 0}, {0, 2});
  const bool first_asked = publisher_client_.count<ms::FetchReceived>() == 1;
  RelayClient& refusing = first_asked ? publisher_client_ : other_client;
  RelayClient& answering = first_asked ? other_client : publisher_client_;
  ASSERT_TRUE(refusing.session()
                  .reject(refusing.only<ms::FetchReceived>().request, moqt::RequestErrorCode::kInternalError)
                  .ok());
  network_.run();
  ASSERT_EQ(answering.count<ms::FetchReceived>(), 1u);
  const auto request = answering.only<ms::FetchReceived>().request;
  ASSERT_TRUE(answering.session().accept_fetch(request, {false, {0, 2}}).ok());
  const auto stream = answering.session().open_fetch(request);
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE(answering.session().finish_stream(*stream).ok());
  network_.run();
  EXPECT_TRUE(fetched(late_).empty());
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
}

TEST_F(FetchesTest, ASlowClientMakesThePublisherWait) {
  RelayLimits limits;
  limits.max_fetch_lead = 100;
  RelayNetwork network(limits);
  RelayClient& publisher_client = network.connect();
  ms::SessionConfig small;
  small.send_window = 64;
  RelayClient& slow = network.connect({}, small);
  TestPublisher publisher(network, publisher_client);
  publisher.announce();
  slow.pair.server.acknowledge = false;
  ASSERT_TRUE(slow.session().fetch(track_name(), {0, 0}, {0, 0}).ok());
  network.run();
  ms::Session& session = publisher_client.session();
  const auto request = publisher_client.only<ms::FetchReceived>().request;
  ASSERT_TRUE(session.accept_fetch(request, {false, {0, 0}}).ok());
  const auto stream = session.open_fetch(request);
  const base::ByteVector kilobyte(1000, 'x');
  for (std::uint64_t id = 0; id < 200; ++id) {
    ms::FetchObject object;
    object.location = {0, id};
    object.payload = base::SharedBytes::copy_of(kilobyte);
    object.payload_length = kilobyte.size();
    ASSERT_TRUE(session.append_fetch_object(*stream, object).ok());
    network.run();
  }
  // The relay has read little more than what its session takes of one stream.
  EXPECT_LT(network.relay.counters().objects_fetched, 40u);
  slow.pair.server.acknowledge = true;
  slow.pair.server.session.set_send_window(1 << 20);
  for (const auto& send : slow.pair.server.done<ms::SendStream>())
    slow.pair.server.session.on_stream_bytes_sent(send.stream, send.slices.bytes());
  ASSERT_TRUE(session.finish_stream(*stream).ok());
  network.run();
  EXPECT_EQ(fetched(slow).size(), 200u);
  EXPECT_TRUE(slow.only<ms::FetchEnded>().finished);
}

// [d15 §9.2.1.3-1]
TEST_F(FetchesTest, WhatIsOlderThanMaxCacheDurationIsAskedForAgain) {
  subscribe(viewer_);
  moqt::MessageParameters said;
  said.set_max_cache_duration(1000);
  publisher_.accept(std::move(said));
  whole_group(0, {"a"});
  network_.advance(std::chrono::milliseconds(1001));
  fetch(late_, {0, 0}, {0, 0});
  EXPECT_EQ(publisher_client_.count<ms::FetchReceived>(), 1u);
  answer({0, 1}, {{{0, 0}, "a"}});
  EXPECT_EQ(fetched(late_), (Lines{"0/0 a"}));
}

// [d15 §10.2.1.1-1]
TEST_F(FetchesTest, TheEndOfTheTrackIsSaid) {
  subscribe(viewer_);
  publisher_.accept();
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  // Object 1: delta 0, no payload, status END_OF_TRACK (0x4).
  ASSERT_TRUE(
      publisher_client_.session().append_object(stream, 1, base::SharedBytes::copy_of(hex("00 00 04")), 1).ok());
  publisher_.finish(stream);
  fetch(late_, {0, 0}, {5, 0});
  const auto accepted = late_.only<ms::FetchAccepted>();
  EXPECT_TRUE(accepted.end_of_track);
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
}

// [d15 §8.4-3, §9.17-1, §9.16.3-1]
TEST_F(FetchesTest, AnswersWhenThePublisherHasSaidWhereTheEndIs) {
  const auto request = fetch(viewer_, {0, 0}, {5, 0});
  (void)request;
  EXPECT_EQ(viewer_.count<ms::FetchAccepted>(), 0u);
  const auto asked = publisher_client_.only<ms::FetchReceived>();
  const auto stream = publisher_client_.session().open_fetch(asked.request);
  ASSERT_TRUE(stream.ok());
  ms::FetchObject object;
  object.payload = base::SharedBytes::copy_of(hex("61"));
  object.payload_length = 1;
  ASSERT_TRUE(publisher_client_.session().append_fetch_object(*stream, object).ok());
  network_.run();
  EXPECT_EQ(viewer_.count<ms::FetchAccepted>(), 0u) << "the objects may come before";
  ASSERT_TRUE(publisher_client_.session().accept_fetch(asked.request, {false, {0, 1}}).ok());
  ASSERT_TRUE(publisher_client_.session().finish_stream(*stream).ok());
  network_.run();
  EXPECT_EQ(viewer_.only<ms::FetchAccepted>().end, (moqt::Location{0, 1}));
  EXPECT_EQ(fetched(viewer_), Lines{"0/0 a"});
}

}  // namespace
}  // namespace msquic_py::relay::fetch_tests
