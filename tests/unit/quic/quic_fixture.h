#pragma once

// Real MsQuic on loopback. Every wait has a deadline and waits for an event, never for time to pass.

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/shared_bytes.h"
#include "quic/configuration.h"
#include "quic/connection.h"
#include "quic/development_certificate.h"
#include "quic/library.h"
#include "quic/listener.h"
#include "quic/registration.h"

namespace msquic_py::quic::testing {

inline constexpr std::chrono::seconds kDeadline{15};

/// A value guarded by a mutex that tests wait on.
class Watched {
 public:
  template <class Change>
  void change(Change change_it) {
    const std::lock_guard lock(mutex_);
    change_it();
    changed_.notify_all();  // under the lock: who waits may destroy this as soon as it has seen the change
  }
  template <class Condition>
  [[nodiscard]] bool wait(Condition condition, std::chrono::milliseconds timeout = kDeadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, condition);
  }
  template <class Read>
  auto read(Read read_it) {
    const std::lock_guard lock(mutex_);
    return read_it();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// Records what happens on a stream; may echo, and may take only part of what arrives.
class RecordingStream : public StreamHandler {
 public:
  Watched watched;
  std::string received;
  bool fin = false;
  bool peer_send_shutdown = false;
  bool early_data = false;
  std::optional<std::uint64_t> reset_code;
  std::optional<std::uint64_t> stop_code;
  std::optional<Status> start_status;
  std::uint64_t start_id = ~std::uint64_t{0};
  std::vector<std::pair<std::uint64_t, bool>> sends_completed;
  std::uint64_t next_offset = 0;
  int receive_calls = 0;
  int shutdowns = 0;
  int events_after_shutdown = 0;
  std::optional<StreamShutdown> shutdown;
  Stream stream;  ///< peer streams keep themselves here

  std::function<std::uint64_t(const ReceivedData&)> decide;  ///< how much to take; absent: all
  bool echo = false;

  void on_start_complete(std::uint64_t id, Status status, bool) noexcept override {
    watched.change([&] {
      start_status = status;
      start_id = id;
    });
  }
  std::uint64_t on_receive(const ReceivedData& data) noexcept override {
    const std::uint64_t take = decide ? decide(data) : data.size;
    std::string bytes;
    for (const base::Bytes chunk : data.chunks) bytes += base::as_text(chunk);
    bytes.resize(take);
    if (echo) {
      const bool ends = data.fin && take == data.size;
      const base::SharedBytes copy = base::SharedBytes::copy_of(base::as_bytes(bytes));
      static_cast<void>(stream.send({&copy, 1}, ends ? SendFlags::Fin : SendFlags::None));
    }
    watched.change([&] {
      ++receive_calls;
      EXPECT_EQ(data.offset, next_offset);
      if (shutdown) ++events_after_shutdown;
      next_offset += take;
      received += bytes;
      early_data = early_data || data.early_data;
      if (data.fin && take == data.size) fin = true;
    });
    return take;
  }
  void on_send_complete(std::uint64_t token, bool canceled) noexcept override {
    watched.change([&] { sends_completed.emplace_back(token, canceled); });
  }
  void on_peer_send_shutdown() noexcept override {
    watched.change([&] { peer_send_shutdown = true; });
  }
  void on_peer_send_aborted(std::uint64_t code) noexcept override {
    watched.change([&] { reset_code = code; });
  }
  void on_peer_receive_aborted(std::uint64_t code) noexcept override {
    watched.change([&] { stop_code = code; });
  }
  void on_shutdown_complete(const StreamShutdown& how) noexcept override {
    Stream gone;
    watched.change([&] {
      ++shutdowns;
      shutdown = how;
      std::swap(gone, stream);
    });
  }
};

/// Records what happens on a connection; hands each peer stream to `make_stream`.
class RecordingConnection : public ConnectionHandler {
 public:
  Watched watched;
  bool connected = false;
  bool resumed = false;
  std::string alpn;
  std::optional<CloseReason> initiated;
  std::optional<CloseReason> complete;
  int completions = 0;
  std::vector<std::shared_ptr<RecordingStream>> peer_streams;
  std::vector<std::string> datagrams;
  std::vector<std::pair<std::uint64_t, DatagramSendState>> datagram_states;
  std::vector<base::ByteVector> tickets;
  std::uint16_t datagram_limit = 0;
  std::uint16_t bidi_available = 0;
  Connection connection;  ///< accepted connections keep themselves here

  std::function<std::shared_ptr<RecordingStream>(const Stream&)> make_stream;
  std::function<bool(base::Bytes)> resume;
  std::function<void()> when_connected;
  std::function<void()> when_datagram;
  int datagram_rooms = 0;

  void on_connected(bool was_resumed, std::string_view chosen) noexcept override {
    watched.change([&] {
      connected = true;
      resumed = was_resumed;
      alpn = chosen;
    });
    if (when_connected) when_connected();
  }
  void on_shutdown_initiated(const CloseReason& reason) noexcept override {
    watched.change([&] { initiated = reason; });
  }
  void on_shutdown_complete(const CloseReason& reason) noexcept override {
    Connection gone;
    watched.change([&] {
      ++completions;
      complete = reason;
      std::swap(gone, connection);
    });
  }
  std::shared_ptr<StreamHandler> on_peer_stream(Stream stream, bool) noexcept override {
    auto handler = make_stream ? make_stream(stream) : std::make_shared<RecordingStream>();
    if (!handler) return nullptr;
    watched.change([&] {
      handler->stream = stream;
      peer_streams.push_back(handler);
    });
    return handler;
  }
  void on_streams_available(std::uint16_t bidirectional, std::uint16_t) noexcept override {
    watched.change([&] { bidi_available = bidirectional; });
  }
  void on_datagram_state(bool, std::uint16_t limit) noexcept override {
    watched.change([&] { datagram_limit = limit; });
  }
  void on_datagram_received(base::Bytes datagram, bool) noexcept override {
    watched.change([&] { datagrams.emplace_back(base::as_text(datagram)); });
    if (when_datagram) when_datagram();
  }
  void on_datagram_room() noexcept override {
    watched.change([&] { ++datagram_rooms; });
  }
  void on_datagram_send_state(std::uint64_t token, DatagramSendState state) noexcept override {
    watched.change([&] { datagram_states.emplace_back(token, state); });
  }
  bool on_resumed(base::Bytes data) noexcept override { return !resume || resume(data); }
  void on_resumption_ticket(base::Bytes ticket) noexcept override {
    watched.change([&] { tickets.emplace_back(ticket.begin(), ticket.end()); });
  }

  /// The connection for a handler, which runs while the test may be taking it away.
  [[nodiscard]] Connection handle() {
    return watched.read([&] { return connection; });
  }
  [[nodiscard]] bool wait_connected() {
    return watched.wait([&] { return connected || complete; }) && watched.read([&] { return connected; });
  }
  [[nodiscard]] bool wait_complete() {
    return watched.wait([&] { return complete.has_value(); });
  }
  /// The n-th stream that the peer opened.
  [[nodiscard]] std::shared_ptr<RecordingStream> wait_peer_stream(std::size_t index = 0) {
    if (!watched.wait([&] { return peer_streams.size() > index; })) return nullptr;
    return watched.read([&] { return peer_streams[index]; });
  }
};

/// Accepts every connection with one configuration.
class RecordingListener : public ListenerHandler {
 public:
  Watched watched;
  Configuration configuration;
  std::vector<std::shared_ptr<RecordingConnection>> connections;
  std::string last_server_name;
  bool refuse = false;
  int stops = 0;
  std::function<void(RecordingConnection&)> prepare;

  std::optional<AcceptedConnection> on_new_connection(const NewConnection& offer) noexcept override {
    auto handler = std::make_shared<RecordingConnection>();
    handler->connection = offer.connection;
    if (prepare) prepare(*handler);
    watched.change([&] {
      last_server_name = offer.server_name;
      if (!refuse) connections.push_back(handler);
    });
    if (refuse) return std::nullopt;
    return AcceptedConnection{handler, configuration};
  }
  void on_stopped() noexcept override {
    watched.change([&] { ++stops; });
  }
  [[nodiscard]] std::shared_ptr<RecordingConnection> wait_connection(std::size_t index = 0) {
    if (!watched.wait([&] { return connections.size() > index; })) return nullptr;
    return watched.read([&] { return connections[index]; });
  }
};

inline const std::vector<std::string>& alpns() {
  static const std::vector<std::string> names{"test/1"};
  return names;
}

/// A registration, certificates, a listening server and the client's configuration. Afterwards nothing may be left in
/// MsQuic.
class QuicTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto directory =
        std::filesystem::temp_directory_path() / ("msquic-py-quic-tests-" + std::to_string(::getpid()));
    auto made = DevelopmentCertificate::create(directory);
    ASSERT_TRUE(made) << made.error().message;
    certificate() = *made;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(certificate().certificate_file.parent_path()); }
  static DevelopmentCertificate& certificate() {
    static DevelopmentCertificate made;
    return made;
  }

  void SetUp() override {
    auto opened = Registration::open("msquic-py-tests");
    ASSERT_TRUE(opened) << opened.error().message;
    registration = *opened;
    server_settings.peer_bidi_stream_count = 100;
    server_settings.peer_unidi_stream_count = 100;
    server_settings.datagram_receive_enabled = true;
    client_settings = server_settings;
  }

  void TearDown() override {
    listener = {};
    if (listening) {
      for (const auto& each : listening->connections) {
        Connection gone;
        each->watched.change([&] { std::swap(gone, each->connection); });
      }
      listening->configuration = {};
      listening->prepare = nullptr;
    }
    client_configuration = {};
    registration = {};
    ASSERT_TRUE(Library::wait_until_idle(kDeadline)) << describe_live();
    EXPECT_TRUE(Library::live_objects().none()) << describe_live();
    const auto counters = Library::performance_counters();
    ASSERT_TRUE(counters);
    EXPECT_EQ(counters->connections_active, 0u);
    EXPECT_EQ(counters->streams_active, 0u);
  }

  static std::string describe_live() {
    const LiveObjects live = Library::live_objects();
    return std::to_string(live.registrations) + " registrations, " + std::to_string(live.configurations) +
           " configurations, " + std::to_string(live.listeners) + " listeners, " + std::to_string(live.connections) +
           " connections, " + std::to_string(live.streams) + " streams";
  }

  Configuration open_configuration(const Settings& settings, const Credentials& credentials,
                                   const std::vector<std::string>& names = alpns()) {
    auto opened = Configuration::open(registration, names, settings, credentials);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? *opened : Configuration();
  }
  [[nodiscard]] static Credentials server_credentials() {
    return Credentials::server(certificate().certificate_file.string(), certificate().private_key_file.string());
  }
  [[nodiscard]] static Credentials trusting() {
    return Credentials::client_trusting(certificate().certificate_file.string());
  }

  void listen(const Credentials& credentials = server_credentials()) {
    listening = std::make_shared<RecordingListener>();
    listening->configuration = open_configuration(server_settings, credentials);
    auto opened = Listener::open(registration, listening);
    ASSERT_TRUE(opened) << opened.error().message;
    listener = *opened;
    auto started = listener.start(alpns(), {Address::any(0), handshake_timeout});
    ASSERT_TRUE(started) << started.error().message;
    port = listener.local_address().port();
    ASSERT_NE(port, 0);
    client_configuration = open_configuration(client_settings, trusting());
  }

  struct Client {
    std::shared_ptr<RecordingConnection> events = std::make_shared<RecordingConnection>();
    Connection connection;
  };
  Client open_client() {
    Client client;
    auto opened = Connection::open(registration, client.events);
    EXPECT_TRUE(opened) << opened.error().message;
    if (opened) client.connection = *opened;
    return client;
  }
  Client dial(const std::string& host, const Configuration& configuration) {
    Client client = open_client();
    // An explicit address: "localhost" may resolve to ::1 on one machine and 127.0.0.1 on another.
    auto started = client.connection.start(configuration, host, *Address::parse("127.0.0.1", port));
    EXPECT_TRUE(started) << started.error().message;
    return client;
  }
  Client dial() { return dial("localhost", client_configuration); }

  /// A started connection with its server side, the handshake complete on both: before, a code that either closes with
  /// would go out in a Handshake packet, where a generic one replaces it (RFC 9000 section 10.2.3).
  std::shared_ptr<RecordingConnection> connect(Client& client) {
    const std::size_t before = listening->watched.read([&] { return listening->connections.size(); });
    client = dial();
    EXPECT_TRUE(client.events->wait_connected())
        << (client.events->complete ? client.events->complete->message : "deadline");
    auto server = listening->wait_connection(before);
    EXPECT_TRUE(server && server->wait_connected());
    return server;
  }

  static base::SharedBytes bytes(std::string_view text) { return base::SharedBytes::copy_of(base::as_bytes(text)); }
  static Result<SendOutcome> send(Stream stream, std::string_view text, SendFlags flags = SendFlags::None,
                                  std::uint64_t token = 0) {
    const base::SharedBytes data = bytes(text);
    return stream.send({&data, 1}, flags, token);
  }

  Registration registration;
  std::chrono::milliseconds handshake_timeout{10'000};
  Settings server_settings;
  Settings client_settings;
  std::shared_ptr<RecordingListener> listening;
  Listener listener;
  Configuration client_configuration;
  std::uint16_t port = 0;
};

}  // namespace msquic_py::quic::testing
