// Range Filters at the relay, which takes everything from publishers and passes on what each subscriber wants (draft-22
// sections 3.3.2 and 3.6.1); and tracks whose objects travel in both ways (section 11).
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "moqt/session/data/object_encoding.h"
#include "unit/relay/fetches_fixture.h"

namespace msquic_py::relay::fetch_tests {
namespace {

using moqt::Draft;
using moqt::MessageParameter;
using moqt::RangeFilter;

RangeFilter ranges(std::vector<RangeFilter::Range> of, std::uint64_t property = 0, std::uint8_t set = 0) {
  RangeFilter filter;
  filter.set_id = set;
  filter.property_type = property;
  filter.ranges = std::move(of);
  return filter;
}

class RangeFiltersTest : public ::testing::Test {
 protected:
  void SetUp() override { publisher_.announce(); }
  void subscribe(RelayClient& to, moqt::MessageParameters parameters = {}) {
    ASSERT_TRUE(to.session().subscribe(track_name(), std::move(parameters)).ok());
    network_.run();
  }
  void datagram(std::uint64_t group, std::uint64_t id, std::string_view payload, std::uint8_t priority = 128) {
    ms::DatagramFields fields;
    fields.location = {group, id};
    fields.publisher_priority = priority;
    fields.payload = base::as_bytes(payload);
    base::SlabArena arena;
    const auto encoded = ms::encode_datagram(Draft::k22, arena, fields);
    ASSERT_TRUE(encoded.ok());
    ASSERT_TRUE(
        source_.session().send_datagram(publisher_.subscription, encoded->properties, encoded->after_alias).ok());
    network_.run();
  }

  RelayNetwork network_;
  RelayClient& source_ = network_.connect_as(Draft::k22);
  RelayClient& viewer_ = network_.connect_as(Draft::k22);
  RelayClient& other_ = network_.connect_as(Draft::k22);
  TestPublisher publisher_{network_, source_};
};

TEST_F(RangeFiltersTest, LeaveObjectsOutOfAStreamThatGoesOn) {
  moqt::MessageParameters parameters;
  parameters.add_range_filter(MessageParameter::kObjectIdFilter, ranges({{0, 1}, {4, std::nullopt}}));
  subscribe(viewer_, std::move(parameters));
  subscribe(other_);
  publisher_.accept();
  publisher_.group(0, {"a", "b", "c", "d", "e", "f"});
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 a", "0/1 b", "0/4 e", "0/5 f"}));
  EXPECT_EQ(viewer_.count<ms::SubgroupOpened>(), 1u) << "what does not pass leaves no gap";
  EXPECT_TRUE(viewer_.only<ms::SubgroupEnded>().finished);
  EXPECT_EQ(objects(other_).size(), 6u);
}

TEST_F(RangeFiltersTest, LeaveSubgroupsOutAltogether) {
  moqt::MessageParameters parameters;
  parameters.add_range_filter(MessageParameter::kSubgroupFilter, ranges({{1, 1}}));
  subscribe(viewer_, std::move(parameters));
  publisher_.accept();
  for (std::uint64_t subgroup = 0; subgroup < 3; ++subgroup) {
    const auto stream = publisher_.open(0, subgroup);
    publisher_.object(stream, subgroup, "x");
    publisher_.finish(stream);
  }
  datagram(1, 0, "d");
  EXPECT_EQ(objects(viewer_), (Lines{"0/1 x"})) << "a datagram is in no subgroup";
  EXPECT_EQ(viewer_.count<ms::SubgroupOpened>(), 1u);
}

TEST_F(RangeFiltersTest, OfPropertiesLookIntoImmutableOnes) {
  moqt::MessageParameters parameters;
  parameters.add_range_filter(MessageParameter::kObjectPropertyFilter, ranges({{10, 20}}, 0x40));
  subscribe(viewer_, std::move(parameters));
  publisher_.accept();
  ms::SubgroupProperties properties;
  properties.extensions = true;
  const auto stream = *source_.session().open_subgroup(publisher_.subscription, properties);
  // Property 0x40: 15; 21; none; 20 among Immutable Properties (0x0b), of three bytes with vi64 numbers.
  const base::ByteVector blocks[] = {hex("40 0f"), hex("40 15"), {}, hex("0b 02 40 14")};
  base::SlabArena arena;
  for (std::uint64_t id = 0; id < 4; ++id) {
    const auto encoded = ms::encode_object(Draft::k22, arena, id, base::Bytes(blocks[id]), 1);
    ASSERT_TRUE(encoded.ok());
    ASSERT_TRUE(source_.session().append_object(stream, id, encoded->wire, encoded->delta_size, 1).ok());
    ASSERT_TRUE(source_.session().append_payload(stream, base::SharedBytes::copy_of(hex("78"))).ok());
  }
  network_.run();
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 x", "0/3 x"}));
}

TEST_F(RangeFiltersTest, CountForFetchesAndForDatagrams) {
  moqt::MessageParameters parameters;
  parameters.add_range_filter(MessageParameter::kPriorityFilter, ranges({{0, 10}}));
  subscribe(viewer_, parameters);
  publisher_.accept();
  datagram(0, 0, "a", 10);
  datagram(0, 1, "b", 11);
  publisher_.ends_groups = true;
  publisher_.group(1, {"c"});  // of priority 128
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 a"}));
  ASSERT_TRUE(other_.session().fetch(track_name(), {0, 0}, {0, 2}, parameters).ok());
  network_.run();
  EXPECT_EQ(fetched(other_), (Lines{"0/0 a"}));
  EXPECT_TRUE(other_.all<ms::FetchGapReceived>().empty()) << "what does not pass is not marked";
}

TEST_F(RangeFiltersTest, OfSubscribeTracksChooseTracksAndTheirObjects) {
  moqt::MessageParameters parameters;
  parameters.add_range_filter(MessageParameter::kTrackPropertyFilter, ranges({{5, 5}}, 0x42));
  parameters.add_range_filter(MessageParameter::kObjectIdFilter, ranges({{1, 1}}));
  parameters.set_group_order(moqt::GroupOrder::kDescending);
  parameters.set_include_properties(false);
  ASSERT_TRUE(
      viewer_.session()
          .subscribe_namespace(moqt::TrackNamespace{"live"}, std::move(parameters), {}, ms::NamespaceInterest::kPublish)
          .ok());
  network_.run();
  const auto offer = [&](std::string_view name, std::uint64_t value) {
    moqt::MessageParameters said;
    said.append({0x42, value, moqt::ParameterScope::kTrack});
    const auto request = source_.session().publish(track_name(name), std::move(said));
    EXPECT_TRUE(request.ok());
    network_.run();
    return *request;
  };
  publisher_.subscription = offer("five", 5);
  offer("six", 6);
  const auto offered = viewer_.only<ms::PublishReceived>();
  EXPECT_EQ(offered.track, track_name("five"));
  EXPECT_EQ(offered.parameters.group_order(), moqt::GroupOrder::kDescending) << "said in the PUBLISH";
  for (const moqt::Parameter& each : offered.parameters.items()) {
    EXPECT_NE(each.scope, moqt::ParameterScope::kTrack) << "no properties are wanted";
  }
  ASSERT_TRUE(viewer_.session().accept(offered.request).ok());
  network_.run();
  publisher_.group(0, {"a", "b", "c"});
  EXPECT_EQ(objects(viewer_), (Lines{"0/1 b"}));
}

// ---- INCLUDE_PROPERTIES, section 9.20.21 ----

TEST_F(RangeFiltersTest, PropertiesAreLeftOutOfAnswersThatDoNotWantThem) {
  moqt::MessageParameters without;
  without.set_include_properties(false);
  subscribe(viewer_, without);
  moqt::MessageParameters said;
  said.set_publisher_priority(7);
  publisher_.accept(std::move(said));
  EXPECT_FALSE(viewer_.only<ms::RequestAccepted>().parameters.publisher_priority());
  subscribe(other_);
  EXPECT_EQ(other_.only<ms::RequestAccepted>().parameters.publisher_priority(), 7);
}

// ---- delivery modes ----

TEST_F(RangeFiltersTest, ObjectsOfATrackMayTravelInBothWays) {
  RelayClient& old = network_.connect_as(Draft::k15);
  subscribe(viewer_);
  subscribe(old);
  publisher_.accept();
  datagram(0, 0, "a");
  publisher_.group(1, {"b"});
  datagram(1, 1, "c");
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 a", "1/0 b", "1/1 c"}));
  EXPECT_EQ(viewer_.count<ms::TrackMalformed>(), 0u);
  EXPECT_EQ(viewer_.count<ms::DatagramReceived>(), 2u);
  // Draft-15 has one way for a whole track: that of the first object.
  EXPECT_EQ(objects(old), (Lines{"0/0 a", "1/1 c"}));
  EXPECT_EQ(old.count<ms::TrackMalformed>(), 0u);
}

TEST_F(RangeFiltersTest, OneObjectInBothWaysIsMalformed) {
  subscribe(viewer_);
  publisher_.accept();
  datagram(0, 0, "a");
  publisher_.object(publisher_.open(0), 0, "a");
  network_.advance(std::chrono::seconds(3));  // for late datagrams
  EXPECT_EQ(viewer_.only<ms::SubscriptionDone>().code,
            static_cast<std::uint64_t>(moqt::PublishDoneCode::kMalformedTrack));
}

}  // namespace
}  // namespace msquic_py::relay::fetch_tests
