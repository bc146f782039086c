// FILL_TIMEOUT: how long the relay asks publishers for what it has not got (draft-18 section 10.2.5, draft-22 sections
// 3.2.3 and 9.20.5), and the gaps that it leaves otherwise.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/request_peer.h"
#include "unit/relay/fetches_fixture.h"

namespace msquic_py::relay::fetch_tests {
namespace {

using namespace std::chrono_literals;
using moqt::Draft;
using moqt::wire::FetchGap;

class FillTimeoutTest : public ::testing::TestWithParam<Draft> {
 protected:
  /// Groups 2 and 4 are here; of 3 and the rest of 5 nothing is known.
  void SetUp() override {
    publisher_.announce();
    ASSERT_TRUE(subscriber_.session().subscribe(track_name()).ok());
    network_.run();
    publisher_.accept();
    publisher_.ends_groups = true;
    publisher_.group(2, {"c"});
    publisher_.group(4, {"e"});
    publisher_.ends_groups = false;
    publisher_.object(publisher_.open(5), 3, "f");
  }
  ms::RequestHandle fetch(std::optional<std::uint64_t> fill_timeout, moqt::Location start, moqt::Location end,
                          moqt::GroupOrder order = moqt::GroupOrder::kAscending) {
    moqt::MessageParameters parameters;
    if (fill_timeout) parameters.set_fill_timeout(*fill_timeout);
    parameters.set_group_order(order);
    const auto request = viewer_.session().fetch(track_name(), start, end, std::move(parameters));
    EXPECT_TRUE(request.ok());
    network_.run();
    return *request;
  }
  [[nodiscard]] std::size_t asked() const { return source_.count<ms::FetchReceived>(); }
  /// What the viewer was told to be left out: the last location of each part.
  [[nodiscard]] std::vector<moqt::Location> gaps() const {
    std::vector<moqt::Location> last;
    for (const auto& gap : viewer_.all<ms::FetchGapReceived>()) {
      last.push_back(gap.last);
      EXPECT_EQ(gap.gap, GetParam() == Draft::k22 ? FetchGap::kTimedOut : FetchGap::kUnknown);
    }
    return last;
  }

  RelayNetwork network_;
  RelayClient& source_ = network_.connect_as(GetParam());
  RelayClient& subscriber_ = network_.connect_as(GetParam());
  RelayClient& viewer_ = network_.connect_as(GetParam());
  TestPublisher publisher_{network_, source_};
};

constexpr std::uint64_t kLast = ~std::uint64_t{0};

TEST_P(FillTimeoutTest, OfZeroBringsWhatIsAtHand) {
  fetch(0, {1, 0}, {5, 4});
  EXPECT_EQ(asked(), 0u) << "it MUST NOT wait";
  EXPECT_EQ(fetched(viewer_), (Lines{"2/0 c", "4/0 e", "5/3 f"}));
  EXPECT_EQ(gaps(), (std::vector<moqt::Location>{{1, kLast}, {3, kLast}, {5, 2}}));
  EXPECT_EQ(viewer_.only<ms::FetchAccepted>().end, (moqt::Location{5, 4}));
  const auto end = viewer_.only<ms::FetchEnded>();
  EXPECT_FALSE(end.finished) << "some of the range is unknown";
  EXPECT_EQ(end.reset_code, 0x6u);  // UNKNOWN_OBJECT_STATUS
}

TEST_P(FillTimeoutTest, OfZeroDownwards) {
  fetch(0, {1, 0}, {5, 4}, moqt::GroupOrder::kDescending);
  EXPECT_EQ(asked(), 0u);
  EXPECT_EQ(fetched(viewer_), (Lines{"5/3 f", "4/0 e", "2/0 c"}));
  EXPECT_EQ(gaps(), (std::vector<moqt::Location>{{5, 2}, {3, kLast}, {1, kLast}}));
}

TEST_P(FillTimeoutTest, IsOverWhenThePublisherIsSlow) {
  fetch(300, {3, 0}, {5, 4});
  EXPECT_EQ(asked(), 1u);
  network_.advance(299ms);
  EXPECT_TRUE(viewer_.all<ms::FetchEnded>().empty());
  EXPECT_TRUE(gaps().empty());
  network_.advance(1ms);
  EXPECT_EQ(fetched(viewer_), (Lines{"4/0 e", "5/3 f"}));
  EXPECT_EQ(gaps(), (std::vector<moqt::Location>{{3, kLast}, {5, 2}}));
  EXPECT_EQ(viewer_.only<ms::FetchAccepted>().end, (moqt::Location{5, 4}));
  EXPECT_EQ(source_.count<ms::FetchCancelled>(), 1u) << "nobody wants it any more";
}

TEST_P(FillTimeoutTest, IsOneBudgetForEverythingThatIsAskedFor) {
  fetch(300, {3, 0}, {5, 4});
  network_.advance(200ms);
  const auto first = source_.all<ms::FetchReceived>().back();
  ASSERT_TRUE(source_.session().accept_fetch(first.request, {false, first.range.end}).ok());
  const auto stream = *source_.session().open_fetch(first.request);
  ms::FetchObject object;
  object.location = {3, 0};
  object.payload = base::SharedBytes::copy_of(hex("64"));
  object.payload_length = 1;
  ASSERT_TRUE(source_.session().append_fetch_object(stream, object).ok());
  ASSERT_TRUE(source_.session().finish_stream(stream).ok());
  network_.run();
  EXPECT_EQ(asked(), 2u) << "for the head of group 5";
  network_.advance(99ms);
  EXPECT_TRUE(viewer_.all<ms::FetchEnded>().empty());
  network_.advance(1ms);
  EXPECT_EQ(fetched(viewer_), (Lines{"3/0 d", "4/0 e", "5/3 f"}));
  EXPECT_EQ(gaps(), (std::vector<moqt::Location>{{5, 2}}));
}

TEST_P(FillTimeoutTest, DoesNothingWhenThePublisherAnswersInTime) {
  fetch(300, {4, 0}, {5, 4});
  const auto received = source_.only<ms::FetchReceived>();
  ASSERT_TRUE(source_.session().accept_fetch(received.request, {false, received.range.end}).ok());
  ASSERT_TRUE(source_.session().finish_stream(*source_.session().open_fetch(received.request)).ok());
  network_.run();
  network_.advance(1s);
  EXPECT_EQ(fetched(viewer_), (Lines{"4/0 e", "5/3 f"}));
  EXPECT_TRUE(gaps().empty());
  EXPECT_TRUE(viewer_.only<ms::FetchEnded>().finished);
}

TEST_P(FillTimeoutTest, WithNothingAtHandIsATimeout) {
  fetch(0, {6, 0}, {7, 0});
  EXPECT_EQ(viewer_.all<ms::RequestRejected>().size(), 1u);
  RelayNetwork other;
  RelayClient& source = other.connect_as(GetParam());
  RelayClient& viewer = other.connect_as(GetParam());
  TestPublisher publisher{other, source};
  publisher.announce();
  moqt::MessageParameters parameters;
  parameters.set_fill_timeout(0);
  ASSERT_TRUE(viewer.session().fetch(track_name(), {0, 0}, {1, 0}, std::move(parameters)).ok());
  other.run();
  EXPECT_EQ(viewer.only<ms::RequestRejected>().code, static_cast<std::uint64_t>(moqt::RequestErrorCode::kTimeout));
}

// What the publisher does not know it says; the relay does not take it for empty, and passes it on.
TEST_P(FillTimeoutTest, AGapOfThePublisherStaysUnknown) {
  fetch(std::nullopt, {3, 0}, {3, 0});
  const auto received = source_.only<ms::FetchReceived>();
  ms::Session& session = source_.session();
  ASSERT_TRUE(session.accept_fetch(received.request, {false, {3, 0}}).ok());
  const auto stream = *session.open_fetch(received.request);
  const auto write = [&](std::uint64_t id) {
    ms::FetchObject object;
    object.location = {3, id};
    object.payload = base::SharedBytes::copy_of(hex("78"));
    object.payload_length = 1;
    ASSERT_TRUE(session.append_fetch_object(stream, object).ok());
  };
  write(1);
  ASSERT_TRUE(session.append_fetch_gap(stream, {3, 5}, FetchGap::kUnknown).ok());  // 2 to 4
  write(7);
  ASSERT_TRUE(session.finish_stream(stream).ok());
  network_.run();
  EXPECT_EQ(fetched(viewer_), (Lines{"3/1 x", "3/7 x"}));
  const auto left_out = viewer_.all<ms::FetchGapReceived>();
  ASSERT_EQ(left_out.size(), 1u) << "5, 6 and what is behind 7 the publisher says to be empty";
  EXPECT_EQ(left_out[0].last, (moqt::Location{3, 4}));
  EXPECT_EQ(left_out[0].gap, FetchGap::kUnknown);
}

INSTANTIATE_TEST_SUITE_P(Drafts, FillTimeoutTest, ::testing::Values(Draft::k18, Draft::k22),
                         [](const auto& tested) { return "draft" + std::to_string(static_cast<int>(tested.param)); });

// The time of a fill of a subscription (draft-22 section 3.4).
TEST(FillTimeoutOfAFill, CountsAlike) {
  RelayNetwork network;
  RelayClient& source = network.connect_as(Draft::k22);
  RelayClient& subscriber = network.connect_as(Draft::k22);
  TestPublisher publisher{network, source};
  publisher.announce();
  ASSERT_TRUE(subscriber.session().subscribe(track_name()).ok());
  network.run();
  publisher.accept();
  publisher.ends_groups = true;
  publisher.group(0, {"a"});
  publisher.group(2, {"c"});

  // Somebody who asks for a fill of the whole track, and gives it no time: FILL_TIMEOUT 0.
  ms::SessionConfig config;
  config.perspective = moqt::Perspective::kServer;
  config.implementation.clear();
  config.limits.max_auth_token_cache_bytes = 0;
  ms::Session server(Draft::k22, config);
  struct Nobody final : Outlet {
    void make_ready() override {}
  } outlet;
  const auto number = network.relay.attach(server, outlet);
  server.start(network.now);
  const auto feed = [](ms::Session& to, ms::Time now, ms::IncomingStreamId id, std::string_view text) {
    to.on_uni_stream_data(now, id, base::SharedBytes::copy_of(hex(text)), false);
  };
  feed(server, network.now, 2, "af00 0000");
  (void)network.relay.on_events(number, network.now);
  // SUBSCRIBE (live, demo) video, Next Object, FILL_PARAMETERS with one parameter, FILL_TIMEOUT 0, no filter: type 0.
  server.on_request_data(network.now, ms::RequestStreamId{0},
                         hex("03 001c 00 02 046c697665 0464656d6f 05766964656f 02 21 05 02 05 02 0a 00 17 00"), false);
  (void)network.relay.on_events(number, network.now);
  base::ByteVector stream;
  ms::Action action;
  while (server.poll_action(network.now, action)) {
    if (auto* data = std::get_if<ms::SendStream>(&action)) {
      for (const auto& slice : data->slices) stream.insert(stream.end(), slice.data(), slice.data() + slice.size());
      server.on_stream_bytes_sent(data->stream, data->slices.bytes());
    }
  }
  EXPECT_EQ(source.count<ms::FetchReceived>(), 0u);
  // FETCH_HEADER of request 0. Object 0/0: group, object, priority, payload of 1. The end of what does not exist, 0x8C:
  // the rest of group 0, which would otherwise be of what timed out (section 3.2.2). The end of that, 0x20C: group 1,
  // object 2^64-1. Object 2/0, a group on (delta 0), its priority said before.
  EXPECT_EQ(stream, hex("05 00 | 1c 00 00 80 01 61 | 808c 00 ffffffffffffffffff | 820c 01 ffffffffffffffffff | "
                        "0c 00 00 01 63"));
  network.relay.detach(number, network.now);
}

// FETCH_OK is on another stream than the objects, and may be overtaken by them. The publisher has groups 1 and 2 of 0
// to 2.
TEST(RelayedGaps, MayComeAheadOfFetchOk) {
  RelayNetwork network;
  RelayClient& source = network.connect_as(Draft::k22);
  RelayClient& viewer = network.connect_as(Draft::k22);
  TestPublisher publisher{network, source};
  publisher.announce();
  ASSERT_TRUE(viewer.session().fetch(track_name(), {0, 0}, {2, 0}).ok());
  network.run();
  ms::Session& session = source.session();
  const ms::RequestHandle request = source.only<ms::FetchReceived>().request;
  const auto stream = *session.open_fetch(request);
  ASSERT_TRUE(session.append_fetch_gap(stream, {0, 0}, FetchGap::kUnknown).ok());  // all of group 0
  for (const std::uint64_t group : {1, 2}) {
    ms::FetchObject object;
    object.location = {group, 0};
    object.payload_length = 1;
    object.payload = base::SharedBytes::copy_of(hex("61"));
    ASSERT_TRUE(session.append_fetch_object(stream, object).ok());
  }
  network.run();
  EXPECT_EQ(viewer.count<ms::RequestRejected>(), 0u);
  ASSERT_TRUE(session.accept_fetch(request, {false, {2, 0}}).ok());
  ASSERT_TRUE(session.finish_stream(stream).ok());
  network.run();
  EXPECT_EQ(viewer.only<ms::FetchGapReceived>().last.group, 0u);
  EXPECT_EQ(fetched(viewer), (Lines{"1/0 a", "2/0 a"}));
  EXPECT_TRUE(viewer.only<ms::FetchEnded>().fin);
}

// ---- the bytes, and what is refused ----

TEST(FetchGapBytes, StandBetweenObjects) {
  auto peer = testing::RequestPeer::established(moqt::Perspective::kServer, {}, Draft::k22);
  // FETCH, LOCATION_FILTER 4: {2, 0} to {4, 1}; FILL_TIMEOUT 200, which is 80c8.
  (void)peer.open("16 0010 00 01 0161 01 74 02 0a 80c8 17 04 02 00 02 01");
  const auto asked = peer.only<ms::FetchReceived>();
  EXPECT_EQ(asked.parameters.fill_timeout(), 200u);
  const auto stream = *peer.session.open_fetch(asked.request);
  ms::FetchObject object;
  object.location = {2, 1};
  object.payload_length = 1;
  object.payload = base::SharedBytes::copy_of(hex("61"));
  ASSERT_TRUE(peer.session.append_fetch_object(stream, object).ok());
  EXPECT_EQ(peer.session.append_fetch_gap(stream, {2, 2}, FetchGap::kTimedOut).error(),
            ms::SessionError::kObjectOutOfOrder);
  EXPECT_EQ(peer.session.append_fetch_gap(stream, {5, 0}, FetchGap::kTimedOut).error(), ms::SessionError::kOutOfRange);
  ASSERT_TRUE(peer.session.append_fetch_gap(stream, {3, 0}, FetchGap::kTimedOut).ok());  // all of group 3
  object.location = {4, 0};
  ASSERT_TRUE(peer.session.append_fetch_object(stream, object).ok());
  ASSERT_TRUE(peer.session.append_fetch_gap(stream, {4, 2}, FetchGap::kUnknown).ok());  // object 1
  peer.drain();
  EXPECT_EQ(peer.sent_stream,
            hex("05 00 | 1c 02 01 80 01 61 | 820c 03 ffffffffffffffffff | 0c 00 00 01 61 | 810c 04 01"));
}

TEST(FetchGapBytes, DraftsBeforeSayUnknownOrNothing) {
  auto peer = testing::RequestPeer::established(moqt::Perspective::kServer, {}, Draft::k18);
  (void)peer.open("16 000c 00 01 01 0161 01 74 02 00 03 02 00");  // {2, 0} up to {3, 2}
  const auto stream = *peer.session.open_fetch(peer.only<ms::FetchReceived>().request);
  ASSERT_TRUE(peer.session.append_fetch_gap(stream, {2, 0}, FetchGap::kTimedOut).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_stream, hex("05 00 | 810c 02 ffffffffffffffffff"));
  auto old = testing::RequestPeer::established(moqt::Perspective::kServer, {}, Draft::k15);
  old.control("16 000c 00 01 01 0161 01 74 02 00 03 02 00");
  const auto asked = old.all<ms::FetchReceived>();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(old.session.append_fetch_gap(*old.session.open_fetch(asked[0].request), {2, 0}, FetchGap::kUnknown).error(),
            ms::SessionError::kNotInDraft);
}

}  // namespace
}  // namespace msquic_py::relay::fetch_tests
