// The relay between endpoints that speak different drafts: any publisher's tracks reach any subscriber.

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "harness/relay_network.h"
#include "moqt/session/data/object_encoding.h"

namespace msquic_py::relay {
namespace {

using namespace testing;
using moqt::Draft;
using Lines = std::vector<std::string>;

std::string text(const base::SharedBytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
base::SharedBytes bytes_of(std::string_view value) { return base::SharedBytes::copy_of(base::as_bytes(value)); }

/// Extension headers of every kind: small and large numbers, bytes, some that nobody knows, and immutable ones inside.
moqt::KeyValuePairs properties() {
  base::ByteVector inside{0x10, 0x05};  // type 0x10, 5: the same bytes in every draft, being the first pair
  return {{0x02, std::uint64_t{7}},
          {0x0b, inside},
          {0x40, std::uint64_t{1} << 40},
          {0x41, base::ByteVector{1, 2, 3}},
          {0x4000 - 2, std::uint64_t{300}}};
}

class DraftsTest : public ::testing::TestWithParam<std::tuple<Draft, Draft>> {
 protected:
  static Draft published() { return std::get<0>(GetParam()); }
  static Draft received() { return std::get<1>(GetParam()); }

  ms::RequestHandle subscribe(std::optional<moqt::SubscriptionFilter> filter = {}) {
    moqt::MessageParameters parameters;
    if (filter) parameters.set_filter(*filter);
    const auto request = viewer_.session().subscribe(track_name(), std::move(parameters));
    EXPECT_TRUE(request.ok());
    network_.run();
    return *request;
  }
  /// An object with all of properties(), as the publisher's draft writes it.
  void rich_object(ms::StreamHandle stream, std::uint64_t id, std::string_view payload) {
    const auto block = ms::encode_extension_block(published(), properties());
    ASSERT_TRUE(block.ok());
    base::SlabArena arena;
    const auto encoded = ms::encode_object(published(), arena, id, *block, payload.size());
    ASSERT_TRUE(encoded.ok());
    ms::Session& session = publisher_client_.session();
    ASSERT_TRUE(session.append_object(stream, id, encoded->wire, encoded->delta_size, payload.size()).ok());
    ASSERT_TRUE(session.append_payload(stream, bytes_of(payload)).ok());
    network_.run();
  }
  ms::StreamHandle open_with_extensions(std::uint64_t group) {
    ms::SubgroupProperties with;
    with.group = group;
    with.subgroup = 0;
    with.extensions = true;
    with.publisher_priority = 9;
    const auto stream = publisher_client_.session().open_subgroup(publisher_.subscription, with);
    EXPECT_TRUE(stream.ok());
    return *stream;
  }
  void expect_properties(const base::SharedBytes& block) {
    const auto pairs = ms::decode_extension_block(received(), block.view());
    ASSERT_TRUE(pairs.ok());
    EXPECT_EQ(*pairs, properties());
  }

  RelayNetwork network_;
  RelayClient& publisher_client_ = network_.connect_as(published());
  RelayClient& viewer_ = network_.connect_as(received());
  RelayClient& late_ = network_.connect_as(received());
  TestPublisher publisher_{network_, publisher_client_};
};

TEST_P(DraftsTest, ASubscriptionBringsObjectsAsTheyWerePublished) {
  publisher_.announce();
  subscribe();
  publisher_.accept();
  const auto stream = open_with_extensions(3);
  rich_object(stream, 0, "a");
  rich_object(stream, 5, std::string(300, 'b'));
  publisher_.finish(stream);
  const auto came = viewer_.all<ms::ObjectReceived>();
  ASSERT_EQ(came.size(), 2u);
  EXPECT_EQ(came[0].location, (moqt::Location{3, 0}));
  EXPECT_EQ(came[1].location, (moqt::Location{3, 5}));
  EXPECT_EQ(came[1].payload_length, 300u);
  for (const auto& object : came) {
    EXPECT_EQ(object.publisher_priority, 9);
    expect_properties(object.extensions());
  }
  EXPECT_EQ(objects(viewer_), (Lines{"3/0 a", "3/5 " + std::string(300, 'b')}));
  EXPECT_TRUE(viewer_.only<ms::SubgroupEnded>().finished);
  ASSERT_TRUE(
      publisher_client_.session().publish_done(publisher_.subscription, moqt::PublishDoneCode::kTrackEnded).ok());
  network_.run();
  EXPECT_EQ(viewer_.only<ms::SubscriptionDone>().code, static_cast<std::uint64_t>(moqt::PublishDoneCode::kTrackEnded));
}

TEST_P(DraftsTest, APayloadIsPassedOnAsItComes) {
  publisher_.announce();
  subscribe();
  publisher_.accept();
  const auto stream = publisher_.open(0);
  ms::Session& session = publisher_client_.session();
  ASSERT_TRUE(session.append_object(stream, 0, base::SharedBytes::copy_of(hex("00 04 6162")), 1, 2).ok());
  network_.run();
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 ab..."}));
  ASSERT_TRUE(session.append_payload(stream, bytes_of("cd")).ok());
  publisher_.finish(stream);
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 abcd"}));
}

TEST_P(DraftsTest, HeadersAreMadeOnceForAllWhoSpeakADraft) {
  publisher_.announce();
  subscribe();
  publisher_.accept();
  ASSERT_TRUE(late_.session().subscribe(track_name()).ok());
  network_.run();
  const auto stream = open_with_extensions(0);
  rich_object(stream, 0, "a");
  const auto header_of = [](const RelayClient& client) -> const std::uint8_t* {
    // What behind the header of the stream, and a delta of its own, comes by reference out of the store.
    const std::uint8_t* last = nullptr;
    for (const auto& sent : client.pair.server.done<ms::SendStream>()) {
      for (const auto& slice : sent.slices) {
        if (slice.size() > 8) last = slice.data();
      }
    }
    return last;
  };
  ASSERT_NE(header_of(viewer_), nullptr);
  EXPECT_EQ(header_of(viewer_), header_of(late_));
}

TEST_P(DraftsTest, TracksAreOfferedWithPublish) {
  ASSERT_TRUE(viewer_.session().subscribe_namespace(moqt::TrackNamespace{"live"}).ok());
  network_.run();
  const auto publication = publisher_client_.session().publish(track_name());
  ASSERT_TRUE(publication.ok());
  network_.run();
  const auto offer = viewer_.only<ms::PublishReceived>();
  EXPECT_EQ(offer.track, track_name());
  ASSERT_TRUE(viewer_.session().accept(offer.request).ok());
  network_.run();
  publisher_.subscription = *publication;
  publisher_.group(0, {"a", "b"});
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 a", "0/1 b"}));
}

TEST_P(DraftsTest, NamespacesAreToldOf) {
  const auto interest = viewer_.session().subscribe_namespace(moqt::TrackNamespace{"live"});
  ASSERT_TRUE(interest.ok());
  network_.run();
  const auto announced = publisher_.announce();
  const auto told = viewer_.count<ms::NamespacePublished>() + viewer_.count<ms::NamespaceFound>();
  EXPECT_EQ(told, 1u);
  ASSERT_TRUE(publisher_client_.session().cancel(announced).ok());
  network_.run();
  EXPECT_EQ(viewer_.count<ms::NamespaceDone>() + viewer_.count<ms::NamespaceLost>(), 1u);
}

TEST_P(DraftsTest, Datagrams) {
  publisher_.announce();
  subscribe();
  publisher_.accept();
  const auto block = ms::encode_extension_block(published(), properties());
  base::SlabArena arena;
  ms::DatagramFields fields;
  fields.location = {2, 70};
  fields.publisher_priority = 3;
  fields.extension_block = *block;
  const std::string payload = "datagram";
  fields.payload = base::as_bytes(payload);
  const auto encoded = ms::encode_datagram(published(), arena, fields);
  ASSERT_TRUE(encoded.ok());
  ASSERT_TRUE(publisher_client_.session()
                  .send_datagram(publisher_.subscription, encoded->properties, encoded->after_alias)
                  .ok());
  network_.run();
  const auto came = viewer_.only<ms::DatagramReceived>();
  EXPECT_EQ(came.location, (moqt::Location{2, 70}));
  EXPECT_EQ(came.publisher_priority, 3);
  EXPECT_EQ(text(came.payload()), payload);
  expect_properties(came.extensions());
}

TEST_P(DraftsTest, AFetchOutOfTheCache) {
  publisher_.announce();
  subscribe();
  publisher_.accept();
  const auto stream = open_with_extensions(0);
  rich_object(stream, 0, "a");
  rich_object(stream, 1, "b");
  publisher_.finish(stream);
  // Of what lies behind it nobody has said whether it exists, so only these two can come without asking the publisher.
  ASSERT_TRUE(late_.session().fetch(track_name(), {0, 0}, {0, 2}).ok());
  network_.run();
  const auto came = late_.all<ms::FetchObjectReceived>();
  ASSERT_EQ(came.size(), 2u);
  EXPECT_EQ(came[1].location, (moqt::Location{0, 1}));
  expect_properties(came[1].extensions);
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
}

TEST_P(DraftsTest, AFetchThatThePublisherAnswers) {
  publisher_.announce();
  ASSERT_TRUE(late_.session().fetch(track_name(), {0, 0}, {1, 1}).ok());
  network_.run();
  ms::Session& session = publisher_client_.session();
  const auto asked = publisher_client_.only<ms::FetchReceived>();
  ASSERT_TRUE(session.accept_fetch(asked.request, {false, {1, 1}}).ok());
  const auto stream = session.open_fetch(asked.request);
  ASSERT_TRUE(stream.ok());
  const auto block = ms::encode_extension_block(published(), properties());
  for (const moqt::Location at : {moqt::Location{0, 3}, moqt::Location{1, 0}}) {
    ms::FetchObject object;
    object.location = at;
    object.extensions = base::SharedBytes::copy_of(*block);
    object.payload = bytes_of("x");
    object.payload_length = 1;
    ASSERT_TRUE(session.append_fetch_object(*stream, object).ok());
  }
  ASSERT_TRUE(session.finish_stream(*stream).ok());
  network_.run();
  const auto came = late_.all<ms::FetchObjectReceived>();
  ASSERT_EQ(came.size(), 2u);
  EXPECT_EQ(came[0].location, (moqt::Location{0, 3}));
  expect_properties(came[1].extensions);
  EXPECT_TRUE(late_.only<ms::FetchEnded>().finished);
}

TEST_P(DraftsTest, AJoiningFetch) {
  publisher_.announce();
  subscribe();
  publisher_.accept();
  publisher_.group(0, {"a", "b"});
  const auto stream = publisher_.open(1);
  publisher_.object(stream, 0, "c");
  moqt::MessageParameters parameters;
  parameters.set_filter(moqt::SubscriptionFilter::largest_object());
  const auto subscription = late_.session().subscribe(track_name(), std::move(parameters));
  ASSERT_TRUE(late_.session().join(*subscription, ms::JoiningStart::relative(0)).ok());
  network_.run();
  publisher_.object(stream, 1, "d");
  EXPECT_EQ(late_.only<ms::FetchObjectReceived>().location, (moqt::Location{1, 0}));
  EXPECT_EQ(objects(late_), (Lines{"1/1 d"}));
}

// What the publisher says of its track is told in the words of the subscriber's draft.
TEST_P(DraftsTest, WhatIsSaidOfTheTrack) {
  publisher_.announce();
  subscribe();
  moqt::MessageParameters said;
  said.set_publisher_priority(7);
  said.set_dynamic_groups(true);
  said.set_max_cache_duration(90'000);
  said.set_track_delivery_timeout(1500);
  said.set_track_group_order(moqt::GroupOrder::kDescending);
  said.set_largest_object({4, 2});
  publisher_.accept(said);
  const auto heard = viewer_.only<ms::RequestAccepted>().parameters;
  EXPECT_EQ(heard.publisher_priority(), 7);
  EXPECT_EQ(heard.dynamic_groups(), true);
  EXPECT_EQ(heard.max_cache_duration(), 90'000u);
  EXPECT_EQ(heard.delivery_timeout(), 1500u);
  EXPECT_EQ(heard.group_order(), moqt::GroupOrder::kDescending);
  EXPECT_EQ(heard.largest_object(), (moqt::Location{4, 2}));
}

TEST_P(DraftsTest, TheEndOfAGroupIsPassedOn) {
  publisher_.announce();
  subscribe();
  publisher_.accept();
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  ASSERT_TRUE(publisher_client_.session()
                  .append_object(stream, 1, base::SharedBytes::copy_of(hex("00 00 03")), 1)
                  .ok());  // status 3: end of group
  publisher_.finish(stream);
  const auto came = viewer_.all<ms::ObjectReceived>();
  ASSERT_EQ(came.size(), 2u);
  EXPECT_EQ(came[1].status, moqt::ObjectStatus::kEndOfGroup);
}

INSTANTIATE_TEST_SUITE_P(EachWithEach, DraftsTest,
                         ::testing::Combine(::testing::ValuesIn(moqt::kSupportedDrafts),
                                            ::testing::ValuesIn(moqt::kSupportedDrafts)),
                         [](const auto& pair) {
                           return "Published" + std::to_string(static_cast<int>(std::get<0>(pair.param))) + "Received" +
                                  std::to_string(static_cast<int>(std::get<1>(pair.param)));
                         });

// ---- what is new with a draft ----

class NewerDraftsTest : public ::testing::Test {
 protected:
  RelayNetwork network_;
  RelayClient& publisher_client_ = network_.connect();
  RelayClient& viewer_ = network_.connect_as(Draft::k18);
  TestPublisher publisher_{network_, publisher_client_};

  ms::RequestHandle subscribe(std::uint64_t rendezvous) {
    moqt::MessageParameters parameters;
    parameters.set_rendezvous_timeout(rendezvous);
    const auto request = viewer_.session().subscribe(track_name(), std::move(parameters));
    EXPECT_TRUE(request.ok());
    network_.run();
    return *request;
  }
};

// Section 10.2.6 of draft-18.
TEST_F(NewerDraftsTest, ASubscribeWaitsForItsPublisherToAppear) {
  subscribe(5000);
  EXPECT_EQ(viewer_.count<ms::RequestRejected>(), 0u);
  const auto publication = publisher_client_.session().publish(track_name());
  network_.run();
  EXPECT_EQ(viewer_.count<ms::RequestAccepted>(), 1u);
  EXPECT_EQ(viewer_.count<ms::PublishReceived>(), 0u);
  publisher_.subscription = *publication;
  publisher_.group(0, {"a"});
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 a"}));
}

TEST_F(NewerDraftsTest, ASubscribeWaitsNoLongerThanItsTimeout) {
  subscribe(5000);
  network_.advance(std::chrono::milliseconds(4000));
  network_.relay.on_deadline(network_.now);
  network_.run();
  EXPECT_EQ(viewer_.count<ms::RequestRejected>(), 0u);
  network_.advance(std::chrono::milliseconds(1500));
  network_.relay.on_deadline(network_.now);
  network_.run();
  EXPECT_EQ(viewer_.only<ms::RequestRejected>().code, static_cast<std::uint64_t>(moqt::RequestErrorCode::kTimeout));
}

TEST_F(NewerDraftsTest, WithoutATimeoutNothingIsWaitedFor) {
  subscribe(0);
  EXPECT_EQ(viewer_.only<ms::RequestRejected>().code,
            static_cast<std::uint64_t>(moqt::RequestErrorCode::kDoesNotExist));
}

// Section 6.1 of draft-18: without the tracks that the subscriber publishes itself.
TEST_F(NewerDraftsTest, NobodyIsOfferedWhatItPublishes) {
  ASSERT_TRUE(viewer_.session().subscribe_namespace(moqt::TrackNamespace{"live"}).ok());
  network_.run();
  ASSERT_TRUE(viewer_.session().publish(track_name()).ok());
  network_.run();
  EXPECT_EQ(viewer_.count<ms::PublishReceived>(), 0u);
}

// What a draft has no words for is left out: objects that were said not to exist, from draft-16 on.
TEST_F(NewerDraftsTest, AnObjectThatDoesNotExistIsLeftOutWhereItHasNoStatus) {
  publisher_.announce();
  ASSERT_TRUE(viewer_.session().subscribe(track_name()).ok());
  network_.run();
  publisher_.accept();
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  ASSERT_TRUE(publisher_client_.session()
                  .append_object(stream, 1, base::SharedBytes::copy_of(hex("00 00 01")), 1)
                  .ok());  // status 1: does not exist
  network_.run();
  publisher_.object(stream, 2, "c");
  publisher_.finish(stream);
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 a", "0/2 c"}));
}

}  // namespace
}  // namespace msquic_py::relay
