// What the relay does when a limit of its own is reached: it says so, or goes on later; nothing vanishes.

#include <gtest/gtest.h>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;

constexpr std::uint64_t kInternalError = 0x0;

ms::SessionConfig streams_at_most(std::size_t count) {
  ms::SessionConfig config;
  config.limits.max_outgoing_streams = count;
  return config;
}

/// Two publishers of one track each, and a subscriber of both for whom the relay may have four streams open.
class StreamLimitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::pair<TestPublisher*, RelayClient*> publishers[] = {{&hog_, &hog_client_}, {&other_, &other_client_}};
    for (const auto& [publisher, client] : publishers) {
      const auto name = client == &hog_client_ ? track_name("hog") : track_name("other");
      publisher->announce({"live", "demo"});
      ASSERT_TRUE(subscriber_.session().subscribe(name).ok());
      network_.run();
      for (const auto& asked : client->all<ms::SubscribeReceived>()) {
        if (asked.track != name) continue;
        publisher->subscription = asked.request;
        ASSERT_TRUE(client->session().accept(asked.request).ok());
      }
      network_.run();
    }
    subscriber_.pair.clear_events();
  }
  std::vector<ms::SubgroupEnded> resets() const {
    std::vector<ms::SubgroupEnded> found;
    for (const auto& end : subscriber_.all<ms::SubgroupEnded>()) {
      if (!end.finished) found.push_back(end);
    }
    return found;
  }

  RelayNetwork network_;
  RelayClient& hog_client_ = network_.connect();
  RelayClient& other_client_ = network_.connect();
  RelayClient& subscriber_ = network_.connect({}, streams_at_most(4));
  TestPublisher hog_{network_, hog_client_};
  TestPublisher other_{network_, other_client_};
};

// [d15 §12.1-1]
TEST_F(StreamLimitTest, OpenSubgroupsOfOneTrackDoNotSilenceAnother) {
  std::vector<ms::StreamHandle> open;
  for (std::uint64_t subgroup = 0; subgroup < 4; ++subgroup) {
    open.push_back(hog_.open(0, subgroup));
    hog_.object(open.back(), subgroup, "h");
  }
  for (std::uint64_t group = 0; group < 10; ++group) other_.group(group, {"a", "b"});
  const auto received = objects(subscriber_);
  EXPECT_EQ(received.size(), 24u);
  EXPECT_EQ(received.back(), "9/1 b");
  // One stream of the hog had to make room, the one written to least recently; its subscriber was told.
  ASSERT_EQ(resets().size(), 1u);
  EXPECT_EQ(resets()[0].reset_code, kInternalError);
  EXPECT_EQ(resets()[0].stream, subscriber_.all<ms::SubgroupOpened>()[0].stream);
  // What was cancelled does not come back, object by object, on new streams; the others go on.
  const auto opened = subscriber_.count<ms::SubgroupOpened>();
  for (std::uint64_t subgroup = 0; subgroup < 4; ++subgroup) hog_.object(open[subgroup], 10 + subgroup, "more");
  EXPECT_EQ(subscriber_.count<ms::SubgroupOpened>(), opened);
  EXPECT_EQ(objects(subscriber_).size(), 27u);
}

TEST_F(StreamLimitTest, ASubgroupLessUrgentThanAllIsResetBeforeItBegins) {
  for (std::uint64_t subgroup = 0; subgroup < 4; ++subgroup) hog_.object(hog_.open(0, subgroup), subgroup, "h");
  ms::SubgroupProperties background;
  background.publisher_priority = 200;
  const auto stream = other_client_.session().open_subgroup(other_.subscription, background);
  ASSERT_TRUE(stream.ok());
  other_.object(*stream, 0, "a");
  other_.object(*stream, 1, "b");
  EXPECT_EQ(objects(subscriber_).size(), 4u);
  // The subscriber sees a stream that is reset, once, and no other stream suffers.
  EXPECT_TRUE(resets().empty());
  const auto sent = subscriber_.pair.server.done<ms::ResetStream>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].code, kInternalError);
  EXPECT_EQ(subscriber_.pair.server.done<ms::OpenStream>().back().stream, sent[0].stream);
}

// [d15 §12.1-1]
TEST_F(StreamLimitTest, TheLeastUrgentStreamMakesRoom) {
  std::vector<std::uint8_t> priorities{10, 250, 128, 20};
  for (std::size_t subgroup = 0; subgroup < priorities.size(); ++subgroup) {
    ms::SubgroupProperties properties;
    properties.subgroup = subgroup;
    properties.publisher_priority = priorities[subgroup];
    const auto stream = hog_client_.session().open_subgroup(hog_.subscription, properties);
    ASSERT_TRUE(stream.ok());
    hog_.object(*stream, subgroup, "h");
  }
  other_.group(0, {"a"});
  ASSERT_EQ(resets().size(), 1u);
  EXPECT_EQ(resets()[0].stream, subscriber_.all<ms::SubgroupOpened>()[1].stream);  // priority 250
  EXPECT_EQ(objects(subscriber_).back(), "0/0 a");
}

/// A listener that grants little credit at first.
class CreditTest : public ::testing::Test {
 protected:
  void listen(moqt::TrackNamespace prefix) {
    ASSERT_TRUE(listener_.session().subscribe_namespace(std::move(prefix)).ok());
    network_.run();
  }
  /// Answers whatever came, which gives the relay its credit back, until nothing comes any more.
  void answer_all() {
    for (std::size_t answered = 0;;) {
      const auto namespaces = listener_.all<ms::NamespacePublished>();
      const auto tracks = listener_.all<ms::PublishReceived>();
      if (answered == namespaces.size() + tracks.size()) return;
      answered = namespaces.size() + tracks.size();
      // Refused: only then does the request end, and the credit return.
      for (const auto& each : namespaces) {
        (void)listener_.session().reject(each.request, moqt::RequestErrorCode::kUninterested);
      }
      for (const auto& each : tracks) {
        (void)listener_.session().reject(each.request, moqt::RequestErrorCode::kUninterested);
      }
      network_.run();
    }
  }
  static ms::SessionConfig with_credit(std::uint64_t requests) {
    ms::SessionConfig config;
    config.limits.max_open_requests = requests;
    return config;
  }
  static ms::SessionConfig with_many_namespaces() {
    ms::SessionConfig config;
    config.limits.max_published_namespaces = 10'000;
    config.limits.max_open_requests = 10'000;
    return config;
  }

  RelayNetwork network_;
  RelayClient& publisher_ = network_.connect({}, with_many_namespaces());
  RelayClient& listener_ = network_.connect(with_credit(50));
};

// [d15 §6.2-1]
TEST_F(CreditTest, EveryNamespaceIsAnnouncedOnceThereIsCredit) {
  listen({"live"});
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(publisher_.session().publish_namespace({"live", std::to_string(i)}).ok());
  network_.run();
  for (int i = 600; i < 1300; ++i)
    ASSERT_TRUE(publisher_.session().publish_namespace({"live", std::to_string(i)}).ok());
  network_.run();
  EXPECT_EQ(listener_.count<ms::NamespacePublished>(), 50u);
  network_.advance(std::chrono::minutes(5));
  answer_all();
  EXPECT_EQ(listener_.count<ms::NamespacePublished>(), 1300u);
  std::set<std::string> names;
  for (const auto& each : listener_.all<ms::NamespacePublished>()) {
    const auto field = each.track_namespace.fields()[1];
    names.insert(std::string(field.begin(), field.end()));
  }
  EXPECT_EQ(names.size(), 1300u) << "one was announced twice";
}

TEST_F(CreditTest, ALateListenerHearsOfEveryNamespace) {
  for (int i = 0; i < 1300; ++i) ASSERT_TRUE(publisher_.session().publish_namespace({"live", std::to_string(i)}).ok());
  network_.run();
  listen({"live"});
  answer_all();
  EXPECT_EQ(listener_.count<ms::NamespacePublished>(), 1300u);
}

TEST_F(CreditTest, WhatWasWithdrawnMeanwhileIsNotAnnounced) {
  listen({"live"});
  std::vector<ms::RequestHandle> published;
  for (int i = 0; i < 1300; ++i) {
    published.push_back(*publisher_.session().publish_namespace({"live", std::to_string(i)}));
  }
  network_.run();
  for (int i = 40; i < 1290; ++i) ASSERT_TRUE(publisher_.session().cancel(published[static_cast<std::size_t>(i)]).ok());
  network_.run();
  answer_all();
  EXPECT_EQ(listener_.count<ms::NamespacePublished>(), 60u);  // 50 had been sent, 10 of which were taken back
}

// [d15 §8.5-7]
TEST_F(CreditTest, EveryPublishedTrackIsOfferedOnceThereIsCredit) {
  listen({"live"});
  for (int i = 0; i < 1300; ++i) ASSERT_TRUE(publisher_.session().publish(track_name(std::to_string(i))).ok());
  network_.run();
  EXPECT_EQ(listener_.count<ms::PublishReceived>(), 50u);
  network_.advance(std::chrono::seconds(30));
  answer_all();
  EXPECT_EQ(listener_.count<ms::PublishReceived>(), 1300u);
}

TEST_F(CreditTest, ASubscribeBeyondWhatMayWaitIsRefusedWithTheReason) {
  ms::SessionConfig few;
  few.limits.max_waiting_requests = 1;
  RelayClient& mute = network_.connect(with_credit(0), few);
  TestPublisher(network_, mute).announce({"mute"});
  const moqt::TrackNamespace name{"mute"};
  ASSERT_TRUE(publisher_.session().subscribe({name, "first"}).ok());
  ASSERT_TRUE(publisher_.session().subscribe({name, "second"}).ok());
  ASSERT_TRUE(publisher_.session().track_status({name, "third"}).ok());
  network_.run();
  const auto refused = publisher_.all<ms::RequestRejected>();
  ASSERT_EQ(refused.size(), 2u);
  for (const auto& each : refused) {
    EXPECT_EQ(each.code, kInternalError);
    EXPECT_EQ(each.reason, "too many requests wait for the publisher's credit");
  }
}

// [d15 §6.1-3, §5.1-5]
TEST_F(CreditTest, WhatWaitsForCreditIsNotOfferedToWhoNoLongerListens) {
  const auto interest = listener_.session().subscribe_namespace({"live"});
  ASSERT_TRUE(interest.ok());
  network_.run();
  for (int i = 0; i < 80; ++i) ASSERT_TRUE(publisher_.session().publish(track_name(std::to_string(i))).ok());
  network_.run();
  ASSERT_EQ(listener_.count<ms::PublishReceived>(), 50u);
  ASSERT_TRUE(listener_.session().cancel(*interest).ok());
  network_.run();
  answer_all();
  EXPECT_EQ(listener_.count<ms::PublishReceived>(), 50u);
}

// ---- memory ----

RelayLimits no_memory() {
  RelayLimits limits;
  limits.memory.process = 1;
  return limits;
}

TEST(RelayMemoryTest, RefusesRequestsWhenNothingIsLeft) {
  RelayNetwork network(no_memory());
  ms::SessionConfig counted;
  counted.account = network.relay.ledger().open_session();
  RelayClient& client = network.connect({}, counted);
  ASSERT_GT(network.relay.counters().memory_sessions_bytes, 1u);  // it has sent SERVER_SETUP
  ASSERT_TRUE(client.session().subscribe(track_name()).ok());
  ASSERT_TRUE(client.session().publish(track_name("mine")).ok());
  ASSERT_TRUE(client.session().publish_namespace({"live"}).ok());
  ASSERT_TRUE(client.session().subscribe_namespace({"live"}).ok());
  ASSERT_TRUE(client.session().fetch(track_name(), {0, 0}, {1, 0}).ok());
  ASSERT_TRUE(client.session().track_status(track_name()).ok());
  network.run();
  const auto refused = client.all<ms::RequestRejected>();
  ASSERT_EQ(refused.size(), 6u);
  for (const auto& each : refused) EXPECT_EQ(each.code, kInternalError);
  EXPECT_EQ(network.relay.counters().tracks, 0u);
  EXPECT_EQ(client.count<ms::Closed>(), 0u);
}

TEST(RelayMemoryTest, RefusesTracksWhenNothingIsLeft) {
  RelayNetwork network(no_memory());
  RelayClient& client = network.connect();  // its session is charged to nobody
  const auto held = network.relay.ledger().open_session();
  const base::Charge charge(held, 1);
  ASSERT_TRUE(client.session().publish(track_name()).ok());
  network.run();
  EXPECT_EQ(client.only<ms::RequestRejected>().code, kInternalError);
  EXPECT_EQ(network.relay.counters().memory_refusals, 1u);
}

TEST(RelayMemoryTest, ARequestIsChargedWithWhatItSays) {
  RelayNetwork network;
  ms::SessionConfig counted;
  counted.account = network.relay.ledger().open_session();
  RelayClient& client = network.connect({}, counted);
  const auto before = network.relay.counters().memory_sessions_bytes;
  moqt::MessageParameters parameters;
  moqt::AuthorizationToken token;
  token.value = base::ByteVector(4000, 't');
  parameters.add_authorization_token(token);
  const auto request = client.session().subscribe_namespace({"live"}, std::move(parameters));
  ASSERT_TRUE(request.ok());
  network.run();
  EXPECT_GE(network.relay.counters().memory_sessions_bytes, before + 4000);
  ASSERT_TRUE(client.session().cancel(*request).ok());
  network.run();
  EXPECT_LT(network.relay.counters().memory_sessions_bytes, before + 4000);
}

TEST(RelayMemoryTest, DropsTheOldestGroupsWhenTheProcessHoldsTooMuch) {
  RelayLimits limits;
  limits.memory.process = 100'000;
  limits.memory.tracks = 20'000;
  RelayNetwork network(limits);
  RelayClient& client = network.connect();
  TestPublisher publisher(network, client);
  const auto request = client.session().publish(track_name());
  ASSERT_TRUE(request.ok());
  network.run();
  publisher.subscription = *request;
  for (std::uint64_t group = 0; group < 100; ++group) publisher.group(group, {std::string(60, 'x')});
  network.relay.on_deadline(network.now);
  EXPECT_LE(network.relay.counters().cached_bytes, 20'000u);
  EXPECT_GT(network.relay.counters().cached_bytes, 5'000u);
  EXPECT_GT(network.relay.counters().groups_evicted, 0u);
}

}  // namespace
}  // namespace msquic_py::relay
