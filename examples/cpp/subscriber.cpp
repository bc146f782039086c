// Waits until somebody publishes live/demo, and prints the objects of its track "clock" until the track ends.
// usage: cpp-subscriber HOST PORT CA_FILE

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

namespace moqt = msquic_py::moqt;
namespace pubsub = msquic_py::moqt::pubsub;
namespace quic = msquic_py::quic;
namespace runtime = msquic_py::runtime;
namespace session = msquic_py::moqt::session;
namespace transport = msquic_py::transport;

/// Everything here runs on the loop's thread.
class Listener final : public runtime::SessionUser {
 public:
  explicit Listener(runtime::EventLoop& loop) : loop_(loop) {}
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

  bool on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time now) override {
    if (!endpoint_) endpoint_.emplace(driver.session());
    endpoint_->drain_session(now);
    bool any = false;
    pubsub::EndpointEvent event;
    while (endpoint_->poll_event(event)) {
      any = true;
      handle(driver, event);
    }
    return any;
  }

  void on_finished(runtime::SessionDriver&, const transport::CloseReason& reason) override {
    if (!left_ && failure_.empty()) failure_ = "the connection ended: " + reason.message;
    reader_.reset();
    endpoint_.reset();
    loop_.stop();
  }

 private:
  void handle(runtime::SessionDriver& driver, const pubsub::EndpointEvent& event) {
    if (std::holds_alternative<session::Established>(event)) {
      if (!driver.session().subscribe_namespace(live_)) fail(driver, "the namespace can't be asked for");
    } else if (const auto* published = std::get_if<session::NamespacePublished>(&event)) {
      (void)driver.session().accept(published->request);
      subscribe(driver, published->track_namespace);
    } else if (const auto* found = std::get_if<session::NamespaceFound>(&event)) {  // from draft 17 on
      subscribe(driver, found->track_namespace);
    } else if (std::holds_alternative<pubsub::ReaderEstablished>(event)) {
      std::cout << "subscribed" << std::endl;
    } else if (std::holds_alternative<pubsub::ReaderReadable>(event)) {
      print();
    } else if (std::holds_alternative<pubsub::ReaderEnded>(event)) {
      print();
      const pubsub::TrackEnd& end = *reader_->end();
      if (end.cause != pubsub::TrackEnd::Cause::kDone) return fail(driver, "no such track: " + end.reason);
      left_ = true;
      driver.close(moqt::SessionErrorCode::kNoError, "");
    } else if (const auto* refused = std::get_if<session::RequestRejected>(&event)) {
      fail(driver, "the server refused: " + refused->reason);
    }
  }

  void subscribe(runtime::SessionDriver& driver, const moqt::TrackNamespace& published) {
    if (reader_) return;
    auto reader = endpoint_->subscribe(moqt::FullTrackName(published, "clock"));
    if (!reader) return fail(driver, std::string(session::describe(reader.error())));
    reader_ = *reader;
  }

  void print() {
    pubsub::ReceivedObject object;  // its pieces are the ones that QUIC delivered, not copied until here
    while (reader_->read(object)) {
      if (object.status != moqt::ObjectStatus::kNormal) continue;
      std::string payload(object.payload_size, '\0');
      object.copy_payload(reinterpret_cast<std::uint8_t*>(payload.data()));
      std::cout << object.location.group << '/' << object.location.object << ' ' << payload << std::endl;
    }
  }

  void fail(runtime::SessionDriver& driver, std::string why) {
    failure_ = std::move(why);
    driver.close(moqt::SessionErrorCode::kInternalError, failure_);
  }

  runtime::EventLoop& loop_;
  const moqt::TrackNamespace live_{"live", "demo"};
  std::optional<pubsub::Endpoint> endpoint_;  // lives as long as the session
  std::shared_ptr<pubsub::TrackReader> reader_;
  bool left_ = false;
  std::string failure_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: cpp-subscriber HOST PORT CA_FILE\n";
    return 2;
  }
  runtime::EventLoop loop;
  Listener listener(loop);
  runtime::Endpoint endpoint(loop);
  runtime::Endpoint::DialOptions server;
  server.host = argv[1];
  server.port = static_cast<std::uint16_t>(std::strtoul(argv[2], nullptr, 10));
  server.credentials = quic::Credentials::client_trusting(argv[3]);
  server.session.session.path = "/moqt";
  server.session.session.authority = server.host + ":" + argv[2];
  auto opened = endpoint.open("cpp-subscriber");
  if (!opened) return std::cerr << opened.error().message << '\n', 1;
  if (auto dialled = endpoint.dial(std::move(server), listener); !dialled) {
    return std::cerr << dialled.error().message << '\n', 1;
  }
  loop.run();
  if (!listener.failure().empty()) return std::cerr << listener.failure() << '\n', 1;
}
