#include <gtest/gtest.h>

#include "harness/raw_peer.h"
#include "harness/session_pair.h"

// Every kind of request between two sessions, and the credit for requests.
namespace msquic_py::testing {
namespace {

using moqt::FullTrackName;
using moqt::Location;
using moqt::MessageParameters;
using moqt::SubscriptionFilter;
using moqt::TrackNamespace;
using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test

const FullTrackName kRequestedTrack{TrackNamespace{"a"}, "t"};

class Requests : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  void SetUp() override {
    pair.establish();
    pair.clear_events();
  }
  SessionPair pair{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Seeds, Requests, ::testing::Range(1u, 6u));

// [d15 §5.1-1, §9.9-1, §9.9-3]
TEST_P(Requests, SubscribeAcceptUnsubscribe) {
  MessageParameters parameters;
  parameters.set_subscriber_priority(7);
  parameters.set_filter(SubscriptionFilter::next_group_start());
  const auto subscription = pair.client.session.subscribe(kRequestedTrack, parameters);
  ASSERT_TRUE(subscription.ok());
  EXPECT_EQ(pair.client.session.subscribe(kRequestedTrack).error(), SessionError::kDuplicate);
  pair.run();
  const auto received = pair.server.only<SubscribeReceived>();
  EXPECT_EQ(received.track, kRequestedTrack);
  MessageParameters answer;
  answer.set_largest_object({5, 7});
  ASSERT_TRUE(pair.server.session.accept(received.request, answer).ok());
  EXPECT_EQ(pair.server.session.accept(received.request).error(), SessionError::kWrongState);
  const PublishedSubscription* view = pair.server.session.published(received.request);
  ASSERT_NE(view, nullptr);
  EXPECT_EQ(view->start, (Location{6, 0}));
  EXPECT_EQ(view->subscriber_priority, 7);
  EXPECT_EQ(view->largest_at_establishment, (Location{5, 7}));
  pair.run();
  EXPECT_EQ(pair.client.only<RequestAccepted>().parameters.largest_object(), (Location{5, 7}));
  ASSERT_TRUE(pair.client.session.cancel(*subscription).ok());
  pair.run();
  EXPECT_EQ(pair.server.only<Unsubscribed>().subscription, received.request);
  EXPECT_EQ(pair.server.session.published(received.request), nullptr);
  EXPECT_EQ(pair.client.session.open_requests() + pair.server.session.open_requests(), 0u);
}

TEST_P(Requests, SubscribeRejected) {
  const auto subscription = pair.client.session.subscribe(kRequestedTrack);
  pair.run();
  const auto received = pair.server.only<SubscribeReceived>();
  ASSERT_TRUE(pair.server.session.reject(received.request, moqt::RequestErrorCode::kDoesNotExist, "not found").ok());
  pair.run();
  const auto rejected = pair.client.only<RequestRejected>();
  EXPECT_EQ(rejected.request, *subscription);
  EXPECT_EQ(rejected.code, 0x10u);
  EXPECT_EQ(rejected.reason, "not found");
  EXPECT_TRUE(pair.client.session.subscribe(kRequestedTrack).ok()) << "it may be tried again";
}

// [d15 §9.9-4]
TEST_P(Requests, FilterBehindTheLargestGroupIsRefused) {
  MessageParameters parameters;
  parameters.set_filter(SubscriptionFilter::absolute_range({1, 0}, 4));
  ASSERT_TRUE(pair.client.session.subscribe(kRequestedTrack, parameters).ok());
  pair.run();
  MessageParameters answer;
  answer.set_largest_object({5, 0});
  EXPECT_EQ(pair.server.session.accept(pair.server.only<SubscribeReceived>().request, answer).error(),
            SessionError::kInvalidRange);
  pair.run();
  EXPECT_EQ(pair.client.only<RequestRejected>().code, 0x11u);
}

// [d15 §5.1.2-3, §9.9-5]
TEST_P(Requests, FiltersResolveAgainstTheLargestObject) {
  struct Case {
    SubscriptionFilter filter;
    std::optional<Location> largest;
    Location start;
    std::optional<std::uint64_t> last_group;
  };
  const Case cases[] = {
      {SubscriptionFilter::next_group_start(), Location{5, 7}, {6, 0}, {}},
      {SubscriptionFilter::next_group_start(), {}, {0, 0}, {}},
      {SubscriptionFilter::largest_object(), Location{5, 7}, {5, 8}, {}},
      {SubscriptionFilter::largest_object(), {}, {0, 0}, {}},
      {SubscriptionFilter::absolute_start({3, 2}), Location{5, 7}, {3, 2}, {}},
      {SubscriptionFilter::absolute_range({3, 2}, 9), Location{5, 7}, {3, 2}, 9},
  };
  int number = 0;
  for (const Case& each : cases) {
    pair.clear_events();
    MessageParameters parameters;
    parameters.set_filter(each.filter);
    const FullTrackName track{TrackNamespace{"a"}, std::to_string(number++)};
    ASSERT_TRUE(pair.client.session.subscribe(track, parameters).ok());
    pair.run();
    MessageParameters answer;
    if (each.largest) answer.set_largest_object(*each.largest);
    const auto request = pair.server.only<SubscribeReceived>().request;
    ASSERT_TRUE(pair.server.session.accept(request, answer).ok());
    const PublishedSubscription& view = *pair.server.session.published(request);
    EXPECT_EQ(view.start, each.start) << track.to_text();
    EXPECT_EQ(view.last_group, each.last_group) << track.to_text();
  }
  PublishedSubscription range;
  range.start = {3, 2};
  range.last_group = 9;
  EXPECT_FALSE(range.wants({3, 1}));
  EXPECT_TRUE(range.wants({3, 2}));
  EXPECT_TRUE(range.wants({9, 100})) << "the whole last group is included";
  EXPECT_FALSE(range.wants({10, 0}));
}

// [d15 §9.11-3, §9.11-6]
TEST_P(Requests, UpdateChangesForwardPriorityAndFilter) {
  const auto subscription = pair.client.session.subscribe(kRequestedTrack);
  pair.run();
  const auto published = pair.server.only<SubscribeReceived>().request;
  EXPECT_EQ(pair.client.session.update(*subscription, {}).error(), SessionError::kWrongState) << "not established yet";
  ASSERT_TRUE(pair.server.session.accept(published).ok());
  pair.run();
  MessageParameters changes;
  changes.set_forward(false);
  changes.set_subscriber_priority(3);
  changes.set_filter(SubscriptionFilter::absolute_range({2, 0}, 8));
  const auto update = pair.client.session.update(*subscription, changes);
  ASSERT_TRUE(update.ok());
  pair.run();
  const auto received = pair.server.only<UpdateReceived>();
  EXPECT_EQ(received.subscription, published);
  EXPECT_TRUE(pair.server.session.published(published)->forward) << "not before it is accepted";
  MessageParameters largest;
  largest.set_largest_object({4, 4});
  ASSERT_TRUE(pair.server.session.accept(received.update, largest).ok());
  const PublishedSubscription& view = *pair.server.session.published(published);
  EXPECT_FALSE(view.forward);
  EXPECT_EQ(view.subscriber_priority, 3);
  EXPECT_EQ(view.start, (Location{2, 0}));
  EXPECT_EQ(view.last_group, 8u);
  pair.clear_events();
  pair.run();
  EXPECT_EQ(pair.client.only<RequestAccepted>().request, *update);
  EXPECT_EQ(pair.client.only<RequestAccepted>().parameters.largest_object(), (Location{4, 4}));
}

// [d15 §9.11-4]
TEST_P(Requests, RejectedUpdateEndsTheSubscription) {
  const auto subscription = pair.client.session.subscribe(kRequestedTrack);
  pair.run();
  const auto published = pair.server.only<SubscribeReceived>().request;
  ASSERT_TRUE(pair.server.session.accept(published).ok());
  pair.run();
  ASSERT_TRUE(pair.client.session.update(*subscription, {}).ok());
  pair.run();
  ASSERT_TRUE(
      pair.server.session.reject(pair.server.only<UpdateReceived>().update, moqt::RequestErrorCode::kInternalError)
          .ok());
  pair.run();
  EXPECT_EQ(pair.client.count<RequestRejected>(), 1u);
  EXPECT_EQ(pair.client.only<SubscriptionDone>().code,
            static_cast<std::uint64_t>(moqt::PublishDoneCode::kUpdateFailed));
}

// [d15 §5.1-2, §5.1.1-3, §9.14-1]
TEST_P(Requests, PublishAcceptAndReject) {
  MessageParameters offer;
  offer.set_largest_object({5, 7});
  const auto publication = pair.client.session.publish(kRequestedTrack, offer);
  ASSERT_TRUE(publication.ok());
  pair.run();
  const auto received = pair.server.only<PublishReceived>();
  EXPECT_EQ(received.track, kRequestedTrack);
  MessageParameters answer;
  answer.set_filter(SubscriptionFilter::largest_object());
  answer.set_subscriber_priority(9);
  ASSERT_TRUE(pair.server.session.accept(received.request, answer).ok());
  pair.run();
  EXPECT_EQ(pair.client.only<RequestAccepted>().request, *publication);
  EXPECT_EQ(pair.client.session.published(*publication)->start, (Location{5, 8}));
  EXPECT_EQ(pair.client.session.published(*publication)->subscriber_priority, 9);

  pair.clear_events();
  const auto unwanted = pair.client.session.publish({TrackNamespace{"a"}, "u"});
  pair.run();
  ASSERT_TRUE(
      pair.server.session.reject(pair.server.only<PublishReceived>().request, moqt::RequestErrorCode::kUninterested)
          .ok());
  pair.run();
  EXPECT_EQ(pair.client.only<RequestRejected>().code, 0x20u);
  EXPECT_EQ(pair.client.session.published(*unwanted), nullptr);
}

// [d15 §6.2-2, §6.2-3, §9.22-1]
TEST_P(Requests, NamespacePublicationLife) {
  const auto first = pair.client.session.publish_namespace(TrackNamespace{"a", "b"});
  const auto second = pair.client.session.publish_namespace(TrackNamespace{"c"});
  EXPECT_EQ(pair.client.session.publish_namespace(TrackNamespace{"c"}).error(), SessionError::kDuplicate);
  pair.run();
  const auto published = pair.server.all<NamespacePublished>();
  ASSERT_EQ(published.size(), 2u);
  EXPECT_EQ(published[0].track_namespace, (TrackNamespace{"a", "b"}));
  for (const auto& each : published) ASSERT_TRUE(pair.server.session.accept(each.request).ok());
  pair.run();
  EXPECT_EQ(pair.client.count<RequestAccepted>(), 2u);
  ASSERT_TRUE(pair.client.session.cancel(*first).ok());
  ASSERT_TRUE(
      pair.server.session.cancel_namespace(published[1].request, moqt::RequestErrorCode::kUnauthorized, "expired")
          .ok());
  pair.run();
  EXPECT_EQ(pair.server.only<NamespaceDone>().request, published[0].request);
  EXPECT_EQ(pair.client.only<NamespaceCancelled>().request, *second);
  EXPECT_EQ(pair.client.only<NamespaceCancelled>().reason, "expired");
  EXPECT_TRUE(pair.client.session.publish_namespace(TrackNamespace{"c"}).ok()) << "with fresh authorization";
}

// [d15 §6.1-1]
TEST_P(Requests, NamespaceSubscriptionLife) {
  const auto subscription = pair.client.session.subscribe_namespace(TrackNamespace{"a"});
  EXPECT_EQ(pair.client.session.subscribe_namespace(TrackNamespace{"a", "b"}).error(), SessionError::kPrefixOverlap);
  pair.run();
  const auto received = pair.server.only<NamespaceSubscribed>();
  EXPECT_EQ(received.prefix, TrackNamespace{"a"});
  ASSERT_TRUE(pair.server.session.accept(received.request).ok());
  pair.run();
  EXPECT_EQ(pair.client.only<RequestAccepted>().request, *subscription);
  ASSERT_TRUE(pair.client.session.cancel(*subscription).ok());
  pair.run();
  EXPECT_EQ(pair.server.only<NamespaceUnsubscribed>().request, received.request);
}

TEST_P(Requests, TrackStatus) {
  const auto question = pair.client.session.track_status(kRequestedTrack);
  pair.run();
  MessageParameters answer;
  answer.set_largest_object({5, 7});
  ASSERT_TRUE(pair.server.session.accept(pair.server.only<TrackStatusReceived>().request, answer).ok());
  pair.run();
  EXPECT_EQ(pair.client.only<RequestAccepted>().request, *question);
  EXPECT_EQ(pair.client.only<RequestAccepted>().parameters.largest_object(), (Location{5, 7}));
  EXPECT_EQ(pair.client.session.open_requests() + pair.server.session.open_requests(), 0u);
}

TEST_P(Requests, WrongRolesAndStaleHandlesAreRefused) {
  const auto mine = pair.client.session.publish_namespace(TrackNamespace{"a"});
  EXPECT_EQ(pair.client.session.accept(*mine).error(), SessionError::kWrongRole);
  EXPECT_EQ(pair.client.session.reject(*mine, moqt::RequestErrorCode::kInternalError).error(),
            SessionError::kWrongRole);
  EXPECT_EQ(pair.client.session.publish_done(*mine, moqt::PublishDoneCode::kTrackEnded).error(),
            SessionError::kWrongRole);
  EXPECT_EQ(pair.client.session.cancel({999}).error(), SessionError::kUnknownRequest);
  EXPECT_EQ(pair.client.session.subscribe({TrackNamespace{}, "t"}).error(), SessionError::kInvalidName);
}

// [d15 §9.3.1.3-1, §9.6-1]
TEST(Credit, RequestsWaitAndBlockedIsSaidOnce) {
  SessionConfig config;
  config.implementation.clear();
  RawPeer peer(moqt::Perspective::kServer, config);
  peer.control("20 0003 01 02 02");  // MAX_REQUEST_ID = 2: the server may use ID 1 only
  peer.sent_control.clear();
  for (const char* name : {"t", "u", "v"}) ASSERT_TRUE(peer.session.subscribe({TrackNamespace{"a"}, name}).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("03 0007 01 01 0161 01 74 00 | 1a 0001 02"))
      << "one SUBSCRIBE, one REQUESTS_BLOCKED";
  peer.sent_control.clear();
  peer.control("15 0001 04");
  EXPECT_EQ(peer.sent_control, hex("03 0007 03 01 0161 01 75 00 | 1a 0001 04"));
  peer.sent_control.clear();
  peer.control("15 0001 0a");
  EXPECT_EQ(peer.sent_control, hex("03 0007 05 01 0161 01 76 00"));
}

// [d15 §9.6-2]
TEST(Credit, IsReplenishedAsRequestsEnd) {
  SessionConfig server;
  server.limits.max_open_requests = 4;
  SessionPair pair(1, {}, server);
  pair.establish();
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(pair.client.session.track_status({TrackNamespace{"a"}, std::to_string(i)}).ok());
    pair.run();
    const auto asked = pair.server.all<TrackStatusReceived>();
    ASSERT_EQ(asked.size(), static_cast<std::size_t>(i) + 1) << "the credit ran dry";
    ASSERT_TRUE(pair.server.session.accept(asked.back().request).ok());
  }
}

// [d15 §9.5-2]
TEST(Credit, IsAsManyRequestsAsMayBeOpen) {
  SessionConfig config;
  config.limits.max_open_requests = 4;
  auto peer = RawPeer::established(moqt::Perspective::kServer, config);
  // Every FETCH ends at once: the second makes half of the window free, so that 2 + 4 requests may be made in all.
  peer.control("16 0005 00 02 09 03 00 | 16 0005 02 02 09 03 00");
  ASSERT_GE(peer.sent_control.size(), 4u);
  EXPECT_EQ(base::ByteVector(peer.sent_control.end() - 4, peer.sent_control.end()), hex("15 0001 0c"));
  peer.control(
      "03 0007 04 01 0161 01 61 00 | 03 0007 06 01 0161 01 62 00 | 03 0007 08 01 0161 01 63 00 | 03 0007 0a 01 0161 01 "
      "64 00");
  EXPECT_FALSE(peer.closed);
  peer.control("03 0007 0c 01 0161 01 65 00");
  EXPECT_EQ(peer.close_code(), moqt::SessionErrorCode::kTooManyRequests);
}

TEST(Credit, WaitingRequestsAreBounded) {
  SessionConfig config;
  config.limits.max_waiting_requests = 2;
  RawPeer peer(moqt::Perspective::kClient, config);
  EXPECT_TRUE(peer.session.track_status(kRequestedTrack).ok());
  EXPECT_TRUE(peer.session.track_status(kRequestedTrack).ok());
  EXPECT_EQ(peer.session.track_status(kRequestedTrack).error(), SessionError::kTooManyRequests);
}

}  // namespace
}  // namespace msquic_py::testing
