// FETCHes that begin so many groups before the present one, of somebody without a subscription (draft-22
// section 9.20.9). No session of ours asks so: the bytes are written by hand.
#include <gtest/gtest.h>

#include <cstdint>

#include "unit/relay/fetches_fixture.h"

namespace msquic_py::relay::fetch_tests {
namespace {

using moqt::Draft;

constexpr std::uint8_t kRequestError = 0x05;

class RelativeFetch : public ::testing::Test {
 protected:
  RelativeFetch() : session_(Draft::k22, server()), number_(network_.relay.attach(session_, outlet_)) {
    session_.start(network_.now);
    session_.on_uni_stream_data(network_.now, 2, base::SharedBytes::copy_of(hex("af00 0000")), false);
  }
  ~RelativeFetch() override { network_.relay.detach(number_, network_.now); }

  static ms::SessionConfig server() {
    ms::SessionConfig config;
    config.perspective = moqt::Perspective::kServer;
    return config;
  }
  /// FETCH (live, demo) video, LOCATION_FILTER of type 1: StartGroup 2, behind another parameter. What is answered at
  /// once.
  base::ByteVector fetch(std::uint8_t id, const base::ByteVector& before = {}, std::uint8_t start_group = 2) {
    base::ByteVector bytes = hex("16 0016 00 02 046c697665 0464656d6f 05766964656f 01 21 01 02");
    bytes[3] = id;
    bytes.back() = start_group;
    if (!before.empty()) {
      bytes[2] = static_cast<std::uint8_t>(bytes[2] + before.size());
      bytes[bytes.size() - 4] = 2;                                                 // parameters
      bytes[bytes.size() - 3] = static_cast<std::uint8_t>(0x21 - before.front());  // from its type on
      bytes.insert(bytes.end() - 3, before.begin(), before.end());
    }
    session_.on_request_data(network_.now, ms::RequestStreamId{id * std::uint64_t{2}}, bytes, false);
    network_.relay.on_events(number_, network_.now);
    network_.run();
    return answer();
  }
  base::ByteVector answer() {
    base::ByteVector said;
    ms::Action action;
    while (session_.poll_action(network_.now, action)) {
      if (auto* sent = std::get_if<ms::SendRequest>(&action)) {
        said.insert(said.end(), sent->bytes.data(), sent->bytes.data() + sent->bytes.size());
      }
    }
    return said;
  }
  /// REQUEST_ERROR with this code, of one byte.
  static void expect_refused(const base::ByteVector& said, std::uint8_t code) {
    ASSERT_GT(said.size(), 3u);
    EXPECT_EQ(said[0], kRequestError);
    EXPECT_EQ(said[3], code);
  }

  /// So many of the fetches in the statistics, of which so many are not answered out of the cache alone.
  void expect_counted(std::uint64_t fetches, std::uint64_t misses) const {
    const RelayCounters counters = network_.relay.counters();
    EXPECT_EQ(counters.fetches, fetches);
    EXPECT_EQ(counters.fetch_misses, misses);
    EXPECT_LE(counters.fetch_hits + counters.fetch_misses, counters.fetches);
  }

  struct Nobody final : Outlet {
    void make_ready() override {}
  };

  RelayNetwork network_;
  RelayClient& source_ = network_.connect_as(Draft::k22);
  TestPublisher publisher_{network_, source_};
  Nobody outlet_;
  ms::Session session_;
  Relay::PeerNumber number_;
};

TEST_F(RelativeFetch, BeginsWhereTheRelayKnowsTheTrackToBe) {
  publisher_.announce();
  RelayClient& subscriber = network_.connect_as(Draft::k22);
  ASSERT_TRUE(subscriber.session().subscribe(track_name()).ok());
  network_.run();
  publisher_.accept();
  publisher_.ends_groups = true;
  publisher_.group(3, {"c"});
  publisher_.group(4, {"d", "e"});
  EXPECT_EQ(fetch(0), hex("18 0004 00 04 01 00"));  // FETCH_OK up to {4, 1}
  EXPECT_EQ(source_.count<ms::TrackStatusReceived>(), 0u);
  expect_counted(1, 0);
}

// A relay that nobody has asked for the track asks a publisher for the largest object, and then for the objects.
TEST_F(RelativeFetch, BeginsWhereThePublisherSaysThatTheTrackIs) {
  publisher_.announce();
  EXPECT_TRUE(fetch(0).empty());
  moqt::MessageParameters parameters;
  parameters.set_largest_object({4, 1});
  ASSERT_TRUE(source_.session().accept(source_.only<ms::TrackStatusReceived>().request, parameters).ok());
  network_.run();
  EXPECT_TRUE(answer().empty());
  network_.run();
  EXPECT_EQ(source_.only<ms::FetchReceived>().range, (moqt::FetchRange{{3, 0}, {4, 2}}));
  ASSERT_TRUE(source_.session().accept_fetch(source_.only<ms::FetchReceived>().request, {false, {4, 2}}).ok());
  network_.run();
  EXPECT_EQ(answer(), hex("18 0004 00 04 01 00"));
  expect_counted(1, 1);
  EXPECT_EQ(network_.relay.counters().upstream_fetches, 1u);
}

TEST_F(RelativeFetch, OfATrackWithoutObjectsIsAnInvalidRange) {  // draft-22 section 3.2
  publisher_.announce();
  EXPECT_TRUE(fetch(0).empty());
  ASSERT_TRUE(source_.session().accept(source_.only<ms::TrackStatusReceived>().request, {}).ok());
  network_.run();
  expect_refused(answer(), 0x11);
  EXPECT_EQ(source_.count<ms::FetchReceived>(), 0u);
  expect_counted(1, 1);
}

TEST_F(RelativeFetch, IsRefusedAsThePublisherRefuses) {
  publisher_.announce();
  EXPECT_TRUE(fetch(0).empty());
  ASSERT_TRUE(source_.session()
                  .reject(source_.only<ms::TrackStatusReceived>().request, moqt::RequestErrorCode::kUnauthorized, "no")
                  .ok());
  network_.run();
  expect_refused(answer(), 0x01);
  expect_counted(1, 1);
}

TEST_F(RelativeFetch, IsRefusedWhenThePublisherLeaves) {
  publisher_.announce();
  EXPECT_TRUE(fetch(0).empty());
  network_.lose(source_);
  network_.run();
  expect_refused(answer(), 0x10);  // DOES_NOT_EXIST
  expect_counted(1, 1);
}

TEST_F(RelativeFetch, IsRefusedWhenNobodyPublishes) {
  expect_refused(fetch(0), 0x10);
  expect_counted(1, 0);
}

TEST_F(RelativeFetch, IsRefusedWhenThereIsNoTime) {  // draft-22 section 9.20.5
  publisher_.announce();
  expect_refused(fetch(0, hex("0a 00")), 0x02);  // FILL_TIMEOUT 0, TIMEOUT
  EXPECT_EQ(source_.count<ms::TrackStatusReceived>(), 0u);
  expect_counted(1, 1);
}

// A range behind the largest object is refused where it is found out: here StartGroup is 0, the next group.
TEST_F(RelativeFetch, BehindTheLargestObjectIsAnInvalidRange) {
  publisher_.announce();
  EXPECT_TRUE(fetch(0, {}, 0).empty());
  moqt::MessageParameters parameters;
  parameters.set_largest_object({4, 1});
  ASSERT_TRUE(source_.session().accept(source_.only<ms::TrackStatusReceived>().request, parameters).ok());
  network_.run();
  expect_refused(answer(), 0x11);
  expect_counted(1, 1);
}

TEST_F(RelativeFetch, ThatIsCancelledIsForgotten) {
  publisher_.announce();
  EXPECT_TRUE(fetch(0).empty());
  session_.on_request_reset(network_.now, ms::RequestStreamId{0}, 0);
  network_.relay.on_events(number_, network_.now);
  moqt::MessageParameters parameters;
  parameters.set_largest_object({4, 1});
  ASSERT_TRUE(source_.session().accept(source_.only<ms::TrackStatusReceived>().request, parameters).ok());
  (void)answer();
  network_.run();
  EXPECT_EQ(source_.count<ms::FetchReceived>(), 0u);
  expect_counted(1, 1);
}

}  // namespace
}  // namespace msquic_py::relay::fetch_tests
