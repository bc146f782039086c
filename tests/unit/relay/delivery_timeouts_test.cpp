// What the relay makes of delivery timeouts: it keeps them for each of its subscribers (draft-22 section 5.2).
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "harness/relay_network.h"
#include "moqt/session/data/object_encoding.h"

namespace msquic_py::relay {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using moqt::Draft;
using Lines = std::vector<std::string>;

class DeliveryTimeoutsTest : public ::testing::TestWithParam<Draft> {
 protected:
  void SetUp() override {
    publisher.announce();
    publisher.ends_groups = true;
  }
  ms::RequestHandle subscribe(RelayClient& to, std::uint64_t subgroup_timeout = 0, std::uint64_t object_timeout = 0) {
    moqt::MessageParameters parameters;
    if (subgroup_timeout > 0) parameters.set_subgroup_delivery_timeout(subgroup_timeout);
    if (object_timeout > 0) parameters.set_delivery_timeout(object_timeout);
    const auto request = to.session().subscribe(track_name(), std::move(parameters));
    EXPECT_TRUE(request.ok());
    network.run();
    return *request;
  }
  void accept(std::uint64_t subgroup_timeout = 0) {
    moqt::MessageParameters parameters;
    if (subgroup_timeout > 0) parameters.set_track_subgroup_delivery_timeout(subgroup_timeout);
    publisher.accept(std::move(parameters));
  }
  /// The relay's transport to that client takes nothing.
  static void block(RelayClient& client) { client.pair.server.session.set_send_window(0); }
  [[nodiscard]] static std::vector<ms::ResetStream> resets(const RelayClient& client) {
    return client.pair.server.done<ms::ResetStream>();
  }

  RelayNetwork network;
  RelayClient& source = network.connect_as(GetParam());
  RelayClient& slow = network.connect_as(GetParam());
  RelayClient& quick = network.connect_as(GetParam());
  TestPublisher publisher{network, source};
};

TEST_P(DeliveryTimeoutsTest, OfOneSubscriberIsNotOfTheOthers) {
  subscribe(slow, 500);
  subscribe(quick);
  accept();
  const auto stream = publisher.open(0);
  publisher.object(stream, 0, "a");
  block(slow);
  publisher.object(stream, 1, "b");
  network.advance(10s);
  EXPECT_TRUE(resets(slow).empty()) << "the subgroup goes on";
  publisher.finish(stream);
  network.advance(499ms);
  EXPECT_TRUE(resets(slow).empty());
  network.advance(1ms);
  ASSERT_EQ(resets(slow).size(), 1u);
  EXPECT_EQ(resets(slow)[0].code, 0x2u);  // DELIVERY_TIMEOUT
  EXPECT_EQ(objects(quick), (Lines{"0/0 a", "0/1 b"}));
  slow.pair.server.session.set_send_window(64 * 1024);
  network.run();
  EXPECT_EQ(objects(slow), (Lines{"0/0 a"}));
  publisher.group(1, {"c"});
  EXPECT_EQ(objects(slow), (Lines{"0/0 a", "1/0 c"}));
}

TEST_P(DeliveryTimeoutsTest, OfThePublisherIsPassedOnAndKept) {
  subscribe(slow);
  accept(300);
  EXPECT_EQ(slow.only<ms::RequestAccepted>().parameters.track_subgroup_delivery_timeout(), 300u);
  const auto stream = publisher.open(0);
  publisher.object(stream, 0, "a");
  slow.pair.server.acknowledge = false;
  publisher.object(stream, 1, "b");
  publisher.finish(stream);
  network.advance(299ms);
  EXPECT_TRUE(resets(slow).empty());
  network.advance(1ms);
  EXPECT_EQ(resets(slow).size(), 1u) << "sent whole, and not acknowledged";
}

// More waits in the store than the session has been given.
TEST_P(DeliveryTimeoutsTest, CountsWhatWaitsInTheStore) {
  subscribe(slow, 500);
  accept();
  const auto stream = publisher.open(0);
  publisher.object(stream, 0, "a");
  block(slow);
  const std::string large(60, 'x');
  for (std::uint64_t id = 1; id < 2000; ++id) publisher.object(stream, id, large);
  publisher.finish(stream);
  network.advance(500ms);
  EXPECT_EQ(resets(slow).size(), 1u);
  slow.pair.server.session.set_send_window(1024 * 1024);
  network.run();
  network.advance(1s);
  EXPECT_EQ(objects(slow), (Lines{"0/0 a"})) << "no other stream brings the rest";
}

TEST_P(DeliveryTimeoutsTest, NoStreamIsOpenedForTheRestOfASubgroup) {
  subscribe(slow, 0, 500);
  accept();
  const auto stream = publisher.open(0);
  publisher.object(stream, 0, "a");
  block(slow);
  publisher.object(stream, 1, "b");
  network.advance(501ms);
  EXPECT_EQ(resets(slow).size(), 1u);
  slow.pair.server.session.set_send_window(64 * 1024);
  publisher.object(stream, 2, "c");
  publisher.finish(stream);
  EXPECT_EQ(objects(slow), (Lines{"0/0 a"}));
  publisher.group(1, {"d"});
  EXPECT_EQ(objects(slow), (Lines{"0/0 a", "1/0 d"}));
}

INSTANTIATE_TEST_SUITE_P(Drafts, DeliveryTimeoutsTest, ::testing::Values(Draft::k18, Draft::k22),
                         [](const auto& tested) { return "draft" + std::to_string(static_cast<int>(tested.param)); });

// The first object of a subgroup may say it for all of them (draft-22 section 10.1), in either place of properties.
TEST(DeliveryTimeoutsOfAnObject, CountForItsSubgroup) {
  for (const bool immutable : {false, true}) {
    RelayNetwork network;
    RelayClient& source = network.connect_as(Draft::k22);
    RelayClient& viewer = network.connect_as(Draft::k22);
    TestPublisher publisher{network, source};
    publisher.announce();
    ASSERT_TRUE(viewer.session().subscribe(track_name()).ok());
    network.run();
    moqt::MessageParameters said;
    said.set_track_subgroup_delivery_timeout(60'000);
    publisher.accept(std::move(said));
    viewer.pair.server.acknowledge = false;
    for (std::uint64_t group = 0; group < 2; ++group) {
      ms::SubgroupProperties properties;
      properties.group = group;
      properties.extensions = true;
      properties.end_of_group = true;
      const auto stream = *source.session().open_subgroup(publisher.subscription, properties);
      // SUBGROUP_DELIVERY_TIMEOUT 0x06: 400 is 8190. Of group 1 the second object says it, which says nothing.
      const base::ByteVector pairs = immutable ? hex("0b 03 06 8190") : hex("06 8190");
      base::SlabArena arena;
      for (std::uint64_t id = 0; id < 2; ++id) {
        const auto block = id == group ? base::Bytes(pairs) : base::Bytes{};
        const auto encoded = ms::encode_object(Draft::k22, arena, id, block, 1);
        ASSERT_TRUE(encoded.ok());
        ASSERT_TRUE(source.session().append_object(stream, id, encoded->wire, encoded->delta_size, 1).ok());
        ASSERT_TRUE(source.session().append_payload(stream, base::SharedBytes::copy_of(hex("78"))).ok());
      }
      ASSERT_TRUE(source.session().finish_stream(stream).ok());
      network.run();
    }
    network.advance(399ms);
    EXPECT_TRUE(viewer.pair.server.done<ms::ResetStream>().empty());
    network.advance(1ms);
    EXPECT_EQ(viewer.pair.server.done<ms::ResetStream>().size(), 1u);
    network.advance(60s);
    EXPECT_EQ(viewer.pair.server.done<ms::ResetStream>().size(), 2u);
  }
}

}  // namespace
}  // namespace msquic_py::relay
