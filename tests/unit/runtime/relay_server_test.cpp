// Endpoint, SessionDriver and RelayServer over real MsQuic on the loopback interface.

#include "runtime/relay_server.h"

#include <string>
#include <variant>

#include "unit/runtime/relay_server_fixture.h"

namespace msquic_py::runtime::testing {
namespace {

TEST_F(RelayServerTest, EstablishesASessionAndClosesIt) {
  listen();
  Client client;
  client.on_event = [](SessionDriver& driver, session::Event& event) {
    if (std::holds_alternative<session::Established>(event)) driver.close(moqt::SessionErrorCode::kNoError, "done");
  };
  client.when_finished = [&] { loop_.stop(); };
  dial(client);
  run();
  EXPECT_TRUE(client.established);
  EXPECT_EQ(client.reason.cause, transport::CloseReason::Cause::LocalApplication);
  EXPECT_TRUE(clients_.idle());
}

TEST_F(RelayServerTest, RefusesACertificateThatNobodyVouchesFor) {
  listen();
  Client client;
  client.when_finished = [&] { loop_.stop(); };
  dial(client, [](auto& options) { options.credentials = quic::Credentials::client(); });
  run();
  EXPECT_FALSE(client.established);
  EXPECT_EQ(client.reason.cause, transport::CloseReason::Cause::Transport);
  EXPECT_FALSE(client.reason.message.empty());
}

TEST_F(RelayServerTest, SaysWhyNobodyAnswers) {
  Client client;
  client.when_finished = [&] { loop_.stop(); };
  dial(client, [](auto& options) {
    options.port = 1;  // nobody listens there
    options.session.handshake_timeout = 300ms;
  });
  run();
  EXPECT_FALSE(client.established);
  EXPECT_TRUE(client.finished);
}

TEST_F(RelayServerTest, RefusesMoreSessionsThanItsLimit) {
  listen([](auto& options) { options.max_sessions = 1; });
  Client first;
  Client second;
  first.on_event = [&](SessionDriver&, session::Event& event) {
    if (std::holds_alternative<session::Established>(event)) dial(second);
  };
  second.when_finished = [&] { loop_.stop(); };
  dial(first);
  run();
  EXPECT_TRUE(first.established);
  EXPECT_FALSE(first.finished);
  EXPECT_FALSE(second.established);
}

TEST_F(RelayServerTest, CarriesARequestBetweenTwoSessions) {
  listen();
  Client publisher;
  Client subscriber;
  const moqt::FullTrackName track(moqt::TrackNamespace{"live"}, "video");
  std::string received;
  publisher.on_event = [&](SessionDriver& driver, session::Event& event) {
    session::Session& mine = driver.session();
    if (std::holds_alternative<session::Established>(event)) (void)mine.publish_namespace({"live"});
    if (std::holds_alternative<session::RequestAccepted>(event)) dial(subscriber);
    if (const auto* asked = std::get_if<session::SubscribeReceived>(&event)) {
      ASSERT_TRUE(mine.accept(asked->request).ok());
      const auto stream = mine.open_subgroup(asked->request, {});
      ASSERT_TRUE(stream.ok());
      const std::uint8_t object[] = {0, 2, 'h', 'i'};  // Object ID Delta 0, length 2
      ASSERT_TRUE(mine.append_object(*stream, 0, base::SharedBytes::copy_of(object), 1).ok());
      ASSERT_TRUE(mine.finish_stream(*stream).ok());
    }
  };
  subscriber.on_event = [&](SessionDriver& driver, session::Event& event) {
    if (std::holds_alternative<session::Established>(event)) (void)driver.session().subscribe(track);
    if (const auto* object = std::get_if<session::ObjectReceived>(&event)) {
      const auto payload = object->payload();
      received.assign(reinterpret_cast<const char*>(payload.data()), payload.size());
      loop_.stop();
    }
  };
  dial(publisher);
  run();
  EXPECT_EQ(received, "hi");
  EXPECT_EQ(server_.counters().objects_delivered, 1u);
}

TEST_F(RelayServerTest, DrainsWithGoaway) {
  listen();
  Client client;
  client.on_event = [&](SessionDriver& driver, session::Event& event) {
    if (std::holds_alternative<session::Established>(event)) server_.drain(10s, {}, [&] { loop_.stop(); });
    if (std::holds_alternative<session::GoawayReceived>(event)) driver.close(moqt::SessionErrorCode::kNoError, "");
  };
  dial(client);
  const auto begin = EventLoop::Clock::now();
  run();
  EXPECT_TRUE(client.goaway);
  EXPECT_LT(EventLoop::Clock::now() - begin, 9s);
}

// [d15 §3.5-1]
TEST_F(RelayServerTest, ClosesWhoDoesNotLeaveInTime) {
  listen();
  Client client;
  client.on_event = [&](SessionDriver&, session::Event& event) {
    if (std::holds_alternative<session::Established>(event)) server_.drain(200ms, {}, [] {});
  };
  client.when_finished = [&] { loop_.stop(); };
  dial(client);
  run();
  ASSERT_TRUE(client.closed.has_value());
  EXPECT_EQ(client.closed->code, 0x10u);  // GOAWAY_TIMEOUT
  EXPECT_TRUE(client.closed->by_peer);
}

TEST_F(RelayServerTest, ForgetsAClientThatWasDestroyedWithoutAWord) {
  listen();
  Client client;
  client.on_event = [&](SessionDriver&, session::Event& event) {
    if (std::holds_alternative<session::Established>(event)) loop_.stop();
  };
  {
    Endpoint short_lived(loop_);
    ASSERT_TRUE(short_lived.open("short-lived").ok());
    Endpoint::DialOptions options;
    options.host = "127.0.0.1";
    options.port = server_.port();
    options.credentials.no_certificate_validation = true;
    ASSERT_TRUE(short_lived.dial(std::move(options), client).ok());
    run();
    EXPECT_EQ(server_.counters().sessions, 1u);
  }
  server_.drain(5s, {}, [&] { loop_.stop(); });
  run();
  EXPECT_EQ(server_.counters().sessions, 0u);
}

TEST_F(RelayServerTest, RefusesToListenOnWhatIsNoAddress) {
  Endpoint::ListenOptions options;
  options.host = "nowhere.invalid";
  options.credentials =
      quic::Credentials::server(certificate_.certificate_file.string(), certificate_.private_key_file.string());
  const auto listening = server_.listen(std::move(options));
  ASSERT_FALSE(listening.ok());
  EXPECT_NE(listening.error().message.find("nowhere.invalid"), std::string::npos);
}

}  // namespace
}  // namespace msquic_py::runtime::testing
