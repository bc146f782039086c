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
  /// FETCH (live, demo) video, LOCATION_FILTER of type 1: StartGroup 2. What is answered at once.
  base::ByteVector fetch(std::uint8_t id) {
    base::ByteVector bytes = hex("16 0016 00 02 046c697665 0464656d6f 05766964656f 01 21 01 02");
    bytes[3] = id;
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
}

TEST_F(RelativeFetch, OfATrackWithoutObjectsIsAnInvalidRange) {  // draft-22 section 3.2
  publisher_.announce();
  EXPECT_TRUE(fetch(0).empty());
  ASSERT_TRUE(source_.session().accept(source_.only<ms::TrackStatusReceived>().request, {}).ok());
  network_.run();
  expect_refused(answer(), 0x11);
  EXPECT_EQ(source_.count<ms::FetchReceived>(), 0u);
}

TEST_F(RelativeFetch, IsRefusedAsThePublisherRefuses) {
  publisher_.announce();
  EXPECT_TRUE(fetch(0).empty());
  ASSERT_TRUE(source_.session()
                  .reject(source_.only<ms::TrackStatusReceived>().request, moqt::RequestErrorCode::kUnauthorized, "no")
                  .ok());
  network_.run();
  expect_refused(answer(), 0x01);
}

TEST_F(RelativeFetch, IsRefusedWhenThePublisherLeaves) {
  publisher_.announce();
  EXPECT_TRUE(fetch(0).empty());
  network_.lose(source_);
  network_.run();
  expect_refused(answer(), 0x10);  // DOES_NOT_EXIST
}

TEST_F(RelativeFetch, IsRefusedWhenNobodyPublishes) { expect_refused(fetch(0), 0x10); }

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
}

}  // namespace
}  // namespace msquic_py::relay::fetch_tests
