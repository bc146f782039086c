// REQUEST_UPDATE of SUBSCRIBE_NAMESPACE and SUBSCRIBE_TRACKS (draft-18 section 10.9.2, draft-22 sections 9.5.2 and
// 9.20.20). Bytes are written from these texts.
#include <gtest/gtest.h>

#include "harness/request_peer.h"

namespace msquic_py::moqt::session {
namespace {

using testing::hex;
using testing::RequestPeer;

class NamespaceUpdates : public ::testing::TestWithParam<Draft> {
 protected:
  static RequestPeer peer_of(Perspective session_is, SessionConfig config = {}) {
    return RequestPeer::established(session_is, std::move(config), GetParam());
  }
};

TEST_P(NamespaceUpdates, OfThePeerMoveItToAnotherPrefix) {
  auto peer = peer_of(Perspective::kServer);
  const auto stream = peer.open("50 0005 00 01 0161 00");  // SUBSCRIBE_NAMESPACE (a)
  const auto subscription = peer.only<NamespaceSubscribed>().request;
  ASSERT_TRUE(peer.session.accept(subscription).ok());
  const auto told = peer.session.announce(subscription, TrackNamespace{"a", "x"});
  ASSERT_TRUE(told.ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("07 0001 00 | 08 0003 01 01 78"));
  peer.say(stream, "02 0006 02 01 34 01 01 62");  // REQUEST_UPDATE 2, TRACK_NAMESPACE_PREFIX (b)
  const auto event = peer.only<NamespaceUpdateReceived>();
  EXPECT_EQ(event.subscription, subscription);
  EXPECT_EQ(event.prefix, TrackNamespace{"b"});
  EXPECT_TRUE(peer.take(stream).empty()) << "the application has not said anything";
  ASSERT_TRUE(peer.session.accept(event.update).ok());
  EXPECT_EQ(peer.session.cancel(*told).error(), SessionError::kUnknownRequest) << "what was told is forgotten";
  EXPECT_EQ(peer.session.announce(subscription, TrackNamespace{"a", "y"}).error(), SessionError::kInvalidName);
  ASSERT_TRUE(peer.session.announce(subscription, TrackNamespace{"b", "c"}).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("07 0001 00 | 08 0003 01 01 63")) << "REQUEST_OK first";
  EXPECT_FALSE(peer.closed);
}

TEST_P(NamespaceUpdates, ThatOverlapAreRefusedAndEndTheRequest) {
  auto peer = peer_of(Perspective::kServer);
  const auto stream = peer.open("50 0005 00 01 0161 00");
  (void)peer.open("50 0007 02 02 0162 0163 00");  // (b, c)
  (void)peer.open("51 0005 04 01 0164 00");       // SUBSCRIBE_TRACKS (d), whose prefixes are others
  for (const auto& each : peer.all<NamespaceSubscribed>()) ASSERT_TRUE(peer.session.accept(each.request).ok());
  const auto first = peer.all<NamespaceSubscribed>()[0].request;
  peer.drain();
  (void)peer.take(stream);
  peer.say(stream, "02 0006 06 01 34 01 01 64");  // to (d): no namespaces are asked for there
  ASSERT_TRUE(peer.session.accept(peer.only<NamespaceUpdateReceived>().update).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("07 0001 00"));
  peer.say(stream, "02 0006 08 01 34 01 01 62");  // to (b)
  const auto answer = peer.take(stream);
  ASSERT_GT(answer.size(), 3u);
  EXPECT_EQ(answer[0], 0x05);
  EXPECT_EQ(answer[3], 0x30);  // PREFIX_OVERLAP
  EXPECT_TRUE(peer.requests[stream].fin || peer.requests[stream].reset) << "the stream is closed";
  EXPECT_EQ(peer.only<NamespaceUnsubscribed>().request, first);
  EXPECT_FALSE(peer.closed);
}

TEST_P(NamespaceUpdates, AreAskedAboutLikeTheRequestItself) {
  SessionConfig config;
  config.asks_authorization = true;
  RequestPeer peer(Perspective::kServer, config, GetParam());
  peer.control("af00 0000");
  ASSERT_TRUE(peer.session.authorize_session().ok());
  peer.drain();
  const auto stream = peer.open("50 0005 00 01 0161 00");
  const auto question = [&] { return peer.all<AuthorizationRequested>().back(); };
  ASSERT_TRUE(peer.session.authorize(question().request).ok());
  peer.drain();
  const auto subscription = peer.only<NamespaceSubscribed>().request;
  ASSERT_TRUE(peer.session.accept(subscription).ok());
  peer.say(stream, "02 0006 02 01 34 01 01 62");
  EXPECT_TRUE(peer.all<NamespaceUpdateReceived>().empty());
  EXPECT_EQ(question().operation, Operation::kSubscribeNamespace);
  EXPECT_EQ(question().track.track_namespace, TrackNamespace{"b"});
  ASSERT_TRUE(peer.session.reject(question().request, RequestErrorCode::kUnauthorized, "not there").ok());
  peer.drain();
  EXPECT_EQ(peer.only<NamespaceUnsubscribed>().request, subscription) << "what fails ends the request";
}

TEST_P(NamespaceUpdates, OfOursLoseWhatLiesElsewhere) {
  auto peer = peer_of(Perspective::kClient);
  const auto subscription =
      *peer.session.subscribe_namespace(TrackNamespace{"a"}, {}, {}, NamespaceInterest::kNamespace);
  peer.drain();
  const auto stream = peer.opened.at(0);
  (void)peer.take(stream);
  // REQUEST_OK; NAMESPACE (b), (b, c) and (d) behind (a).
  peer.say(stream, "07 0001 00 | 08 0003 01 01 62 | 08 0005 02 01 62 01 63 | 08 0003 01 01 64");
  MessageParameters parameters;
  parameters.set_track_namespace_prefix(TrackNamespace{"a", "b"});
  const auto update = peer.session.update(subscription, parameters);
  ASSERT_TRUE(update.ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("02 0008 02 01 34 02 01 61 01 62"));
  peer.say(stream, "0e 0003 01 01 64");  // before the answer the suffix is one of (a)
  EXPECT_EQ(peer.only<NamespaceLost>().track_namespace, (TrackNamespace{"a", "d"}));
  peer.say(stream, "07 0001 00");
  EXPECT_EQ(peer.all<RequestAccepted>().back().request, *update);
  EXPECT_EQ(peer.all<NamespaceLost>().size(), 1u) << "(a, b) and (a, b, c) are still there";
  peer.say(stream, "0e 0003 01 01 63 | 08 0003 01 01 65");  // behind (a, b)
  EXPECT_EQ(peer.all<NamespaceLost>().back().track_namespace, (TrackNamespace{"a", "b", "c"}));
  EXPECT_EQ(peer.all<NamespaceFound>().back().track_namespace, (TrackNamespace{"a", "b", "e"}));
  parameters.set_track_namespace_prefix(TrackNamespace{"x"});
  ASSERT_TRUE(peer.session.update(subscription, parameters).ok());
  peer.drain();
  peer.say(stream, "07 0001 00");
  EXPECT_EQ(peer.all<NamespaceLost>().size(), 4u) << "(a, b) and (a, b, e) lie elsewhere";
  EXPECT_FALSE(peer.closed);
}

TEST_P(NamespaceUpdates, OfOursMoveBothRequests) {
  auto peer = peer_of(Perspective::kClient);
  const auto subscription = *peer.session.subscribe_namespace(TrackNamespace{"a"});
  peer.drain();
  ASSERT_EQ(peer.opened.size(), 2u);
  for (const auto stream : {peer.opened[0], peer.opened[1]}) {
    peer.say(stream, "07 0001 00");
    (void)peer.take(stream);
  }
  MessageParameters parameters;
  parameters.set_track_namespace_prefix(TrackNamespace{"b"});
  ASSERT_TRUE(peer.session.update(subscription, parameters).ok());
  peer.drain();
  EXPECT_EQ(peer.take(peer.opened[0]), hex("02 0006 04 01 34 01 01 62"));
  EXPECT_EQ(peer.take(peer.opened[1]), hex("02 0006 06 01 34 01 01 62"));
  const std::size_t accepted = peer.all<RequestAccepted>().size();
  peer.say(peer.opened[1], "07 0001 00");
  EXPECT_EQ(peer.all<RequestAccepted>().size(), accepted) << "one of the two tells";
  peer.say(peer.opened[0], "07 0001 00");
  EXPECT_EQ(peer.all<RequestAccepted>().size(), accepted + 1);
}

INSTANTIATE_TEST_SUITE_P(Drafts, NamespaceUpdates, ::testing::Values(Draft::k18, Draft::k22),
                         [](const auto& tested) { return "draft" + std::to_string(static_cast<int>(tested.param)); });

}  // namespace
}  // namespace msquic_py::moqt::session
