#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdio>
#include <string>

#include "harness/raw_peer.h"

// What a peer may not do on data streams and in datagrams, and what the session bears with.
namespace msquic_py::testing {
namespace {

using moqt::MalformedTrack;
using moqt::Perspective;
using moqt::SessionErrorCode;
using moqt::session::SessionConfig;

/// A server that has subscribed to ("a") "t" as request 1, under alias 2.
RawPeer with_subscription(SessionConfig config = {}) {
  auto peer = RawPeer::established(Perspective::kServer, std::move(config));
  EXPECT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).ok());
  peer.control("04 0003 01 02 00");
  peer.events.clear();
  peer.sent_control.clear();
  return peer;
}

std::optional<SessionErrorCode> after_stream(std::string_view bytes, bool fin = false) {
  auto peer = with_subscription();
  peer.stream(2, bytes, fin);
  return peer.close_code();
}
std::optional<SessionErrorCode> after_datagram(std::string_view bytes) {
  auto peer = with_subscription();
  peer.datagram(bytes);
  return peer.close_code();
}

// [d15 §10-1]
TEST(Streams, UnknownTypesClose) {
  EXPECT_EQ(after_stream("06 02 00"), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(after_stream("16 02 00 00 80"), SessionErrorCode::kProtocolViolation) << "subgroup ID mode 11";
  EXPECT_EQ(after_datagram("10 02 00 00 80 61"), SessionErrorCode::kProtocolViolation);
}

// [d15 §10.4-1]
TEST(Streams, FinInsideAnObjectOrHeaderCloses) {
  EXPECT_EQ(after_stream("14 02 00 00 80 | 00 04 6162", true), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(after_stream("14 02 00 00 80 | 00", true), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(after_stream("14 02", true), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(after_stream("14 02 00 00 80 | 00 04 61626364", true), std::nullopt);
  EXPECT_EQ(after_stream("14 02 00 00 80", true), std::nullopt) << "a stream without objects";
}

/// The length of an extension block or of a value in it, in four bytes.
std::string length(std::uint32_t bytes) {
  char text[9];
  (void)std::snprintf(text, sizeof text, "%08" PRIx32, bytes | 0x8000'0000);
  return text;
}
/// Pairs of type 0x3f with values of 60 000 bytes.
std::string pairs(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "3f" + length(60'000) + std::string(120'000, '0');
  return text;
}

TEST(Streams, ExtensionsMayBeOfAnySizeThatFits) {
  auto peer = with_subscription();
  const std::string block = pairs(20);
  const std::string object = "00 " + length(static_cast<std::uint32_t>(block.size() / 2)) + block + " 01 61";
  peer.stream(2, "15 02 00 00 80");
  for (std::size_t at = 0; at < object.size(); at += 100'000) peer.stream(2, object.substr(at, 100'000));
  ASSERT_EQ(peer.all<moqt::session::ObjectReceived>().size(), 1u);
  EXPECT_EQ(peer.all<moqt::session::ObjectReceived>()[0].extensions_size, 20 * 60'005u);
  EXPECT_FALSE(peer.closed);
}

TEST(Streams, ExtensionsBeyondTheRoomCostTheirStreamOnly) {
  SessionConfig config;
  config.limits.max_object_header_bytes = 100'000;
  auto peer = with_subscription(config);
  const std::string begin = "15 02 00 00 80 | 00 " + length(60'005) + "3f" + length(60'000);
  // One block that is larger than all room there is.
  peer.stream(2, "15 02 00 00 80 | 00 " + length(100'001));
  // Two that fit alone, and not together.
  peer.stream(6, begin + std::string(100'000, '0'));
  EXPECT_EQ(peer.stopped.size(), 1u);
  peer.stream(10, begin + std::string(100'000, '0'));
  ASSERT_EQ(peer.stopped.size(), 2u);
  EXPECT_EQ(peer.stopped[0].stream, 2u);
  EXPECT_EQ(peer.stopped[1].stream, 10u);
  for (const auto& stopped : peer.stopped) EXPECT_EQ(stopped.code, 0x0u);  // INTERNAL_ERROR
  EXPECT_EQ(peer.all<moqt::session::SubgroupEnded>().size(), 2u);
  // The other goes on, and what the two had taken is free again.
  peer.stream(6, std::string(20'000, '0') + " 01 61");
  EXPECT_EQ(peer.all<moqt::session::ObjectReceived>().size(), 1u);
  peer.stream(14, begin + std::string(100'000, '0'));
  EXPECT_EQ(peer.stopped.size(), 2u);
  EXPECT_FALSE(peer.closed);
}

// [d15 §10.2.1.1-3, §10.2.1.2-1]
TEST(Streams, StatusRules) {
  EXPECT_EQ(after_stream("14 02 00 00 80 | 00 00 02"), SessionErrorCode::kProtocolViolation) << "status 2";
  EXPECT_EQ(after_stream("15 02 00 00 80 | 00 02 02 05 00 03"), SessionErrorCode::kProtocolViolation)
      << "extensions with a status";
  EXPECT_EQ(after_stream("14 02 00 00 80 | 00 00 03"), std::nullopt) << "end of group";
}

// [d15 §10.2.1.1-4, §10.3.1-1]
TEST(Datagrams, Rules) {
  EXPECT_EQ(after_datagram("01 02 00 00 80 00 61"), SessionErrorCode::kProtocolViolation) << "extension length 0";
  EXPECT_EQ(after_datagram("20 02 00 00 80 03 61"), SessionErrorCode::kProtocolViolation) << "bytes after a status";
  EXPECT_EQ(after_datagram("00 02"), SessionErrorCode::kProtocolViolation) << "cut short";
  EXPECT_EQ(after_datagram("00 02 00 00 80 61"), std::nullopt);
}

// [d15 §10.4.4-3]
TEST(Streams, FetchStreamNobodyAskedForIsStopped) {
  auto peer = with_subscription();
  peer.stream(2, "05 09 1c 00 00 80 01 61");
  EXPECT_FALSE(peer.closed);
  ASSERT_EQ(peer.stopped.size(), 1u);
  EXPECT_EQ(peer.stopped[0].stream, 2u);
}

// [d15 §2.4.2-1, §2.4.2-10]
TEST(Tracks, MixedForwardingPreferenceEndsTheTrackOnly) {
  auto peer = with_subscription();
  peer.stream(2, "14 02 00 00 80 | 00 01 61");
  peer.datagram("00 02 01 00 80 61");
  EXPECT_FALSE(peer.closed);
  const auto malformed = peer.all<moqt::session::TrackMalformed>();
  ASSERT_EQ(malformed.size(), 1u);
  EXPECT_EQ(malformed[0].reason, MalformedTrack::kForwardingPreferenceChanged);
  EXPECT_EQ(peer.sent_control, hex("0a 0001 01")) << "UNSUBSCRIBE";
  ASSERT_EQ(peer.stopped.size(), 1u) << "its open stream";
}

// [d15 §2.4.2-6, §2.4.2-7]
TEST(Tracks, ObjectAfterTheEndOfItsGroupOrTrack) {
  const auto reason = [](std::string_view first, std::string_view second) -> std::optional<MalformedTrack> {
    auto peer = with_subscription();
    peer.stream(2, first, true);
    peer.stream(6, second);
    EXPECT_FALSE(peer.closed);
    const auto found = peer.all<moqt::session::TrackMalformed>();
    return found.empty() ? std::nullopt : std::optional(found[0].reason);
  };
  // Type 0x1c: the last object before FIN ends the group.
  EXPECT_EQ(reason("1c 02 00 00 80 | 05 01 61", "14 02 00 01 80 | 06 01 61"), MalformedTrack::kObjectAfterEndOfGroup);
  EXPECT_EQ(reason("1c 02 00 00 80 | 05 01 61", "14 02 00 01 80 | 04 01 61"), std::nullopt);
  EXPECT_EQ(reason("14 02 00 00 80 | 05 00 04", "14 02 01 00 80 | 00 01 61"), MalformedTrack::kObjectAfterEndOfTrack);
  EXPECT_EQ(reason("14 02 00 00 80 | 05 00 03", "14 02 01 00 80 | 00 01 61"), std::nullopt);
  // PRIOR_OBJECT_ID_GAP (0x3e) of 6 in object 5.
  EXPECT_EQ(reason("15 02 00 00 80 | 05 02 3e 06 01 61", ""), MalformedTrack::kPriorObjectIdGapExceedsObjectId);
}

// [d15 §2.4.2-6]
TEST(Tracks, TheEndsOfSixtyFourGroupsAreRemembered) {
  auto peer = with_subscription();
  const auto group = [](int number, const char* object) {  // type 0x1c: the last object before FIN ends the group
    char header[40];
    std::snprintf(header, sizeof header, "1c 02 40%02x 00 80 | %s", static_cast<unsigned>(number), object);
    return std::string(header);
  };
  for (int i = 0; i < 70; ++i) {  // upwards in steps, so that most do not come in order
    const int number = i * 3 % 70;
    peer.stream(static_cast<moqt::session::IncomingStreamId>(2 + 4 * i), group(number, "05 01 61"), true);
  }
  EXPECT_TRUE(peer.all<moqt::session::TrackMalformed>().empty());
  peer.stream(1002, group(6, "06 01 61"));
  const auto malformed = peer.all<moqt::session::TrackMalformed>();
  ASSERT_EQ(malformed.size(), 1u);
  EXPECT_EQ(malformed[0].reason, MalformedTrack::kObjectAfterEndOfGroup);
}

// [d15 §10.1-2]
TEST(UnknownAlias, DataWaitsForSubscribeOk) {
  auto peer = RawPeer::established(Perspective::kServer);
  ASSERT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).ok());
  peer.stream(2, "14 02 00 00 80 | 00 01 61", false);
  peer.stream(2, "00 01 62", true);
  EXPECT_TRUE(peer.all<moqt::session::ObjectReceived>().empty());
  peer.control("04 0003 01 02 00");
  const auto objects = peer.all<moqt::session::ObjectReceived>();
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_EQ(objects[1].location, (moqt::Location{0, 1}));
  EXPECT_EQ(peer.all<moqt::session::SubgroupEnded>().size(), 1u);
  EXPECT_TRUE(std::holds_alternative<moqt::session::RequestAccepted>(peer.events[0]))
      << "the answer comes before the objects";
}

// [d15 §10.1-2]
TEST(UnknownAlias, IsGivenUpAfterAWhileAndBounded) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.stream(2, "14 07 00 00 80 | 00 01 61");
  peer.advance(std::chrono::seconds(3));
  ASSERT_EQ(peer.stopped.size(), 1u);
  EXPECT_FALSE(peer.closed);

  SessionConfig config;
  config.limits.max_unknown_alias_streams = 1;
  auto bounded = RawPeer::established(Perspective::kServer, config);
  bounded.stream(2, "14 07 00 00 80 | 00 01 61");
  bounded.stream(6, "14 07 01 00 80 | 00 01 61");
  ASSERT_EQ(bounded.stopped.size(), 1u);
  EXPECT_EQ(bounded.stopped[0].stream, 6u);
}

/// A stream for an alias that nobody knows, of 300 bytes where 100 may wait.
class MuchForAnUnknownAlias : public ::testing::Test {
 protected:
  MuchForAnUnknownAlias() : peer_(RawPeer::established(Perspective::kServer, config())) {
    EXPECT_TRUE(peer_.session.subscribe({moqt::TrackNamespace{"live"}, "video"}).ok());
    peer_.drain();
  }
  static SessionConfig config() {
    SessionConfig config;
    config.limits.max_unknown_alias_bytes = 100;
    return config;
  }
  void bring(const char* text, std::size_t zeros) {
    base::ByteVector bytes = hex(text);
    bytes.resize(bytes.size() + zeros);
    peer_.session.on_uni_stream_data(peer_.now, 2, base::SharedBytes::copy_of(bytes), false);
    look();
  }
  /// Takes what concerns reading out of what the session does.
  void look() {
    moqt::session::Action action;
    while (peer_.session.poll_action(peer_.now, action)) {
      paused_ += std::holds_alternative<moqt::session::PauseStream>(action) ? 1 : 0;
      resumed_ += std::holds_alternative<moqt::session::ResumeStream>(action) ? 1 : 0;
      stopped_ += std::holds_alternative<moqt::session::StopSending>(action) ? 1 : 0;
    }
  }

  RawPeer peer_;
  int paused_ = 0;
  int resumed_ = 0;
  int stopped_ = 0;
};

TEST_F(MuchForAnUnknownAlias, IsHeldByFlowControlUntilTheAliasIsKnown) {
  bring("14 07 00 00 80 | 00 412c", 50);  // 300 bytes of payload
  EXPECT_EQ(paused_, 0);
  bring("", 60);
  EXPECT_EQ(paused_, 1);
  bring("", 100);  // was on its way
  EXPECT_EQ(paused_ + stopped_, 1);
  const auto answer = hex("04 0003 01 07 00");  // SUBSCRIBE_OK: Request ID 1, alias 7
  peer_.session.on_control_data(peer_.now, answer);
  look();
  EXPECT_EQ(resumed_, 1);
  bring("", 90);
  peer_.drain();
  std::size_t payload = 0;
  for (const auto& event : peer_.events) {
    if (const auto* object = std::get_if<moqt::session::ObjectReceived>(&event)) payload += object->payload().size();
    if (const auto* more = std::get_if<moqt::session::ObjectPayload>(&event)) payload += more->bytes.size();
  }
  EXPECT_EQ(payload, 300u);
  EXPECT_EQ(stopped_, 0);
}

TEST_F(MuchForAnUnknownAlias, IsGivenUpWhenTheAliasStaysUnknown) {
  bring("14 07 00 00 80 | 00 412c", 150);
  EXPECT_EQ(paused_, 1);
  peer_.advance(std::chrono::seconds(3));
  EXPECT_EQ(peer_.stopped.size(), 1u);
  EXPECT_FALSE(peer_.closed);
}

TEST_F(MuchForAnUnknownAlias, IsGivenUpWhenItComesAllTheSame) {
  bring("14 07 00 00 80 | 00 4001", 150);
  for (int i = 0; i < 5; ++i) bring("", 1024 * 1024);
  EXPECT_EQ(stopped_, 1);
}

TEST(Limits, TooManyStreamsAreStopped) {
  SessionConfig config;
  config.limits.max_incoming_streams = 2;
  auto peer = with_subscription(config);
  for (moqt::session::IncomingStreamId id : {2u, 6u, 10u}) peer.stream(id, "14 02 00 00 80 | 00 01 61");
  ASSERT_EQ(peer.stopped.size(), 1u);
  EXPECT_EQ(peer.stopped[0].stream, 2u) << "the one idle for longest";
  EXPECT_EQ(peer.stopped[0].code, 0x0u);  // INTERNAL_ERROR
  EXPECT_EQ(peer.all<moqt::session::ObjectReceived>().size(), 3u);
  EXPECT_EQ(peer.all<moqt::session::SubgroupEnded>().size(), 1u);
  EXPECT_FALSE(peer.closed);
}

// [d15 §12.1-1]
TEST(Limits, TheLeastUrgentStreamIsStopped) {
  SessionConfig config;
  config.limits.max_incoming_streams = 3;
  auto peer = with_subscription(config);
  peer.stream(2, "14 02 00 00 80 | 00 01 61");
  peer.stream(6, "14 02 01 00 c8 | 00 01 61");   // priority 200
  peer.stream(10, "14 02 02 00 c8 | 00 02 61");  // the same, in the middle of an object
  peer.stream(14, "14 02 03 00 80 | 00 01 61");
  ASSERT_EQ(peer.stopped.size(), 1u);
  EXPECT_EQ(peer.stopped[0].stream, 6u);
  // Until the peer resets it, it takes no room from the others.
  peer.session.on_uni_stream_reset(peer.now, 6, 1);
  peer.stream(18, "14 02 04 00 80 | 00 01 61");
  ASSERT_EQ(peer.stopped.size(), 2u);
  EXPECT_EQ(peer.stopped[1].stream, 10u);
}

TEST(Limits, ATrackWithManyStreamsMakesRoomForAnother) {
  SessionConfig config;
  config.limits.max_incoming_streams = 4;
  auto peer = with_subscription(config);
  ASSERT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, "u"}).ok());
  peer.control("04 0003 03 03 00");
  for (moqt::session::IncomingStreamId id : {2u, 6u, 10u, 14u}) peer.stream(id, "14 02 00 00 80 | 00 01 61");
  for (moqt::session::IncomingStreamId id : {18u, 22u}) peer.stream(id, "14 03 00 00 80 | 00 01 61");
  ASSERT_EQ(peer.stopped.size(), 2u);
  EXPECT_EQ(peer.stopped[0].stream, 2u);
  EXPECT_EQ(peer.stopped[1].stream, 6u);
  EXPECT_EQ(peer.all<moqt::session::ObjectReceived>().size(), 6u);
}

// [d15 §12.2-1]
TEST(Timeouts, IncompleteHeaderClosesAndStalledPayloadCostsItsStream) {
  auto header = with_subscription();
  header.stream(2, "14 02");
  header.advance(std::chrono::seconds(40));
  EXPECT_EQ(header.close_code(), SessionErrorCode::kDataStreamTimeout);

  auto object_header = with_subscription();
  object_header.stream(2, "14 02 00 00 80 | 00 40");
  object_header.advance(std::chrono::seconds(40));
  EXPECT_EQ(object_header.close_code(), SessionErrorCode::kDataStreamTimeout);

  auto payload = with_subscription();
  payload.stream(2, "14 02 00 00 80 | 00 04 6162");
  payload.advance(std::chrono::seconds(40));
  EXPECT_FALSE(payload.closed);
  ASSERT_EQ(payload.stopped.size(), 1u);
  ASSERT_EQ(payload.all<moqt::session::SubgroupEnded>().size(), 1u);
  EXPECT_FALSE(payload.all<moqt::session::SubgroupEnded>()[0].finished);

  auto idle = with_subscription();
  idle.stream(2, "14 02 00 00 80 | 00 01 61");
  idle.advance(std::chrono::hours(1));
  EXPECT_FALSE(idle.closed) << "no next object is no fault";
}

}  // namespace
}  // namespace msquic_py::testing
