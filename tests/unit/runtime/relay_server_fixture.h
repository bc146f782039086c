#pragma once

// Endpoint, SessionDriver and RelayServer over real MsQuic on the loopback interface.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>

#include "quic/development_certificate.h"
#include "runtime/relay_server.h"

namespace msquic_py::runtime::testing {

using namespace std::chrono_literals;
namespace session = moqt::session;

/// Stops the loop when its time is over, so that a test fails instead of hanging.
class Deadline final : public EventLoop::Participant {
 public:
  explicit Deadline(EventLoop& loop) : loop_(loop), at_(EventLoop::Clock::now() + 20s) { loop_.add(*this); }
  ~Deadline() override { loop_.remove(*this); }
  std::optional<EventLoop::Time> turn(EventLoop::Time now) override {
    if (now < at_) return at_;
    passed = true;
    loop_.stop();
    return std::nullopt;
  }
  bool passed = false;

 private:
  EventLoop& loop_;
  EventLoop::Time at_;
};

/// A client that notes what happens to it.
class Client final : public SessionUser {
 public:
  bool on_events(SessionDriver& driver, EventLoop::Time) override {
    bool any = false;
    session::Event event;
    while (driver.session().poll_event(event)) {
      any = true;
      if (std::holds_alternative<session::Established>(event)) established = true;
      if (std::holds_alternative<session::GoawayReceived>(event)) goaway = true;
      if (const auto* over = std::get_if<session::Closed>(&event)) closed = *over;
      if (on_event) on_event(driver, event);
    }
    return any;
  }
  void on_finished(SessionDriver&, const transport::CloseReason& why) override {
    finished = true;
    reason = why;
    if (when_finished) when_finished();
  }

  bool established = false;
  bool goaway = false;
  bool finished = false;
  std::optional<session::Closed> closed;
  transport::CloseReason reason;
  std::function<void(SessionDriver&, session::Event&)> on_event;
  std::function<void()> when_finished;
};

class RelayServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("msquic-py-runtime-tests-" + std::to_string(std::random_device{}()));
    auto made = quic::DevelopmentCertificate::create(folder_);
    ASSERT_TRUE(made.ok()) << made.error().message;
    certificate_ = *made;
    ASSERT_TRUE(server_.open("server").ok());
    ASSERT_TRUE(clients_.open("clients").ok());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void listen(std::function<void(Endpoint::ListenOptions&)> change = {}) {
    Endpoint::ListenOptions options;
    options.host = "127.0.0.1";
    options.credentials =
        quic::Credentials::server(certificate_.certificate_file.string(), certificate_.private_key_file.string());
    if (change) change(options);
    const auto listening = server_.listen(std::move(options));
    ASSERT_TRUE(listening.ok()) << listening.error().message;
    ASSERT_NE(server_.port(), 0);
  }
  SessionDriver& dial(Client& client, std::function<void(Endpoint::DialOptions&)> change = {}) {
    Endpoint::DialOptions options;
    options.host = "127.0.0.1";
    options.port = server_.port();
    options.credentials = quic::Credentials::client_trusting(certificate_.certificate_file.string());
    if (change) change(options);
    auto dialled = clients_.dial(std::move(options), client);
    EXPECT_TRUE(dialled.ok());
    return **dialled;
  }
  /// Runs the loop until stop(); everything that a test waits for stops it.
  void run() {
    Deadline deadline(loop_);
    loop_.run();
    EXPECT_FALSE(deadline.passed) << "what the test waits for did not happen";
  }

  std::filesystem::path folder_;
  quic::DevelopmentCertificate certificate_;
  EventLoop loop_;
  RelayServer server_{loop_, {}};
  Endpoint clients_{loop_};
};

}  // namespace msquic_py::runtime::testing
