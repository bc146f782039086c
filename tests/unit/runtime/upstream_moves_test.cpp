// An upstream that is leaving sends the relay behind it to another one: its subscriptions go on there.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "moqt/session/data/object_encoding.h"
#include "unit/runtime/relay_server_fixture.h"

namespace msquic_py::runtime::testing {
namespace {

using moqt::Draft;

constexpr std::uint64_t kPerGroup = 10;

/// A publisher of one track that writes an object every few milliseconds, to whoever subscribes, until it has written
/// `most`.
class SteadyPublisher final : public EventLoop::Participant {
 public:
  SteadyPublisher(EventLoop& loop, std::uint64_t most) : loop_(loop), most_(most) {
    client.on_event = [this](SessionDriver& driver, session::Event& event) { on_event(driver, event); };
    loop_.add(*this);
  }
  ~SteadyPublisher() override { loop_.remove(*this); }

  std::optional<EventLoop::Time> turn(EventLoop::Time now) override {
    if (driver_ == nullptr || !subscription_ || written_ == most_) return std::nullopt;
    if (now < due_) return due_;
    due_ = now + 4ms;
    write();
    driver_->make_ready();
    return due_;
  }

  Client client;
  std::function<void()> when_announced;

 private:
  void on_event(SessionDriver& driver, session::Event& event) {
    session::Session& mine = driver.session();
    if (std::holds_alternative<session::Established>(event)) (void)mine.publish_namespace({"live"});
    if (std::holds_alternative<session::RequestAccepted>(event) && when_announced) when_announced();
    // It keeps nothing: what relays have is all there is.
    if (const auto* asked = std::get_if<session::FetchReceived>(&event)) {
      ASSERT_TRUE(mine.reject(asked->request, moqt::RequestErrorCode::kNotSupported, "no FETCH").ok());
    }
    if (const auto* asked = std::get_if<session::SubscribeReceived>(&event)) {
      ASSERT_TRUE(mine.accept(asked->request).ok());
      driver_ = &driver;
      subscription_ = asked->request;
      loop_.ready(*this);
    }
  }

  void write() {
    session::Session& mine = driver_->session();
    const std::uint64_t object = written_ % kPerGroup;
    if (object == 0) {
      session::SubgroupProperties properties;
      properties.group = written_ / kPerGroup;
      const auto opened = mine.open_subgroup(*subscription_, properties);
      ASSERT_TRUE(opened.ok());
      stream_ = *opened;
    }
    const auto header = session::encode_object(mine.draft(), arena_, object, std::nullopt, 1);
    const std::uint8_t payload[] = {static_cast<std::uint8_t>(written_)};
    ASSERT_TRUE(mine.append_object(stream_, object, header->wire, header->delta_size, 1).ok());
    ASSERT_TRUE(mine.append_payload(stream_, base::SharedBytes::copy_of(payload)).ok());
    if (object + 1 == kPerGroup) (void)mine.finish_stream(stream_);
    if (++written_ == most_) (void)mine.publish_done(*subscription_, moqt::PublishDoneCode::kTrackEnded);
  }

  EventLoop& loop_;
  const std::uint64_t most_;
  base::SlabArena arena_;
  SessionDriver* driver_ = nullptr;
  std::optional<session::RequestHandle> subscription_;
  session::StreamHandle stream_;
  std::uint64_t written_ = 0;
  EventLoop::Time due_{};
};

class UpstreamMovesTest : public RelayServerTest, public ::testing::WithParamInterface<Draft> {
 protected:
  std::unique_ptr<RelayServer> start(const std::string& name) {
    auto relay = std::make_unique<RelayServer>(loop_, relay::RelayLimits{});
    EXPECT_TRUE(relay->open(name).ok());
    return relay;
  }
  void listen_at(RelayServer& relay) {
    Endpoint::ListenOptions options;
    options.host = "127.0.0.1";
    options.credentials =
        quic::Credentials::server(certificate_.certificate_file.string(), certificate_.private_key_file.string());
    const auto listening = relay.listen(std::move(options));
    ASSERT_TRUE(listening.ok()) << listening.error().message;
  }
  void put_behind(RelayServer& relay, const RelayServer& upstream) {
    UpstreamOptions options;
    options.dial.set_server({"127.0.0.1", upstream.port(), "/"});
    options.dial.credentials = quic::Credentials::client_trusting(certificate_.certificate_file.string());
    options.dial.drafts = {GetParam()};
    relay.add_upstream(std::move(options));
  }
  static std::string uri_of(const RelayServer& relay) {
    return "moqt://127.0.0.1:" + std::to_string(relay.port()) + "/";
  }
  void dial_at(const RelayServer& relay, Client& client) {
    dial(client, [&](auto& options) {
      options.port = relay.port();
      options.drafts = {GetParam()};
    });
  }
};

TEST_P(UpstreamMovesTest, WhatWasSubscribedGoesOnWhereItSendsUs) {
  const auto root = start("root");
  const auto leaves = start("leaves");
  const auto stays = start("stays");
  const auto edge = start("edge");
  listen_at(*root);
  put_behind(*leaves, *root);
  put_behind(*stays, *root);
  listen_at(*leaves);
  listen_at(*stays);
  put_behind(*edge, *leaves);
  listen_at(*edge);
  std::vector<std::string> reasons;
  edge->on_upstream([&](const UpstreamNotice& notice) {
    if (!notice.connected) reasons.push_back(notice.reason);
  });

  constexpr std::uint64_t kAllObjects = 250;
  SteadyPublisher publisher(loop_, kAllObjects);
  const moqt::FullTrackName track(moqt::TrackNamespace{"live"}, "video");
  Client above;  // keeps the track alive at the root meanwhile
  Client subscriber;
  publisher.when_announced = [&] { dial_at(*root, above); };
  above.on_event = [&](SessionDriver& driver, session::Event& event) {
    if (std::holds_alternative<session::Established>(event)) (void)driver.session().subscribe(track);
    if (std::holds_alternative<session::RequestAccepted>(event)) dial_at(*edge, subscriber);
  };
  std::vector<std::uint64_t> received;
  std::optional<std::uint64_t> done;
  bool drained = false;
  subscriber.on_event = [&](SessionDriver& driver, session::Event& event) {
    if (std::holds_alternative<session::Established>(event)) (void)driver.session().subscribe(track);
    if (const auto* object = std::get_if<session::ObjectReceived>(&event)) {
      received.push_back((object->location.group * kPerGroup) + object->location.object);
      if (received.size() == 55) leaves->drain(10s, uri_of(*stays), [&] { drained = true; });
    }
    if (const auto* end = std::get_if<session::SubscriptionDone>(&event)) {
      done = end->code;
      loop_.stop();
    }
  };
  dial_at(*root, publisher.client);
  run();

  EXPECT_EQ(done, static_cast<std::uint64_t>(moqt::PublishDoneCode::kTrackEnded));
  ASSERT_FALSE(received.empty());
  std::sort(received.begin(), received.end());  // groups travel beside each other
  for (std::size_t place = 0; place < received.size(); ++place) {
    ASSERT_EQ(received[place], received.front() + place) << "missing, or there twice";
  }
  EXPECT_EQ(received.back(), kAllObjects - 1);
  EXPECT_TRUE(drained) << "nobody has to be sent away by force";
  ASSERT_EQ(reasons.size(), 1u);
  EXPECT_EQ(reasons.front(), "it asked to be left (GOAWAY), for " + uri_of(*stays));
  EXPECT_GT(stays->counters().objects_delivered, 0u);
}

TEST_P(UpstreamMovesTest, WhereNobodyAnswersWeComeBackFrom) {
  const auto root = start("root");
  const auto edge = start("edge");
  listen_at(*root);
  put_behind(*edge, *root);
  std::vector<std::string> story;
  edge->on_upstream([&](const UpstreamNotice& notice) {
    story.push_back(notice.connected ? "connected" : notice.reason.starts_with("it asked") ? "asked to leave" : "lost");
    if (story.size() == 1) root->endpoint().goaway("moqt://127.0.0.1:1/");
    if (story.size() > 1 && notice.connected) loop_.stop();
  });
  run();
  EXPECT_EQ(story, (std::vector<std::string>{"connected", "asked to leave", "lost", "connected"}));
}

TEST_P(UpstreamMovesTest, WhatIsNoPlaceIsNotGoneTo) {
  const auto root = start("root");
  const auto edge = start("edge");
  listen_at(*root);
  put_behind(*edge, *root);
  std::vector<std::string> story;
  edge->on_upstream([&](const UpstreamNotice& notice) {
    story.push_back(notice.connected ? "connected" : notice.reason);
    if (story.size() == 1) root->endpoint().goaway("https://127.0.0.1/");
    if (story.size() > 1 && notice.connected) loop_.stop();
  });
  run();
  ASSERT_EQ(story.size(), 3u);
  EXPECT_NE(story[1].find("another scheme than moqt"), std::string::npos) << story[1];
  EXPECT_EQ(story[2], "connected");
}

INSTANTIATE_TEST_SUITE_P(InDraft, UpstreamMovesTest, ::testing::ValuesIn(moqt::kSupportedDrafts),
                         [](const auto& draft) { return std::to_string(static_cast<int>(draft.param)); });

}  // namespace
}  // namespace msquic_py::runtime::testing
