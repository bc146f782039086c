// 0-RTT data at a server that did not ask for it: MsQuic 2.5 with OpenSSL takes it all the same.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <thread>

#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

/// A path from one client to the server that carries nothing back before open().
class OneWayPath {
 public:
  explicit OneWayPath(std::uint16_t server_port) : client_(make()), server_(make()) {
    sockaddr_in to = loopback(server_port);
    EXPECT_EQ(::connect(server_, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    thread_ = std::thread([this] { run(); });
  }
  OneWayPath(const OneWayPath&) = delete;
  OneWayPath& operator=(const OneWayPath&) = delete;
  ~OneWayPath() {
    stop_.store(true);
    thread_.join();
    ::close(client_);
    ::close(server_);
  }
  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in at{};
    socklen_t size = sizeof(at);
    EXPECT_EQ(::getsockname(client_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    return ntohs(at.sin_port);
  }
  void open() { open_.store(true); }
  /// What the client sent so far.
  std::vector<std::string> sent() {
    return watched_.read([&] { return sent_; });
  }
  [[nodiscard]] bool wait_sent(std::size_t more_than) {
    return watched_.wait([&] { return sent_.size() > more_than; });
  }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    return at;
  }
  static int make() {
    const int made = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in at = loopback(0);
    EXPECT_EQ(::bind(made, reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
    return made;
  }
  void run() {
    std::array<char, 65536> buffer{};
    sockaddr_in from{};
    while (!stop_.load()) {
      const bool both = open_.load();
      std::array<pollfd, 2> ready{{{client_, POLLIN, 0}, {both ? server_ : -1, POLLIN, 0}}};
      if (::poll(ready.data(), ready.size(), 10) <= 0) continue;
      if ((ready[0].revents & POLLIN) != 0) {
        socklen_t length = sizeof(from);
        const ssize_t size =
            ::recvfrom(client_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
        if (size < 0) continue;
        // Noted first: what the server has seen of a flight is in sent().
        watched_.change([&] { sent_.emplace_back(buffer.data(), static_cast<std::size_t>(size)); });
        static_cast<void>(::send(server_, buffer.data(), static_cast<std::size_t>(size), 0));
      }
      if ((ready[1].revents & POLLIN) != 0) {
        const ssize_t size = ::recv(server_, buffer.data(), buffer.size(), 0);
        if (size < 0) continue;
        static_cast<void>(::sendto(client_, buffer.data(), static_cast<std::size_t>(size), 0,
                                   reinterpret_cast<sockaddr*>(&from), sizeof(from)));
      }
    }
  }

  const int client_;
  const int server_;
  std::atomic<bool> open_{false};
  std::atomic<bool> stop_{false};
  Watched watched_;
  std::vector<std::string> sent_;
  std::thread thread_;
};

class EarlyDataTest : public QuicTest {
 protected:
  void serve(ServerResumption level) {
    server_settings.server_resumption_level = level;
    client_settings.initial_rtt_ms = 50;  // it sends again soon, as long as nothing comes back
    listen();
    Client client;
    const auto server = connect(client);
    ASSERT_TRUE(server && server->wait_connected());
    ASSERT_TRUE(server->connection.send_resumption_ticket());
    ASSERT_TRUE(client.events->watched.wait([&] { return !client.events->tickets.empty(); }));
    ticket = client.events->watched.read([&] { return client.events->tickets.front(); });
    ASSERT_TRUE(client.connection.shutdown(0));
    ASSERT_TRUE(client.events->wait_complete());
    ASSERT_TRUE(server->wait_complete());
    before = listening->watched.read([&] { return listening->connections.size(); });
    path = std::make_unique<OneWayPath>(port);
    returning = open_client();
    ASSERT_TRUE(returning.connection.set_resumption_ticket(ticket));
  }
  void TearDown() override {
    streams.clear();
    returning = {};
    QuicTest::TearDown();
  }
  Stream open(StreamDirection direction) {
    auto opened = returning.connection.open_stream(direction, std::make_shared<RecordingStream>(), true);
    EXPECT_TRUE(opened);
    streams.push_back(*opened);
    return *opened;
  }
  void start() {
    ASSERT_TRUE(
        returning.connection.start(client_configuration, "localhost", *Address::parse("127.0.0.1", path->port())));
  }
  /// A server that asked for early data has got a whole stream of it, and waits for the rest of the handshake.
  void take_early_stream(std::shared_ptr<RecordingConnection>& server, std::shared_ptr<RecordingStream>& peer) {
    ASSERT_NO_FATAL_FAILURE(serve(ServerResumption::ResumeAndZeroRtt));
    ASSERT_TRUE(send(open(StreamDirection::Unidirectional), "early", kEarly | SendFlags::Fin));
    ASSERT_NO_FATAL_FAILURE(start());
    server = listening->wait_connection(before);
    ASSERT_TRUE(server);
    peer = server->wait_peer_stream();
    ASSERT_TRUE(peer && peer->watched.wait([&] { return peer->fin; }));
  }
  /// Both sides live in this process, so all that are open count.
  static bool wait_streams(std::size_t count, std::chrono::milliseconds limit = kDeadline) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (Library::live_objects().streams != count) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  static constexpr SendFlags kEarly = SendFlags::Start | SendFlags::AllowZeroRtt;
  base::ByteVector ticket;
  std::size_t before = 0;
  std::unique_ptr<OneWayPath> path;
  Client returning;
  std::vector<Stream> streams;
};

TEST_F(EarlyDataTest, WaitsForTheHandshakeWhereNobodyAskedForIt) {
  ASSERT_NO_FATAL_FAILURE(serve(ServerResumption::ResumeOnly));
  std::map<std::uint64_t, std::shared_ptr<RecordingStream>> peers;
  std::vector<std::uint64_t> order;
  int too_early = 0;
  int counted_as_early = 0;
  listening->prepare = [&](RecordingConnection& each) {
    each.make_stream = [&, connection = &each](const Stream& stream) {
      auto handler = std::make_shared<RecordingStream>();
      connection->watched.change([&] {
        if (!connection->connected) ++too_early;
        if (stream.is_early_data()) ++counted_as_early;
        EXPECT_FALSE(stream.is_closed());
        peers[*stream.id()] = handler;
        order.push_back(*stream.id());
      });
      return handler;
    };
  };
  const std::string large(5000, 'x');
  Stream whole = open(StreamDirection::Unidirectional);
  Stream fin_only = open(StreamDirection::Unidirectional);
  Stream reset = open(StreamDirection::Unidirectional);
  Stream growing = open(StreamDirection::Bidirectional);
  Stream stopped = open(StreamDirection::Bidirectional);
  ASSERT_TRUE(send(whole, large, kEarly | SendFlags::Fin));
  ASSERT_TRUE(send(fin_only, "", kEarly | SendFlags::Fin));
  ASSERT_TRUE(send(reset, "lost", kEarly));
  ASSERT_TRUE(send(growing, "first", kEarly));
  ASSERT_TRUE(send(stopped, "one way", kEarly | SendFlags::Fin));
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(wait_streams(10));
  // Each of these makes a packet, and whatever completes the handshake comes behind it.
  std::size_t sent = path->sent().size();
  ASSERT_TRUE(reset.abort_send(7));
  ASSERT_TRUE(path->wait_sent(sent));
  sent = path->sent().size();
  ASSERT_TRUE(stopped.abort_receive(9));
  ASSERT_TRUE(path->wait_sent(sent));
  const auto server = listening->wait_connection(before);
  ASSERT_TRUE(server);
  EXPECT_EQ(server->watched.read([&] { return peers.size(); }), 0u);
  EXPECT_FALSE(server->watched.read([&] { return server->connected; }));
  path->open();
  ASSERT_TRUE(server->wait_connected());
  EXPECT_TRUE(server->resumed);
  ASSERT_TRUE(returning.events->wait_connected());
  ASSERT_TRUE(send(growing, " second", SendFlags::Fin));
  ASSERT_TRUE(server->watched.wait([&] { return peers.size() == 5; }));
  EXPECT_EQ(too_early, 0);
  EXPECT_EQ(counted_as_early, 0);
  const auto peer = [&](const Stream& stream) { return peers.at(*stream.id()); };
  for (const auto& [stream, text] : {std::pair<Stream&, std::string>{whole, large},
                                     {fin_only, ""},
                                     {growing, "first second"},
                                     {stopped, "one way"}}) {
    const auto at = peer(stream);
    ASSERT_TRUE(at->watched.wait([&] { return at->fin && at->peer_send_shutdown; })) << text.size();
    EXPECT_EQ(at->received, text);
    EXPECT_FALSE(at->early_data);
  }
  EXPECT_TRUE(peer(reset)->watched.wait([&, at = peer(reset)] { return at->reset_code == 7u; }));
  EXPECT_TRUE(peer(stopped)->watched.wait([&, at = peer(stopped)] { return at->stop_code == 9u; }));
  for (const Stream& each : {whole, fin_only, reset, stopped}) {
    const auto at = peer(each);
    ASSERT_TRUE(at->watched.wait([&] { return at->shutdown.has_value(); })) << *each.id();
    EXPECT_FALSE(at->shutdown->connection_shutdown);
    EXPECT_EQ(at->events_after_shutdown, 0);
  }
  std::erase_if(order, [](std::uint64_t id) { return (id & 2) == 0; });
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(EarlyDataTest, ReachesNobodyWhenTheHandshakeIsNeverCompleted) {
  ASSERT_NO_FATAL_FAILURE(serve(ServerResumption::ResumeOnly));
  ASSERT_TRUE(send(open(StreamDirection::Bidirectional), "pay", kEarly));
  ASSERT_TRUE(send(open(StreamDirection::Unidirectional), "pay twice", kEarly | SendFlags::Fin));
  ASSERT_TRUE(send(open(StreamDirection::Unidirectional), "", kEarly | SendFlags::Fin));
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(wait_streams(6));
  // The same again, from another address.
  {
    const std::vector<std::string> flight = path->sent();
    const int from = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    // Nobody repeats what is lost of it, and what comes before its connection is made is lost, so all of it comes again
    // until all of it has arrived.
    bool arrived = false;
    for (int tries = 0; tries < 30 && !arrived; ++tries) {
      for (const std::string& datagram : flight)
        static_cast<void>(
            ::sendto(from, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof(to)));
      arrived = wait_streams(9, std::chrono::milliseconds(500));
    }
    ASSERT_TRUE(arrived);
    ::close(from);
  }
  for (std::size_t i = before; i < before + 2; ++i) {
    const auto server = listening->wait_connection(i);
    ASSERT_TRUE(server);
    EXPECT_TRUE(server->handle().shutdown_silently());
    ASSERT_TRUE(server->wait_complete());
    EXPECT_FALSE(server->connected);
    EXPECT_TRUE(server->peer_streams.empty());
  }
  ASSERT_TRUE(wait_streams(3));
  EXPECT_TRUE(returning.connection.shutdown_silently());
  EXPECT_TRUE(returning.events->wait_complete());
}

/// MsQuic's clients have none that others could replay: what is allowed to go early waits all the same. What comes from
/// others is in test_interop_aioquic_client.py.
TEST_F(EarlyDataTest, DatagramsAreNotSentEarly) {
  std::shared_ptr<RecordingConnection> server;
  std::shared_ptr<RecordingStream> peer;
  ASSERT_NO_FATAL_FAILURE(take_early_stream(server, peer));
  EXPECT_TRUE(peer->early_data);
  ASSERT_NE(returning.connection.max_datagram_size(), 0);
  const base::SharedBytes datagram = bytes("early?");
  ASSERT_TRUE(returning.connection.send_datagram({&datagram, 1}, 1, DatagramSendFlags::AllowZeroRtt));
  const std::size_t sent = path->sent().size();
  ASSERT_TRUE(path->wait_sent(sent + 2));  // probes go out
  EXPECT_FALSE(server->watched.read([&] { return server->connected; }));
  EXPECT_TRUE(server->watched.read([&] { return server->datagrams.empty(); }));
  EXPECT_TRUE(returning.events->watched.read([&] { return returning.events->datagram_states.empty(); }));
  path->open();
  ASSERT_TRUE(server->watched.wait([&] { return !server->datagrams.empty(); }));
  EXPECT_TRUE(server->watched.read([&] { return server->connected; }));
  EXPECT_EQ(server->datagrams.front(), "early?");
}

/// In on_connected(), when streams are held back that come right after it.
TEST_F(EarlyDataTest, ClosingWhileStreamsAreHeld) {
  enum class How { Shutdown, Silently, ByDropping };
  for (const How how : {How::Shutdown, How::Silently, How::ByDropping}) {
    ASSERT_NO_FATAL_FAILURE(serve(ServerResumption::ResumeOnly));
    listening->prepare = [&](RecordingConnection& each) {
      each.when_connected = [&each, how] {
        if (how == How::ByDropping) {
          Connection gone;
          each.watched.change([&] { std::swap(gone, each.connection); });
        } else if (how == How::Shutdown) {
          EXPECT_TRUE(each.handle().shutdown(5));
        } else {
          EXPECT_TRUE(each.handle().shutdown_silently());
        }
      };
    };
    ASSERT_TRUE(send(open(StreamDirection::Bidirectional), "not finished", kEarly));
    ASSERT_TRUE(send(open(StreamDirection::Unidirectional), std::string(5000, 'x'), kEarly | SendFlags::Fin));
    ASSERT_TRUE(send(open(StreamDirection::Unidirectional), "", kEarly | SendFlags::Fin));
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_TRUE(wait_streams(6));
    const auto server = listening->wait_connection(before);
    ASSERT_TRUE(server);
    path->open();
    ASSERT_TRUE(server->wait_complete());
    EXPECT_TRUE(server->connected);
    EXPECT_TRUE(server->peer_streams.empty()) << "of a connection that was closed already";
    EXPECT_EQ(server->completions, 1);
    if (how == How::Silently) {
      EXPECT_TRUE(returning.connection.shutdown_silently());
    }
    ASSERT_TRUE(returning.events->wait_complete());
    if (how == How::Shutdown && returning.events->connected) {
      EXPECT_EQ(returning.events->complete->code, 5u) << returning.events->complete->message;
    }
    streams.clear();
    returning = {};
    path.reset();
    listening->prepare = nullptr;
    listener = {};
    listening->configuration = {};
    ASSERT_TRUE(wait_streams(0));
  }
}

TEST_F(EarlyDataTest, ComesAtOnceWhereItWasAskedFor) {
  std::shared_ptr<RecordingConnection> server;
  std::shared_ptr<RecordingStream> peer;
  ASSERT_NO_FATAL_FAILURE(take_early_stream(server, peer));
  EXPECT_EQ(peer->received, "early");
  EXPECT_TRUE(peer->early_data);
  EXPECT_FALSE(server->watched.read([&] { return server->connected; }));
  path->open();
  EXPECT_TRUE(server->wait_connected());
}

}  // namespace
}  // namespace msquic_py::quic::testing
