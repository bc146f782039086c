// Publishes the track live/demo "clock", three groups of one object, to whoever subscribes first.
// usage: cpp-publisher HOST PORT CA_FILE

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "moqt/pubsub/endpoint.h"
#include "runtime/endpoint.h"

namespace {

namespace base = msquic_py::base;
namespace moqt = msquic_py::moqt;
namespace pubsub = msquic_py::moqt::pubsub;
namespace quic = msquic_py::quic;
namespace runtime = msquic_py::runtime;
namespace session = msquic_py::moqt::session;
namespace transport = msquic_py::transport;

/// Everything here runs on the loop's thread.
class Clock final : public runtime::SessionUser {
 public:
  explicit Clock(runtime::EventLoop& loop) : loop_(loop) {}
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

  [[nodiscard]] std::optional<runtime::EventLoop::Time> next_deadline(const runtime::SessionDriver&) const override {
    return endpoint_ ? endpoint_->next_deadline() : std::nullopt;
  }

  bool on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time now) override {
    if (!endpoint_) endpoint_.emplace(driver.session());
    endpoint_->drain_session(now);
    bool any = false;
    pubsub::EndpointEvent event;
    while (endpoint_->poll_event(event)) {
      any = true;
      handle(driver, event);
    }
    // The subscriber was told that the track ended, and the peer's QUIC has everything: nothing is lost by leaving.
    if (track_ && track_->finished() && track_->ended() && driver.flushed() && !std::exchange(left_, true)) {
      driver.close(moqt::SessionErrorCode::kNoError, "");
    }
    return any;
  }

  void on_finished(runtime::SessionDriver&, const transport::CloseReason& reason) override {
    if (!left_ && failure_.empty()) failure_ = "the connection ended: " + reason.message;
    track_.reset();
    endpoint_.reset();
    loop_.stop();
  }

 private:
  void handle(runtime::SessionDriver& driver, const pubsub::EndpointEvent& event) {
    if (std::holds_alternative<session::Established>(event)) {
      const moqt::TrackNamespace live{"live", "demo"};
      auto track = endpoint_->add_track(moqt::FullTrackName(live, "clock"));
      if (track) track_ = *track;
      if (!track || !driver.session().publish_namespace(live)) fail(driver, "the track can't be published");
    } else if (const auto* changed = std::get_if<pubsub::WriterSubscribersChanged>(&event)) {
      if (changed->writer->wanted() && !track_->finished()) write(driver);
    } else if (const auto* refused = std::get_if<session::RequestRejected>(&event)) {
      fail(driver, "the server refused the namespace: " + refused->reason);
    }
  }

  void write(runtime::SessionDriver& driver) {
    for (int tick = 0; tick < 3; ++tick) {
      const std::string text = "tick " + std::to_string(tick);
      auto group = track_->begin_group(track_->next_group());
      if (!group || !(*group)->write(base::SharedBytes::copy_of(base::as_bytes(text)))) {
        return fail(driver, "an object can't be written");
      }
      (*group)->finish();
    }
    track_->finish();
  }

  void fail(runtime::SessionDriver& driver, std::string why) {
    failure_ = std::move(why);
    driver.close(moqt::SessionErrorCode::kInternalError, failure_);
  }

  runtime::EventLoop& loop_;
  std::optional<pubsub::Endpoint> endpoint_;  // lives as long as the session
  std::shared_ptr<pubsub::TrackWriter> track_;
  bool left_ = false;
  std::string failure_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: cpp-publisher HOST PORT CA_FILE\n";
    return 2;
  }
  runtime::EventLoop loop;
  Clock clock(loop);
  runtime::Endpoint endpoint(loop);
  runtime::Endpoint::DialOptions server;
  server.host = argv[1];
  server.port = static_cast<std::uint16_t>(std::strtoul(argv[2], nullptr, 10));
  server.credentials = quic::Credentials::client_trusting(argv[3]);
  server.session.session.path = "/moqt";
  server.session.session.authority = server.host + ":" + argv[2];
  auto opened = endpoint.open("cpp-publisher");
  if (!opened) return std::cerr << opened.error().message << '\n', 1;
  if (auto dialled = endpoint.dial(std::move(server), clock); !dialled) {
    return std::cerr << dialled.error().message << '\n', 1;
  }
  loop.run();
  if (!clock.failure().empty()) return std::cerr << clock.failure() << '\n', 1;
  std::cout << "published\n";
}
