// Range Filters (draft-22 sections 3.3.2, 8.6, 9.1.6 and 9.20.10 to 9.20.14): what is refused, and what passes. Bytes
// are written from the text.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "harness/request_peer.h"
#include "moqt/model/object_filter.h"

namespace msquic_py::moqt::session {
namespace {

using testing::hex;
using testing::RequestPeer;

RequestPeer peer_with(std::uint64_t ranges) {
  SessionConfig config;
  config.limits.max_filter_ranges = ranges;
  return RequestPeer::established(Perspective::kServer, config, Draft::k22);
}

TEST(RangeFilters, TheirNumberIsSaidInSetup) {
  SessionConfig config;
  config.limits.max_filter_ranges = 100;
  RequestPeer peer(Perspective::kServer, config, Draft::k22);
  EXPECT_EQ(peer.sent_control, hex("af00 0002 06 64"));  // MAX_FILTER_RANGES 0x06: 100
  RequestPeer old(Perspective::kServer, config, Draft::k18);
  EXPECT_EQ(old.sent_control, hex("af00 0000"));
}

/// SUBSCRIBE of (a) t with this one parameter.
std::string subscribe_with(std::string_view parameter) {
  const std::size_t size = 7 + hex(parameter).size();
  return "03 00" + std::string(1, "0123456789abcdef"[size / 16]) + std::string(1, "0123456789abcdef"[size % 16]) +
         " 00 01 0161 01 74 01 " + std::string(parameter);
}

// Each is INVALID_FILTER (0x36), and the session goes on.
TEST(RangeFilters, ThatAreFaultyAreRefused) {
  const char* const faulty[] = {
      "26 07 00 00 00 01 00 01 00",      // three ranges where two are allowed
      "27 04 00 8100 00",                // a priority of 256
      "27 04 00 80fe 02",                // priorities 254 to 256
      "28 04 00 03 01 00",               // property 3, which is no number
      "26 0b 00 ffffffffffffffffff 01",  // ends above 2^64-1
  };
  for (const char* each : faulty) {
    SCOPED_TRACE(each);
    auto peer = peer_with(2);
    const auto stream = peer.open(subscribe_with(each));
    const auto answer = peer.take(stream);
    ASSERT_GT(answer.size(), 3u);
    EXPECT_EQ(answer[0], 0x05);
    EXPECT_EQ(answer[3], 0x36);
    EXPECT_TRUE(peer.all<SubscribeReceived>().empty());
    EXPECT_FALSE(peer.closed);
  }
  // Twice the same type in the same set; in another set it is another filter.
  auto peer = peer_with(2);
  const auto twice = peer.open("03 0011 00 01 0161 01 74 02 25 03 07 00 00 | 00 03 07 05 00");
  EXPECT_EQ(peer.take(twice)[3], 0x36);
  (void)peer.open("03 0011 02 01 0161 01 74 02 25 03 07 00 00 | 00 03 08 05 00");
  EXPECT_EQ(peer.all<SubscribeReceived>().size(), 1u);
}

TEST(RangeFilters, AreOfTheSubscriptionAndItsUpdates) {
  auto peer = peer_with(3);
  // SUBGROUP_FILTER, set 0: 3 to 5 and 10 to 15, as section 8.6 writes them.
  const auto stream = peer.open(subscribe_with("25 05 00 03 02 05 05"));
  const auto subscription = peer.only<SubscribeReceived>().request;
  ASSERT_TRUE(peer.session.accept(subscription).ok());
  const auto passes = [&](std::uint64_t subgroup, std::uint64_t id) {
    return peer.session.published(subscription)->objects.passes({subgroup, id, 128}, [](std::uint64_t) {
      return std::optional<std::uint64_t>();
    });
  };
  EXPECT_FALSE(passes(2, 0));
  EXPECT_TRUE(passes(3, 0));
  EXPECT_TRUE(passes(5, 0));
  EXPECT_FALSE(passes(6, 0));
  EXPECT_TRUE(passes(15, 0));
  EXPECT_FALSE(passes(16, 0));
  const auto update = [&](std::string_view text) {
    peer.drain();
    (void)peer.take(stream);
    peer.say(stream, text);
  };
  // REQUEST_UPDATE 2: OBJECTID_FILTER, set 0, from 7 on: both are to be passed.
  update("02 0006 02 01 26 02 00 07");
  ASSERT_TRUE(peer.session.accept(peer.all<UpdateReceived>().back().update).ok());
  EXPECT_FALSE(passes(3, 6));
  EXPECT_TRUE(passes(3, 7));
  EXPECT_FALSE(passes(6, 7));
  // REQUEST_UPDATE 4: the first is taken back, by length 0.
  update("02 0004 04 01 25 00");
  ASSERT_TRUE(peer.session.accept(peer.all<UpdateReceived>().back().update).ok());
  EXPECT_TRUE(passes(6, 7));
  EXPECT_FALSE(passes(6, 6));
  // REQUEST_UPDATE 6: with three more there are four ranges, one too many. It fails, and with it the subscription.
  update("02 000b 06 01 25 07 00 00 00 01 00 01 00");
  const auto answer = peer.take(stream);
  ASSERT_GT(answer.size(), 3u);
  EXPECT_EQ(answer[0], 0x05);
  EXPECT_EQ(answer[3], 0x36);
  EXPECT_EQ(peer.session.published(subscription), nullptr);
  EXPECT_FALSE(peer.closed);
}

TEST(RangeFilters, OfOneSetAreAllToBePassedAndOneSetIsEnough) {
  MessageParameters parameters;
  const auto add = [&](MessageParameter type, std::uint8_t set, std::uint64_t start, std::optional<std::uint64_t> end,
                       std::uint64_t property = 0) {
    RangeFilter filter;
    filter.set_id = set;
    filter.property_type = property;
    filter.ranges = {{start, end}};
    parameters.add_range_filter(type, filter);
  };
  add(MessageParameter::kObjectIdFilter, 0, 0, 0);
  add(MessageParameter::kPriorityFilter, 0, 0, 100);
  add(MessageParameter::kObjectPropertyFilter, 9, 50, std::nullopt, 0x10);
  ObjectFilter filter;
  filter.take(parameters.items());
  const auto passes = [&](std::uint64_t id, std::uint8_t priority, std::optional<std::uint64_t> property) {
    return filter.passes({0, id, priority},
                         [&](std::uint64_t type) { return type == 0x10 ? property : std::optional<std::uint64_t>(); });
  };
  EXPECT_TRUE(passes(0, 100, {}));
  EXPECT_FALSE(passes(0, 101, {}));
  EXPECT_FALSE(passes(1, 100, {}));
  EXPECT_TRUE(passes(1, 200, 50));
  EXPECT_FALSE(passes(1, 200, 49));
  EXPECT_FALSE(passes(1, 200, {})) << "without the property";
}

TEST(RangeFilters, OfOursKeepToWhatThePeerTakes) {
  RequestPeer peer(Perspective::kClient, {}, Draft::k22);
  MessageParameters parameters;
  RangeFilter filter;
  filter.set_id = 1;
  filter.ranges = {{4, 6}, {200, std::nullopt}};
  parameters.add_range_filter(MessageParameter::kObjectIdFilter, filter);
  const FullTrackName track{TrackNamespace{"a"}, "t"};
  EXPECT_EQ(peer.session.subscribe(track, parameters).error(), SessionError::kInvalidParameter)
      << "before SETUP nothing is known";
  peer.control("af00 0002 06 02");
  ASSERT_TRUE(peer.session.subscribe(track, parameters).ok());
  peer.drain();
  // OBJECTID_FILTER: set 1; 4, and 2 on to 6; 194 (80c2) on from 6 to 200, open.
  EXPECT_EQ(peer.take(peer.opened[0]), hex("03 000e 00 01 0161 01 74 01 26 05 01 04 02 80c2"));
  filter.ranges.insert(filter.ranges.begin(), RangeFilter::Range{0, 0});
  MessageParameters more;
  more.add_range_filter(MessageParameter::kObjectIdFilter, filter);
  EXPECT_EQ(peer.session.fetch(track, {0, 0}, {1, 0}, more).error(), SessionError::kInvalidParameter);
}

}  // namespace
}  // namespace msquic_py::moqt::session
