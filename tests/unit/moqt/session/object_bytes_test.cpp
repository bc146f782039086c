// What a publisher's session sends of objects and of the end of their subscription, byte by byte.
#include <gtest/gtest.h>

#include <optional>
#include <variant>

#include "harness/raw_peer.h"
#include "moqt/session/data/object_encoding.h"

namespace msquic_py::testing {
namespace {

using namespace moqt::session;  // NOLINT(google-build-using-namespace)

/// A publisher's session; the subscriber, of track (a) t, is nothing but bytes.
class SubscribedByHand : public ::testing::Test {
 protected:
  void SetUp() override {
    peer.control("03 0007 00 01 0161 01 74 00");
    request = peer.all<SubscribeReceived>().at(0).request;
    ASSERT_TRUE(peer.session.accept(request).ok());
  }
  static SessionConfig config() {
    SessionConfig config;
    config.implementation.clear();
    return config;
  }

  RawPeer peer = RawPeer::established(moqt::Perspective::kServer, config());
  RequestHandle request;
};
using ObjectBytes = SubscribedByHand;
using PublishDone = SubscribedByHand;

TEST_F(ObjectBytes, AreThoseOfTheDraft) {
  // [d15 §10.5]: a stream of two objects; here with the implicit Subgroup ID 0 and the inherited priority (0x30).
  const auto stream = peer.session.open_subgroup(request, {});
  base::SlabArena arena;
  for (std::uint64_t object = 0; object < 2; ++object) {
    const auto encoded = encode_object(moqt::Draft::k15, arena, object, std::nullopt, 4);
    ASSERT_TRUE(peer.session.append_object(*stream, object, encoded->wire, encoded->delta_size, 4).ok());
    ASSERT_TRUE(
        peer.session.append_payload(*stream, base::SharedBytes::copy_of(hex(object == 0 ? "61626364" : "65666768")))
            .ok());
  }
  ASSERT_TRUE(peer.session.finish_stream(*stream).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_stream, hex("30 01 00 | 00 04 61626364 | 00 04 65666768"));
  EXPECT_TRUE(peer.fin_sent);
}

// [d15 §9.15-5]
TEST_F(PublishDone, CountsNoStreamOfDatagrams) {
  const DatagramProperties properties{0x00, {0, 0}, std::uint8_t{128}};
  ASSERT_TRUE(peer.session.send_datagram(request, properties, base::SharedBytes::copy_of(hex("00 00 80 61"))).ok());
  peer.drain();
  peer.sent_control.clear();
  ASSERT_TRUE(peer.session.publish_done(request, moqt::PublishDoneCode::kTrackEnded).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("0b 0004 00 02 00 00"));
}

// [d15 §9.15-1, §5.1.1-2]
TEST_F(PublishDone, ComesBehindTheResetOfItsStreams) {
  const auto stream = peer.session.open_subgroup(request, {});
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE(peer.session.append_object(*stream, 0, base::SharedBytes::copy_of(hex("00 01 78")), 1).ok());
  peer.drain();
  ASSERT_TRUE(peer.session.reset_streams(request, moqt::StreamResetCode::kCancelled).ok());
  ASSERT_TRUE(peer.session.publish_done(request, moqt::PublishDoneCode::kTrackEnded).ok());
  Action action;
  ASSERT_TRUE(peer.session.poll_action(peer.now, action));
  EXPECT_TRUE(std::holds_alternative<ResetStream>(action));
  ASSERT_TRUE(peer.session.poll_action(peer.now, action));
  ASSERT_TRUE(std::holds_alternative<SendControl>(action));
  EXPECT_EQ(std::get<SendControl>(action).bytes.view().front(), 0x0b);
}

}  // namespace
}  // namespace msquic_py::testing
