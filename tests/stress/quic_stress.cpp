// Many connections and streams opened, used, aborted and dropped from several threads at once; made to run under the
// address and thread sanitizers. Scale with MSQUIC_PY_STRESS_ROUNDS (default 5).
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include "unit/quic/quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

class QuicStress : public QuicTest {
 protected:
  static int rounds() {
    const char* const text = std::getenv("MSQUIC_PY_STRESS_ROUNDS");
    return text != nullptr ? std::atoi(text) : 5;
  }

  /// One client's life: a few streams in every state, then an end that the random numbers choose.
  void live(unsigned seed) {
    std::mt19937 random(seed);
    Client client = dial();
    if (!client.events->wait_connected()) return;
    std::vector<Stream> kept;
    for (int i = 0; i < 20; ++i) {
      auto opened = client.connection.open_stream(
          random() % 2 == 0 ? StreamDirection::Bidirectional : StreamDirection::Unidirectional,
          std::make_shared<RecordingStream>());
      if (!opened) break;
      Stream stream = *opened;
      const std::string text(random() % 20'000, 'x');
      switch (random() % 6) {
        case 0: break;  // never started
        case 1: static_cast<void>(send(stream, text, SendFlags::Start | SendFlags::Fin)); break;
        case 2:
          static_cast<void>(send(stream, text, SendFlags::Start));
          static_cast<void>(stream.abort(random() % 1000, random() % 2 == 0));
          break;
        case 3:
          static_cast<void>(stream.start());
          static_cast<void>(stream.set_priority(static_cast<std::uint16_t>(random())));
          break;
        case 4:
          static_cast<void>(send(stream, text, SendFlags::Start));
          static_cast<void>(stream.finish());
          break;
        default: static_cast<void>(send(stream, text, SendFlags::Start)); break;
      }
      const base::SharedBytes datagram = bytes("datagram");
      static_cast<void>(client.connection.send_datagram({&datagram, 1}, random() % 2));
      if (random() % 2 == 0) kept.push_back(std::move(stream));
    }
    switch (random() % 3) {
      case 0: static_cast<void>(client.connection.shutdown(random() % 100, "done")); break;
      case 1: static_cast<void>(client.connection.shutdown_silently()); break;
      default: break;  // dropping is enough
    }
    client.connection = {};
    EXPECT_TRUE(client.events->wait_complete());
    ended.fetch_add(1);
  }

  std::atomic<int> ended{0};
};

TEST_F(QuicStress, ManyLivesOnManyThreads) {
  server_settings.idle_timeout_ms = 3000;  // silent ends must not keep the server's side for long
  listen();
  listening->prepare = [](RecordingConnection& each) {
    each.make_stream = [](const Stream& stream) {
      auto handler = std::make_shared<RecordingStream>();
      handler->echo = stream.direction() == StreamDirection::Bidirectional;
      return handler;
    };
  };
  static constexpr int kThreads = 4;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (int round = 0; round < rounds(); ++round) live(static_cast<unsigned>(thread * 1000 + round));
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(ended.load(), kThreads * rounds());
}

}  // namespace
}  // namespace msquic_py::quic::testing
