// The carrier within a process, with both ends used by threads of their own at the same time.

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "transport/local/connect.h"
#include "unit/transport/recorder.h"

namespace msquic_py::transport::testing {
namespace {

constexpr int kStreams = 400;
constexpr int kSends = 8;

std::string piece(int stream, int send) {
  return std::string(static_cast<std::size_t>(1 + (stream * 37 + send * 101) % 3000), static_cast<char>('a' + send));
}

/// Writes kStreams streams, every fifth of which is given up in the middle.
void write(Connection& end) {
  for (int stream = 0; stream < kStreams; ++stream) {
    auto opened = end.open_stream(Direction::Unidirectional, static_cast<StreamKey>(stream));
    ASSERT_TRUE(opened.ok());
    for (int send = 0; send < kSends; ++send) {
      const base::SharedBytes bytes = base::SharedBytes::copy_of(base::as_bytes(piece(stream, send)));
      ASSERT_TRUE((*opened)->send({&bytes, 1}, send + 1 == kSends && stream % 5 != 0, 1).ok());
    }
    if (stream % 5 == 0) (*opened)->reset(7);
  }
}

bool over(Recorder& at) {
  const std::lock_guard lock(at.mutex);
  if (at.peer_streams != kStreams) return false;
  for (const auto& [key, stream] : at.streams) {
    if (stream.closed != 1) return false;
  }
  return at.streams.size() == 2 * kStreams;
}

void check(Recorder& at) {
  const std::lock_guard lock(at.mutex);
  for (std::uint64_t number = 0; number < kStreams; ++number) {
    const StreamLog& log = at.peer_stream(number);
    if (number % 5 == 0) {
      EXPECT_EQ(log.reset, 7u) << number;
      continue;
    }
    std::string expected;
    for (int send = 0; send < kSends; ++send) expected += piece(static_cast<int>(number), send);
    EXPECT_TRUE(log.fin) << number;
    EXPECT_TRUE(log.received == expected) << number;
  }
  for (StreamKey own = 0; own < kStreams; ++own) {
    EXPECT_EQ(at.streams[own].sent.size(), static_cast<std::size_t>(kSends)) << own;
    for (const auto& [token, canceled] : at.streams[own].sent) EXPECT_TRUE(own % 5 == 0 || !canceled) << own;
  }
}

TEST(LocalConnection, IsUsedByAThreadAtEachEnd) {
  const auto at_client = std::make_shared<Recorder>();
  const auto at_server = std::make_shared<Recorder>();
  local::Options options;
  options.protocol = "moqt-15";
  options.unidirectional_streams = 50;  // some have to wait for others to end
  auto ends = local::connect(options, at_client, at_server);
  std::thread client([&] { write(*ends.client); });
  std::thread server([&] { write(*ends.server); });
  client.join();
  server.join();
  // Whoever was the last to call has delivered everything; the other thread may have left it to it.
  ASSERT_TRUE(over(*at_client));
  ASSERT_TRUE(over(*at_server));
  check(*at_client);
  check(*at_server);
  std::thread closing([&] { ends.client.reset(); });
  ends.server->close(3, "both at once");
  closing.join();
  EXPECT_EQ(at_client->closed_times, 1);
  EXPECT_EQ(at_server->closed_times, 1);
  EXPECT_TRUE(at_client->closed->remote != at_server->closed->remote);
}

}  // namespace
}  // namespace msquic_py::transport::testing
