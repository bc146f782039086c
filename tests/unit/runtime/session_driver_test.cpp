#include "runtime/session_driver.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "base/ledger/ledger.h"

namespace msquic_py::runtime {
namespace {

/// A connection that does nothing but remember how it was closed.
class QuietConnection final : public transport::Connection {
 public:
  explicit QuietConnection(std::optional<std::uint64_t>& closed_with) : closed_with_(closed_with) {}
  [[nodiscard]] bool is_server() const noexcept override { return true; }
  transport::Result<transport::StreamHandle> open_stream(transport::Direction, transport::StreamKey) noexcept override {
    return base::Failure{transport::TransportError::ConnectionClosing};
  }
  transport::Result<void> send_datagram(std::span<const base::SharedBytes>, std::uint64_t) noexcept override {
    return base::Failure{transport::TransportError::ConnectionClosing};
  }
  [[nodiscard]] std::size_t max_datagram_size() const noexcept override { return 0; }
  [[nodiscard]] std::size_t longest_reason() const noexcept override { return 512; }
  void close(std::uint64_t code, std::string_view) noexcept override {
    if (!closed_with_) closed_with_ = code;
  }

 private:
  std::optional<std::uint64_t>& closed_with_;
};

class User final : public SessionUser {
 public:
  bool on_events(SessionDriver&, EventLoop::Time) override {
    ++turns;
    return false;
  }
  void on_finished(SessionDriver&, const transport::CloseReason&) override { finished = true; }
  int turns = 0;
  bool finished = false;
};

class SessionDriverTest : public ::testing::Test {
 protected:
  SessionDriverTest() : inbox_(std::make_shared<TransportInbox>(loop_, base::Ledger().open_connection())) {
    driver_.emplace(loop_, inbox_, std::make_unique<QuietConnection>(closed_with_), SessionDriver::Options{}, user_,
                    [](SessionDriver&, const transport::CloseReason&) {});
  }
  void connect(const char* protocol) {
    transport::Capabilities agreed;
    agreed.protocol = protocol;
    inbox_->on_connected(agreed);
  }
  void turn() { (void)driver_->turn(EventLoop::Clock::now()); }

  EventLoop loop_;
  std::shared_ptr<TransportInbox> inbox_;
  std::optional<std::uint64_t> closed_with_;
  User user_;
  std::optional<SessionDriver> driver_;
};

// [d15 §3.1]: the draft is what the handshake has agreed on; before that there is none.
TEST_F(SessionDriverTest, TheSessionIsMadeOfTheNegotiatedProtocol) {
  inbox_->on_datagram_size(1100);
  turn();
  EXPECT_FALSE(driver_->has_session());
  EXPECT_EQ(user_.turns, 0);

  connect("moqt-15");
  turn();
  ASSERT_TRUE(driver_->has_session());
  EXPECT_EQ(driver_->session().draft(), moqt::Draft::k15);
  EXPECT_EQ(driver_->session().state(), moqt::session::SessionState::kSettingUp);
  EXPECT_EQ(driver_->session().max_datagram_size(), 1100u);  // told before there was a session
  EXPECT_GT(user_.turns, 0);
  EXPECT_FALSE(closed_with_);
}

TEST_F(SessionDriverTest, AProtocolThatIsNoDraftGetsNoSession) {
  connect("moqt-99");
  turn();
  EXPECT_FALSE(driver_->has_session());
  EXPECT_EQ(closed_with_, 0x15u);  // VERSION_NEGOTIATION_FAILED [d15 §3.4]
  inbox_->on_closed({});
  turn();
  EXPECT_TRUE(user_.finished);
  EXPECT_EQ(user_.turns, 0);
}

TEST_F(SessionDriverTest, ClosedInTheMiddleOfTheHandshake) {
  driver_->close(moqt::SessionErrorCode::kNoError, "no longer wanted");
  EXPECT_EQ(closed_with_, 0u);
  inbox_->on_closed({});
  turn();
  EXPECT_TRUE(user_.finished);
  EXPECT_EQ(user_.turns, 0);
}

}  // namespace
}  // namespace msquic_py::runtime
