#include "moqt/pubsub/endpoint.h"

#include <gtest/gtest.h>

#include <string>

#include "harness/session_pair.h"

// Writers and readers over two sessions joined in memory.
namespace msquic_py::testing {
namespace {

using moqt::FullTrackName;
using moqt::Location;
using moqt::MessageParameters;
using moqt::ObjectStatus;
using moqt::TrackNamespace;
using namespace moqt::pubsub;  // NOLINT(google-build-using-namespace): the classes under test

const FullTrackName kTrack{TrackNamespace{"a"}, "t"};

base::SharedBytes bytes(std::string_view text) { return base::SharedBytes::copy_of(base::as_bytes(text)); }

/// The server publishes, the client subscribes.
class PubSub : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  void SetUp() override {
    pair.establish();
    run();
  }
  void run() {
    for (int i = 0; i < 1000; ++i) {
      bool any = pair.run();
      any |= feed(client, client_events);
      any |= feed(server, server_events);
      if (!any) return;
    }
    FAIL() << "the endpoints do not come to rest";
  }
  static bool feed(Endpoint& endpoint, std::vector<EndpointEvent>& events) {
    endpoint.drain_session();
    EndpointEvent event;
    bool any = false;
    while (endpoint.poll_event(event)) {
      events.push_back(event);
      any = true;
    }
    return any;
  }
  std::string text(const ReceivedObject& object) {
    std::string payload(object.payload_size, '\0');
    object.copy_payload(reinterpret_cast<std::uint8_t*>(payload.data()));
    return payload;
  }
  template <class T>
  std::size_t count(const std::vector<EndpointEvent>& events) {
    std::size_t found = 0;
    for (const auto& event : events) found += std::holds_alternative<T>(event) ? 1 : 0;
    return found;
  }

  SessionPair pair{GetParam(), {}, {}, /*collect_events=*/false};
  Endpoint client{pair.client.session};
  Endpoint server{pair.server.session};
  std::vector<EndpointEvent> client_events;
  std::vector<EndpointEvent> server_events;
};
INSTANTIATE_TEST_SUITE_P(Seeds, PubSub, ::testing::Range(1u, 6u));

// [d15 §9.2.1.12-2]
TEST_P(PubSub, ANewGroupRequestIsHeardWhenItsTrackComesLater) {
  SessionPair own{GetParam(), {}, {}, /*collect_events=*/false};
  own.establish();
  Endpoint subscriber{own.client.session};
  EndpointConfig patient;
  patient.reject_unknown_tracks = false;
  Endpoint publisher{own.server.session, patient};
  std::vector<EndpointEvent> subscriber_events;
  std::vector<EndpointEvent> publisher_events;
  const auto settle = [&] {
    for (bool any = true; any;) {
      any = own.run();
      any |= feed(subscriber, subscriber_events);
      any |= feed(publisher, publisher_events);
    }
  };
  MessageParameters wish;
  wish.set_new_group_request(7);
  ASSERT_TRUE(subscriber.subscribe(kTrack, std::move(wish)).ok());
  settle();
  const auto* asked = std::get_if<moqt::session::SubscribeReceived>(&publisher_events.back());
  ASSERT_NE(asked, nullptr);
  TrackOptions options;
  options.dynamic_groups = true;
  const auto request = asked->request;
  const auto writer = *publisher.add_track(kTrack, options);
  ASSERT_TRUE(publisher.accept_subscribe(request, writer).ok());
  settle();
  const auto* wanted = std::get_if<NewGroupRequested>(&publisher_events.back());
  ASSERT_NE(wanted, nullptr);
  EXPECT_EQ(wanted->group, 7u);
}

// [d15 §10.4.3-2]
TEST_P(PubSub, AGroupGoesOnAfterAPauseAndDoesNotPassForWhole) {
  const auto writer = *server.add_track(kTrack);
  const auto reader = *client.subscribe(kTrack);
  run();
  const auto group = *writer->begin_group(0);
  ASSERT_TRUE(group->write(bytes("a")).ok());
  run();
  for (const bool forward : {false, true}) {
    MessageParameters parameters;
    parameters.set_forward(forward);
    ASSERT_TRUE(reader->update(std::move(parameters)).ok());
    run();
    ASSERT_TRUE(group->write(bytes(forward ? "c" : "b")).ok());
  }
  ASSERT_TRUE(group->write(bytes("d")).ok());
  run();  // here a reset overtakes what is still on its way
  group->finish();
  run();
  std::string received;
  for (ReceivedObject object; reader->read(object);) received += object.implied ? "." : text(object);
  EXPECT_EQ(received, "acd");
}

TEST_P(PubSub, AGroupGoesOnAfterAnObjectThatWaitedTooLong) {
  TrackOptions options;
  options.delivery_timeout_ms = 500;
  const auto writer = *server.add_track(kTrack, options);
  const auto reader = *client.subscribe(kTrack);
  run();
  const auto group = *writer->begin_group(0);
  pair.server.session.set_send_window(0);
  ASSERT_TRUE(group->write(bytes("old")).ok());
  run();
  pair.advance(std::chrono::milliseconds(501));
  run();
  pair.server.session.set_send_window(64 * 1024);
  ASSERT_TRUE(group->write(bytes("young")).ok());
  run();
  group->finish();
  run();
  ReceivedObject object;
  ASSERT_TRUE(reader->read(object));
  EXPECT_EQ(text(object), "young");
  EXPECT_EQ(object.location, (Location{0, 1}));
  EXPECT_FALSE(reader->read(object)) << "an end of group that nobody has said";
}

// [d15 §2.2-1, §10.4.3-1]
TEST_P(PubSub, ObjectsTravelWithIdsExtensionsAndEnds) {
  const auto writer = server.add_track(kTrack);
  ASSERT_TRUE(writer.ok());
  const auto reader = client.subscribe(kTrack);
  ASSERT_TRUE(reader.ok());
  run();
  EXPECT_EQ((*reader)->state(), TrackReader::State::kEstablished);
  EXPECT_EQ((*writer)->subscribers(), 1u);

  const auto block = moqt::session::encode_extension_block(moqt::Draft::k15, {{2, std::uint64_t{1234}}});
  ASSERT_TRUE(block.ok());
  const auto group = (*writer)->begin_group(7);
  ASSERT_TRUE(group.ok());
  ASSERT_TRUE((*group)->write(bytes("one"), *block).ok());
  ASSERT_TRUE((*group)->begin_object(6).ok());
  ASSERT_TRUE((*group)->append(bytes("pie")).ok());
  ASSERT_TRUE((*group)->append(bytes("ces")).ok());
  (*group)->finish();
  EXPECT_FALSE((*group)->write(bytes("late")).ok());
  (*writer)->finish();
  run();

  ReceivedObject object;
  ASSERT_TRUE((*reader)->read(object));
  EXPECT_EQ(object.location, (Location{7, 0}));
  EXPECT_EQ(text(object), "one");
  const auto pairs = moqt::session::decode_extension_block(moqt::Draft::k15, object.extensions);
  ASSERT_TRUE(pairs.ok());
  EXPECT_EQ((*pairs)[0], (moqt::KeyValuePair{2, std::uint64_t{1234}}));
  ASSERT_TRUE((*reader)->read(object));
  EXPECT_EQ(text(object), "pieces");
  ASSERT_TRUE((*reader)->read(object));
  EXPECT_TRUE(object.implied);
  EXPECT_EQ(object.status, ObjectStatus::kEndOfGroup);
  EXPECT_EQ(object.location, (Location{7, 2}));
  EXPECT_FALSE((*reader)->read(object));
  ASSERT_TRUE((*reader)->end());
  EXPECT_EQ((*reader)->end()->cause, TrackEnd::Cause::kDone);
  EXPECT_EQ((*reader)->end()->code, static_cast<std::uint64_t>(moqt::PublishDoneCode::kTrackEnded));
}

TEST_P(PubSub, LateSubscribersStartWhereTheirFilterSays) {
  const auto writer = server.add_track(kTrack);
  const auto first = (*writer)->begin_group(0);
  ASSERT_TRUE((*first)->write(bytes("0.0")).ok());
  MessageParameters next_group;
  next_group.set_filter(moqt::SubscriptionFilter::next_group_start());
  const auto reader = client.subscribe(kTrack, next_group);
  run();
  ASSERT_TRUE((*first)->write(bytes("0.1")).ok());
  (*first)->finish();
  const auto second = (*writer)->begin_group(1);
  ASSERT_TRUE((*second)->write(bytes("1.0")).ok());
  run();
  ReceivedObject object;
  ASSERT_TRUE((*reader)->read(object));
  EXPECT_EQ(text(object), "1.0");
  (*reader)->cancel();
  run();
  EXPECT_EQ((*writer)->subscribers(), 0u);

  MessageParameters largest;
  largest.set_filter(moqt::SubscriptionFilter::largest_object());
  const auto joining = client.subscribe(kTrack, largest);
  run();
  ASSERT_TRUE((*second)->write(bytes("1.1")).ok());
  run();
  ASSERT_TRUE((*joining)->read(object));
  EXPECT_EQ(text(object), "1.1");
  EXPECT_EQ(object.location, (Location{1, 1}));
}

TEST_P(PubSub, UnknownTrackIsRefused) {
  const auto reader = client.subscribe(kTrack);
  run();
  ASSERT_TRUE((*reader)->end());
  EXPECT_EQ((*reader)->end()->cause, TrackEnd::Cause::kRejected);
  EXPECT_EQ((*reader)->end()->code, 0x10u);
  EXPECT_EQ(count<ReaderEnded>(client_events), 1u);
}

TEST_P(PubSub, PublishedTrackIsReadFromItsFirstObject) {
  const auto writer = server.add_track(kTrack);
  ASSERT_TRUE(server.publish(*writer).ok());
  const auto group = (*writer)->begin_group(0);
  ASSERT_TRUE((*group)->write(bytes("early")).ok());
  run();
  moqt::session::RequestHandle offered;
  for (const auto& event : client_events) {
    if (const auto* publish = std::get_if<moqt::session::PublishReceived>(&event)) offered = publish->request;
  }
  const auto reader = client.accept_publish(offered);
  ASSERT_TRUE(reader.ok());
  run();
  ReceivedObject object;
  ASSERT_TRUE((*reader)->read(object));
  EXPECT_EQ(text(object), "early");
}

// [d15 §10-2, §10.2.1-1]
TEST_P(PubSub, DatagramTracks) {
  const auto writer = server.add_track(kTrack);
  const auto reader = client.subscribe(kTrack);
  run();
  ASSERT_TRUE((*writer)->write_datagram({3, 1}, base::as_bytes("ping")).ok());
  EXPECT_FALSE((*writer)->begin_group(4).ok()) << "a track is one or the other";
  run();
  ReceivedObject object;
  ASSERT_TRUE((*reader)->read(object));
  EXPECT_TRUE(object.datagram);
  EXPECT_EQ(object.location, (Location{3, 1}));
  EXPECT_EQ(text(object), "ping");
}

TEST_P(PubSub, SlowSubscriberSkipsToTheNextGroup) {
  TrackOptions options;
  options.queue_limit = 1000;
  const auto writer = server.add_track(kTrack, options);
  const auto reader = client.subscribe(kTrack);
  run();
  pair.server.session.set_send_window(0);
  const auto first = (*writer)->begin_group(0);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE((*first)->write(bytes(std::string(500, 'x'))).ok());
  EXPECT_LE((*writer)->queued_bytes(), 2000u) << "the queue is bounded";
  (*first)->finish();
  EXPECT_EQ((*writer)->groups_skipped(), 1u);
  pair.server.session.set_send_window(1 << 20);
  const auto second = (*writer)->begin_group(1);
  ASSERT_TRUE((*second)->write(bytes("fresh")).ok());
  run();
  ReceivedObject object;
  std::string last;
  while ((*reader)->read(object)) last = text(object);
  EXPECT_EQ(last, "fresh");
}

}  // namespace
}  // namespace msquic_py::testing
