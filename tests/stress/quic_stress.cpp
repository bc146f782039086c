// Connections and streams opened, used, aborted and dropped from several threads at once, with a server that does the
// same; made to run under the address and thread sanitizers. At the end MsQuic must hold nothing, and over the second
// half of a long run resident memory must not grow.
//
//   MSQUIC_PY_STRESS_CONNECTIONS   at least so many connections (default 100)
//   MSQUIC_PY_STRESS_STREAMS       streams of each (default 10)
//   MSQUIC_PY_STRESS_SECONDS       and at least so long (default 0); from 60 on, memory is judged
//   MSQUIC_PY_STRESS_THREADS       client threads (default 4)
//
// `make stress` runs it long, with both sanitizers.
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "stress/memory_watch.h"
#include "stress/stress_server.h"

namespace msquic_py::quic::testing {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMiB = 1024 * 1024;

unsigned parameter(const char* name, unsigned otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

class QuicStress : public QuicTest {
 protected:
  void serve() {
    server_settings.idle_timeout_ms = 3000;  // silent ends must not keep the other side for long
    client_settings = server_settings;
    server = std::make_shared<StressListener>(open_configuration(server_settings, server_credentials()));
    auto opened = Listener::open(registration, server);
    ASSERT_TRUE(opened) << opened.error().message;
    listener = *opened;
    auto listens = listener.start(alpns(), {Address::any(0)});
    ASSERT_TRUE(listens) << listens.error().message;
    port = listener.local_address().port();
    client_configuration = open_configuration(client_settings, trusting());
  }
  void TearDown() override {
    server.reset();
    QuicTest::TearDown();
  }

  /// One client's life: streams in every state, then an end that the random numbers choose.
  void live(unsigned seed) {
    std::mt19937 random(seed);
    Client client = dial();
    if (random() % 50 == 0) {  // leaves during the handshake
      if (random() % 2 == 0) static_cast<void>(client.connection.shutdown(1));
      client.connection = {};
      EXPECT_TRUE(client.events->wait_complete()) << "seed " << seed;
      return;
    }
    if (!client.events->wait_connected()) {  // refused: the server does that, too
      client.connection = {};
      EXPECT_TRUE(client.events->wait_complete()) << "seed " << seed;
      return;
    }
    connected.fetch_add(1, std::memory_order_relaxed);
    std::vector<Stream> kept;
    std::vector<std::shared_ptr<RecordingStream>> finishing;
    for (unsigned i = 0; i < streams; ++i) use_stream(client, random, kept, finishing);
    // Some wait until what they finished is over on both sides, so that not everything ends with its connection.
    if (random() % 2 == 0) {
      for (const auto& each : finishing) {
        EXPECT_TRUE(each->watched.wait([&] { return each->shutdown.has_value(); })) << "seed " << seed;
      }
    }
    switch (random() % 4) {
      case 0: static_cast<void>(client.connection.shutdown(random() % 100, "done")); break;
      case 1: static_cast<void>(client.connection.shutdown_silently()); break;
      case 2: kept.clear(); break;
      default: break;  // dropping is enough
    }
    client.connection = {};
    EXPECT_TRUE(client.events->wait_complete()) << "seed " << seed;
  }

  void use_stream(Client& client, std::mt19937& random, std::vector<Stream>& kept,
                  std::vector<std::shared_ptr<RecordingStream>>& finishing) {
    auto handler = std::make_shared<RecordingStream>();
    auto opened = client.connection.open_stream(
        random() % 2 == 0 ? StreamDirection::Bidirectional : StreamDirection::Unidirectional, handler);
    if (!opened) return;  // the server has closed
    opened_streams.fetch_add(1, std::memory_order_relaxed);
    Stream stream = *opened;
    const std::string text(random() % 20'000, 'x');
    switch (random() % 8) {
      case 0: break;  // never started
      case 1:
      case 2:
        if (send(stream, text, SendFlags::Start | SendFlags::Fin)) {
          finishing.push_back(handler);
          kept.push_back(stream);
        }
        break;
      case 3:
        static_cast<void>(send(stream, text, SendFlags::Start));
        static_cast<void>(stream.abort(random() % 1000, random() % 2 == 0));
        break;
      case 4:
        static_cast<void>(stream.start());
        static_cast<void>(stream.set_priority(static_cast<std::uint16_t>(random())));
        break;
      case 5:
        static_cast<void>(send(stream, text, SendFlags::Start));
        static_cast<void>(stream.finish());
        break;
      case 6:
        static_cast<void>(send(stream, text, SendFlags::Start));
        static_cast<void>(stream.abort_receive(random() % 1000));
        break;
      default: static_cast<void>(send(stream, text, SendFlags::Start)); break;
    }
    const base::SharedBytes datagram = bytes("datagram");
    static_cast<void>(client.connection.send_datagram({&datagram, 1}, random() % 2));
    if (random() % 2 == 0) kept.push_back(std::move(stream));
  }

  /// Says where a long run stands.
  void report(Clock::duration since_start) const {
    std::cout << std::chrono::duration_cast<std::chrono::seconds>(since_start).count() << " s: " << started.load()
              << " connections, " << opened_streams.load() << " streams, "
              << msquic_py::testing::resident_bytes() / kMiB << " MiB resident\n"
              << std::flush;
  }

  const unsigned connections = parameter("MSQUIC_PY_STRESS_CONNECTIONS", 100);
  const unsigned streams = parameter("MSQUIC_PY_STRESS_STREAMS", 10);
  const unsigned seconds = parameter("MSQUIC_PY_STRESS_SECONDS", 0);
  const unsigned threads = parameter("MSQUIC_PY_STRESS_THREADS", 4);
  std::shared_ptr<StressListener> server;
  std::atomic<unsigned> started{0};
  std::atomic<unsigned> connected{0};
  std::atomic<std::uint64_t> opened_streams{0};
};

TEST_F(QuicStress, ManyLivesOnManyThreads) {
  serve();
  if (HasFatalFailure()) return;
  const Clock::time_point begin = Clock::now();
  const Clock::time_point until = begin + std::chrono::seconds(seconds);
  msquic_py::testing::MemoryWatch memory;
  Clock::time_point next_report = begin + std::chrono::seconds(30);

  std::vector<std::thread> running;
  for (unsigned thread = 0; thread < threads; ++thread) {
    running.emplace_back([&, thread] {
      for (;;) {
        const unsigned number = started.fetch_add(1);
        if (number >= connections && Clock::now() >= until) {
          started.fetch_sub(1);
          return;
        }
        live(number);
        if (thread != 0) continue;
        memory.look();
        if (Clock::now() >= next_report) {
          report(Clock::now() - begin);
          next_report += std::chrono::seconds(30);
        }
      }
    });
  }
  for (std::thread& each : running) each.join();

  report(Clock::now() - begin);
  EXPECT_GE(started.load(), connections);
  EXPECT_GT(connected.load(), started.load() / 2) << "most connections must come about";
  EXPECT_GT(opened_streams.load(), std::uint64_t{connected.load()} * streams / 2);
  if (seconds >= 60 && memory.median(0, 1) > 0) {
    const std::size_t third = memory.median(0.5, 0.75);
    const std::size_t fourth = memory.median(0.75, 1);
    std::cout << "resident, third and fourth quarter: " << third / 1024 << " and " << fourth / 1024 << " KiB ("
              << memory.samples() << " samples)\n";
    EXPECT_LE(fourth, third + third / 50 + 2 * kMiB) << "resident memory grows";
  }
}

}  // namespace
}  // namespace msquic_py::quic::testing
