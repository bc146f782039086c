// DELIVERY_TIMEOUT on the sending side (sections 9.2.1.2, 10.4.3), and streams that end without FIN.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "harness/session_pair.h"

namespace msquic_py::testing {
namespace {

using namespace std::chrono_literals;
using moqt::FullTrackName;
using moqt::MessageParameters;
using moqt::TrackNamespace;
using moqt::session::DatagramProperties;
using moqt::session::DatagramReceived;
using moqt::session::ObjectReceived;
using moqt::session::OutgoingStreamStopped;
using moqt::session::RequestHandle;
using moqt::session::ResetStream;
using moqt::session::SessionError;
using moqt::session::StreamHandle;
using moqt::session::SubgroupEnded;
using moqt::session::SubscribeReceived;
using moqt::session::UpdateReceived;

constexpr std::uint64_t kDeliveryTimeout = 0x2;

/// The client subscribes to what the server publishes.
class DeliveryTimeoutOfAStream : public ::testing::Test {
 protected:
  void SetUp() override { pair.establish(); }
  void subscribe(std::optional<std::uint64_t> subscriber_ms, std::optional<std::uint64_t> publisher_ms = {}) {
    MessageParameters wish;
    if (subscriber_ms) wish.set_delivery_timeout(*subscriber_ms);
    receiving = *pair.client.session.subscribe(FullTrackName(TrackNamespace{"a"}, "t"), std::move(wish));
    pair.run();
    MessageParameters answer;
    if (publisher_ms) answer.set_delivery_timeout(*publisher_ms);
    subscription = pair.server.only<SubscribeReceived>().request;
    ASSERT_TRUE(pair.server.session.accept(subscription, std::move(answer)).ok());
    pair.run();
    pair.clear_events();
  }
  StreamHandle open(std::uint64_t group) {
    ms::SubgroupProperties properties;
    properties.group = group;
    const auto stream = pair.server.session.open_subgroup(subscription, properties);
    EXPECT_TRUE(stream.ok());
    return *stream;
  }
  /// Object ID Delta, length, payload.
  void write(StreamHandle stream, std::uint64_t object, std::size_t size = 20) {
    base::ByteVector bytes{0, static_cast<std::uint8_t>(size)};
    bytes.resize(bytes.size() + size, 'x');
    ASSERT_TRUE(pair.server.session.append_object(stream, object, base::SharedBytes::copy_of(bytes), 1).ok());
    pair.run();
  }
  /// The transport takes nothing more.
  void block() { pair.server.session.set_send_window(0); }
  void unblock() {
    pair.server.session.set_send_window(64 * 1024);
    pair.run();
  }
  [[nodiscard]] std::size_t stopped() const { return pair.server.count<OutgoingStreamStopped>(); }

  SessionPair pair;
  RequestHandle receiving;
  RequestHandle subscription;
};

// [d15 §9.2.1.2-1]
TEST_F(DeliveryTimeoutOfAStream, ResetsItWhenAnObjectWaitsTooLong) {
  subscribe(500);
  const auto stream = open(0);
  write(stream, 0);
  block();
  write(stream, 1);
  pair.advance(300ms);
  write(stream, 2);
  EXPECT_EQ(stopped(), 0u);
  pair.advance(199ms);
  EXPECT_EQ(stopped(), 0u);
  pair.advance(1ms);
  const auto event = pair.server.only<OutgoingStreamStopped>();
  EXPECT_EQ(event.stream, stream);
  EXPECT_EQ(event.code, kDeliveryTimeout);
  EXPECT_EQ(event.cause, OutgoingStreamStopped::Cause::kDeliveryTimeout);
  EXPECT_EQ(pair.server.done<ResetStream>().at(0).code, kDeliveryTimeout);
  EXPECT_EQ(pair.server.session.published(subscription)->queued_bytes, 0u);
  EXPECT_EQ(pair.server.session.append_payload(stream, {}).error(), SessionError::kUnknownStream);
  unblock();
  EXPECT_EQ(pair.client.count<ObjectReceived>(), 1u);
  EXPECT_EQ(pair.client.only<SubgroupEnded>().reset_code, kDeliveryTimeout);
  // What comes now is young, and goes out.
  write(open(0), 3);
  EXPECT_EQ(pair.client.count<ObjectReceived>(), 2u);
}

TEST_F(DeliveryTimeoutOfAStream, SaysNothingOfAStreamThatNeverBegan) {
  subscribe(500);
  block();
  for (std::uint64_t group = 0; group < 8; ++group) write(open(group), 0);
  pair.advance(501ms);
  EXPECT_EQ(stopped(), 8u);
  unblock();
  EXPECT_EQ(pair.client.count<ObjectReceived>(), 0u) << "8 of 8 objects were stale";
  EXPECT_TRUE(pair.server.done<ResetStream>().empty());
}

TEST_F(DeliveryTimeoutOfAStream, LeavesAStreamAloneThatHasDeliveredEverything) {
  subscribe(500);
  const auto stream = open(0);
  write(stream, 0);
  pair.advance(1h);
  write(stream, 1);
  pair.advance(1h);
  EXPECT_EQ(stopped(), 0u);
  EXPECT_EQ(pair.client.count<ObjectReceived>(), 2u);
}

TEST_F(DeliveryTimeoutOfAStream, GivesWhatIsOnItsWayASecondMore) {
  subscribe(500);
  pair.server.acknowledge = false;
  const auto stream = open(0);
  write(stream, 0);
  pair.advance(1499ms);
  EXPECT_EQ(stopped(), 0u);
  pair.advance(1ms);
  EXPECT_EQ(pair.server.only<OutgoingStreamStopped>().code, kDeliveryTimeout);
}

TEST_F(DeliveryTimeoutOfAStream, EndsWhatWasFinishedAndNeverAcknowledged) {
  subscribe(500);
  pair.server.acknowledge = false;
  const auto stream = open(0);
  write(stream, 0);
  ASSERT_TRUE(pair.server.session.finish_stream(stream).ok());
  pair.run();
  pair.advance(1501ms);
  EXPECT_EQ(pair.server.done<ResetStream>().size(), 1u);
  EXPECT_EQ(stopped(), 0u) << "the application is done with it";
  EXPECT_EQ(pair.server.session.published(subscription)->outstanding_bytes, 0u);
}

TEST_F(DeliveryTimeoutOfAStream, IsThatOfThePublisherToo) {
  subscribe({}, 200);
  block();
  write(open(0), 0);
  pair.advance(201ms);
  EXPECT_EQ(stopped(), 1u);
}

TEST_F(DeliveryTimeoutOfAStream, CountsFromTheBeginningOfAnObject) {
  subscribe(500);
  const auto stream = open(0);
  const auto begin = base::SharedBytes::copy_of(base::ByteVector{0, 4, 'x'});
  ASSERT_TRUE(pair.server.session.append_object(stream, 0, begin, 1, 3).ok());
  pair.run();
  pair.advance(400ms);
  ASSERT_TRUE(pair.server.session.append_payload(stream, base::SharedBytes::copy_of(base::ByteVector{'y'})).ok());
  pair.run();
  pair.advance(101ms);
  EXPECT_EQ(stopped(), 1u);
}

TEST_F(DeliveryTimeoutOfAStream, DropsDatagramsThatWaitTooLong) {
  subscribe(500);
  block();
  const auto send = [&](std::uint64_t object) {
    // Object ID, priority, payload, as [d15 §10.3.1] writes them for type 0x00.
    const base::ByteVector after{static_cast<std::uint8_t>(object), 128, 'x'};
    const DatagramProperties properties{0x00, {0, object}, std::uint8_t{128}};
    base::ByteVector with_group{0};
    with_group.insert(with_group.end(), after.begin(), after.end());
    ASSERT_TRUE(
        pair.server.session.send_datagram(subscription, properties, base::SharedBytes::copy_of(with_group)).ok());
    pair.run();
  };
  send(1);
  pair.advance(400ms);
  send(2);
  pair.advance(101ms);
  EXPECT_EQ(pair.server.session.published(subscription)->datagrams_dropped, 1u);
  unblock();
  EXPECT_EQ(pair.client.only<DatagramReceived>().location.object, 2u);
}

TEST_F(DeliveryTimeoutOfAStream, BecomesShorterWithAnUpdate) {
  subscribe(60'000);
  block();
  write(open(0), 0);
  pair.advance(2s);
  MessageParameters shorter;
  shorter.set_delivery_timeout(1000);
  ASSERT_TRUE(pair.client.session.update(receiving, shorter).ok());
  pair.run();
  ASSERT_TRUE(pair.server.session.accept(pair.server.only<UpdateReceived>().update).ok());
  pair.run();
  EXPECT_EQ(stopped(), 1u);
}

TEST_F(DeliveryTimeoutOfAStream, MayBeAbsentZeroOrHuge) {
  for (const std::optional<std::uint64_t> timeout : {std::optional<std::uint64_t>{}, std::optional<std::uint64_t>{0},
                                                     std::optional<std::uint64_t>{(1ull << 62) - 1}}) {
    SCOPED_TRACE(timeout.value_or(1));
    SessionPair fresh;
    fresh.establish();
    MessageParameters wish;
    if (timeout) wish.set_delivery_timeout(*timeout);
    ASSERT_TRUE(fresh.client.session.subscribe(FullTrackName(TrackNamespace{"a"}, "t"), std::move(wish)).ok());
    fresh.run();
    const auto asked = fresh.server.only<SubscribeReceived>().request;
    ASSERT_TRUE(fresh.server.session.accept(asked).ok());
    fresh.server.session.set_send_window(0);
    const auto stream = *fresh.server.session.open_subgroup(asked, {});
    const auto object = base::SharedBytes::copy_of(base::ByteVector{0, 1, 'x'});
    ASSERT_TRUE(fresh.server.session.append_object(stream, 0, object, 1).ok());
    fresh.run();
    fresh.advance(std::chrono::hours(24 * 20));
    EXPECT_EQ(fresh.server.count<OutgoingStreamStopped>(), 0u);
    fresh.server.session.set_send_window(64 * 1024);
    fresh.run();
    EXPECT_EQ(fresh.client.count<ObjectReceived>(), 1u);
  }
}

TEST_F(DeliveryTimeoutOfAStream, LetsPublishDoneGo) {
  subscribe(500);
  block();
  const auto stream = open(0);
  write(stream, 0);
  ASSERT_TRUE(pair.server.session.finish_stream(stream).ok());
  ASSERT_TRUE(pair.server.session.publish_done(subscription, moqt::PublishDoneCode::kTrackEnded).ok());
  pair.run();
  EXPECT_EQ(pair.client.count<ms::SubscriptionDone>(), 0u);
  pair.advance(501ms);
  EXPECT_EQ(pair.client.count<ms::SubscriptionDone>(), 1u);
}

TEST_F(DeliveryTimeoutOfAStream, RetiredStreamsAreResetOnceAllOfThemIsAcknowledged) {
  subscribe({});
  pair.server.acknowledge = false;
  const auto stream = open(0);
  write(stream, 0);
  ASSERT_TRUE(pair.server.session.retire_stream(stream, moqt::StreamResetCode::kCancelled).ok());
  EXPECT_EQ(pair.server.session.finish_stream(stream).error(), SessionError::kUnknownStream);
  pair.advance(1h);
  EXPECT_TRUE(pair.server.done<ResetStream>().empty());
  for (const auto& send : pair.server.done<ms::SendStream>()) {
    pair.server.session.on_stream_bytes_sent(send.stream, send.slices.bytes());
  }
  pair.run();
  EXPECT_EQ(pair.server.done<ResetStream>().at(0).code, 0x1u);  // CANCELLED
  EXPECT_EQ(pair.client.count<ObjectReceived>(), 1u);
  EXPECT_FALSE(pair.client.only<SubgroupEnded>().finished);
}

}  // namespace
}  // namespace msquic_py::testing
