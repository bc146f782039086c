#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <random>
#include <thread>
#include <utility>

#include "quic/carrier.h"
#include "quic/development_certificate.h"
#include "quic/library.h"
#include "quic/listener.h"
#include "unit/transport/carrier.h"

namespace msquic_py::transport::testing {
namespace {

using namespace std::chrono_literals;
constexpr auto kDeadline = 20s;

/// The certificate of all tests of the process.
const quic::DevelopmentCertificate& certificate() {
  struct Folder {
    Folder() {
      auto created = quic::DevelopmentCertificate::create(path);
      if (created) made = *created;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path = std::filesystem::temp_directory_path() /
                                 ("msquic-py-transport-tests-" + std::to_string(std::random_device{}()));
    quic::DevelopmentCertificate made;
  };
  static const Folder folder;
  return folder.made;
}

/// Accepts one connection as a carrier.
class Acceptor final : public quic::ListenerHandler {
 public:
  Acceptor(quic::Configuration configuration, std::shared_ptr<Recorder> recorder)
      : configuration_(std::move(configuration)), events_(std::make_shared<quic::CarrierEvents>(std::move(recorder))) {}

  std::optional<quic::AcceptedConnection> on_new_connection(const quic::NewConnection& incoming) noexcept override {
    const std::lock_guard lock(mutex_);
    connection_ = std::make_unique<quic::CarriedConnection>(incoming.connection, *events_);
    return quic::AcceptedConnection{events_, configuration_};
  }
  ConnectionHandle take() {
    const std::lock_guard lock(mutex_);
    return std::move(connection_);
  }
  /// Lets go of what MsQuic counts as alive.
  void clear() {
    const std::lock_guard lock(mutex_);
    connection_.reset();
    configuration_ = {};
    events_.reset();
  }

 private:
  std::mutex mutex_;
  quic::Configuration configuration_;
  std::shared_ptr<quic::CarrierEvents> events_;
  ConnectionHandle connection_;
};

class QuicCarrier final : public Carrier {
 public:
  ~QuicCarrier() override {
    acceptor_->clear();
    listener_ = {};
    registration_ = {};
    EXPECT_TRUE(quic::Library::wait_until_idle(kDeadline)) << "something of MsQuic is left";
  }

  Ends connect(const ServerAdmits& admits) override {
    Ends ends;
    ends.at_client = std::make_shared<Recorder>();
    ends.at_server = std::make_shared<Recorder>();
    registration_ = std::move(quic::Registration::open("transport-tests").value());
    quic::Settings settings;
    settings.peer_unidi_stream_count = 100;
    settings.peer_bidi_stream_count = 100;
    settings.datagram_receive_enabled = true;
    settings.send_buffering_enabled = false;
    const std::vector<std::string> alpns{"moqt-15"};
    auto client = quic::Configuration::open(
        registration_, alpns, settings, quic::Credentials::client_trusting(certificate().certificate_file.string()));
    settings.peer_unidi_stream_count = admits.unidirectional_streams;
    settings.peer_bidi_stream_count = admits.bidirectional_streams;
    settings.datagram_receive_enabled = admits.datagrams;
    settings.stream_recv_window = admits.stream_window;
    settings.conn_flow_control_window = admits.connection_window;
    auto server = quic::Configuration::open(
        registration_, alpns, settings,
        quic::Credentials::server(certificate().certificate_file.string(), certificate().private_key_file.string()));
    EXPECT_TRUE(client && server);
    if (!client || !server) return ends;
    acceptor_ = std::make_shared<Acceptor>(*server, ends.at_server);
    listener_ = std::move(quic::Listener::open(registration_, acceptor_).value());
    EXPECT_TRUE(listener_.start(alpns, {.address = *quic::Address::parse("127.0.0.1", 0)}));
    const auto events = std::make_shared<quic::CarrierEvents>(ends.at_client);
    auto connection = quic::Connection::open(registration_, events);
    EXPECT_TRUE(connection);
    if (!connection) return ends;
    EXPECT_TRUE(
        connection->start(*client, "localhost", *quic::Address::parse("127.0.0.1", listener_.local_address().port())));
    ends.client = std::make_unique<quic::CarriedConnection>(std::move(*connection), *events);
    EXPECT_TRUE(run_until([&] {
      const std::scoped_lock lock(ends.at_client->mutex, ends.at_server->mutex);
      return ends.at_client->capabilities && ends.at_server->capabilities;
    }));
    ends.server = acceptor_->take();
    return ends;
  }
  bool run_until(const std::function<bool()>& done) override {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(1ms);  // what happens, happens on MsQuic's threads
    }
    return true;
  }

 private:
  quic::Registration registration_;
  std::shared_ptr<Acceptor> acceptor_;
  quic::Listener listener_;
};

}  // namespace

std::unique_ptr<Carrier> make_quic_carrier() { return std::make_unique<QuicCarrier>(); }

}  // namespace msquic_py::transport::testing
