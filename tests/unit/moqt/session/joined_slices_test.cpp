// Objects that lie side by side in memory go out as one slice.

#include <gtest/gtest.h>

#include <string>

#include "harness/session_pair.h"
#include "moqt/session/data/object_encoding.h"

namespace msquic_py::testing {
namespace {

using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test

constexpr std::size_t kPayload = 10;

class JoinedSlices : public ::testing::Test {
 protected:
  void SetUp() override {
    pair.establish();
    ASSERT_TRUE(pair.client.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).ok());
    pair.run();
    const RequestHandle request = pair.server.only<SubscribeReceived>().request;
    ASSERT_TRUE(pair.server.session.accept(request).ok());
    pair.run();
    const auto opened = pair.server.session.open_subgroup(request, {});
    ASSERT_TRUE(opened.ok());
    stream = *opened;
    payload.assign(kPayload, 'x');
  }
  /// An object with its payload behind its header, in `arena`.
  void write(base::SlabArena& arena, std::uint64_t object, std::uint64_t encoded_as) {
    const auto encoded = encode_object(moqt::Draft::k15, arena, encoded_as, std::nullopt, kPayload,
                                       moqt::ObjectStatus::kNormal, base::as_bytes(payload));
    ASSERT_TRUE(encoded.ok());
    ASSERT_TRUE(pair.server.session.append_object(stream, object, encoded->wire, encoded->delta_size, 0).ok());
  }
  /// How many slices the stream's bytes went out in, behind its header; and how long they are together.
  std::pair<std::size_t, std::size_t> sent() {
    pair.run();
    std::size_t slices = 0;
    std::size_t bytes = 0;
    for (const auto& send : pair.server.done<SendStream>()) {
      slices += send.slices.size();
      bytes += send.slices.bytes();
    }
    constexpr std::size_t kHeader = 3;  // type, alias, group [d15 §10.4.2]; the priority is that of the track
    return {slices - 1, bytes - kHeader};
  }

  SessionPair pair;
  StreamHandle stream;
  std::string payload;
  base::SlabArena one;
  base::SlabArena other;
};

TEST_F(JoinedSlices, OfObjectsThatLieSideBySide) {
  for (std::uint64_t id = 0; id < 20; ++id) write(one, id, 0);  // each delta is 0
  EXPECT_EQ(sent(), (std::pair<std::size_t, std::size_t>{1, 20 * (2 + kPayload)}));
  const auto received = pair.client.all<ObjectReceived>();
  ASSERT_EQ(received.size(), 20u);
  EXPECT_EQ(received.back().location, (moqt::Location{0, 19}));
}

TEST_F(JoinedSlices, NotOfThoseThatDoNot) {
  write(one, 0, 0);
  write(other, 1, 0);
  write(one, 2, 0);
  EXPECT_EQ(sent(), (std::pair<std::size_t, std::size_t>{3, 3 * (2 + kPayload)}));
}

TEST_F(JoinedSlices, NotOfOneWhoseDeltaIsWrittenAnew) {
  write(one, 0, 0);
  write(one, 5, 0);  // delta 4
  write(one, 6, 0);
  // The new delta is in the session's own memory; what is behind it goes on with the next object.
  EXPECT_EQ(sent(), (std::pair<std::size_t, std::size_t>{3, 3 * (2 + kPayload)}));
  const auto received = pair.client.all<ObjectReceived>();
  ASSERT_EQ(received.size(), 3u);
  EXPECT_EQ(received[1].location, (moqt::Location{0, 5}));
  EXPECT_EQ(received[2].location, (moqt::Location{0, 6}));
}

}  // namespace
}  // namespace msquic_py::testing
