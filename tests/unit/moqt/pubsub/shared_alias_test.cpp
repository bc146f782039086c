// Several readers of one endpoint for one track under one Track Alias (draft-22 section 3.1). Bytes of the publisher
// are written from sections 9 and 11 of draft-22.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "endpoint_pair.h"
#include "harness/raw_peer.h"
#include "moqt/pubsub/received_locations.h"

namespace msquic_py::moqt::pubsub {
namespace {

using testing::hex;
using testing::read_all;

/// An endpoint, and a publisher that is nothing but bytes.
class SharedAlias : public ::testing::Test {
 protected:
  SharedAlias() {
    session_.start(now_);
    session_.on_uni_stream_data(now_, 3, base::SharedBytes::copy_of(hex("af00 0000")), false);
    drain();
  }
  std::shared_ptr<TrackReader> ask(MessageParameters parameters = {}) {
    const auto reader = endpoint_.subscribe({TrackNamespace{"a"}, "t"}, std::move(parameters));
    EXPECT_TRUE(reader.ok());
    drain();
    return *reader;
  }
  void answer() {
    session_.on_request_data(now_, opened_.back(), hex("04 0002 05 00"), false);  // alias 5
    drain();
  }
  std::shared_ptr<TrackReader> subscribe(MessageParameters parameters = {}) {
    auto reader = ask(std::move(parameters));
    answer();
    return reader;
  }
  void stream(session::IncomingStreamId id, std::string_view text, bool fin = true) {
    session_.on_uni_stream_data(now_, id, base::SharedBytes::copy_of(hex(text)), fin);
    drain();
  }
  void drain() {
    session::Action action;
    while (session_.poll_action(now_, action)) {
      if (const auto* open = std::get_if<session::OpenRequestStream>(&action)) opened_.push_back(open->stream);
    }
    endpoint_.drain_session(now_);
    EndpointEvent event;
    while (endpoint_.poll_event(event)) told_ += std::holds_alternative<ReaderReadable>(event) ? 1 : 0;
  }
  using Objects = std::vector<std::string>;

  session::Time now_{std::chrono::hours(1)};
  session::Session session_{Draft::k22, {}};
  Endpoint endpoint_{session_};
  std::vector<session::RequestStreamId> opened_;
  std::size_t told_ = 0;  ///< that there is news of a reader
};

// The publisher sends an object once for each of the two.
TEST_F(SharedAlias, WhatTwoWantIsReadOnceByEach) {
  const auto all = subscribe();
  stream(7, "10 05 00 80 | 00 01 61");  // before the other is there
  MessageParameters parameters;
  parameters.set_filter(SubscriptionFilter::absolute_start({1, 1}));
  const auto some = subscribe(std::move(parameters));
  stream(11, "18 05 01 80 | 00 01 62 | 00 01 63");  // the group ends with its last object
  stream(15, "18 05 01 80 | 01 01 63");
  EXPECT_EQ(read_all(*all), (Objects{"0.0=a", "1.0=b", "1.1=c"}));
  EXPECT_EQ(read_all(*some), (Objects{"1.1=c"}));
  EXPECT_EQ(all->objects_repeated(), 1u);
  EXPECT_EQ(some->objects_repeated(), 1u);
}

// Those that come before its SUBSCRIBE_OK as well (section 3.1.3).
TEST_F(SharedAlias, ALaterOneMissesNothing) {
  const auto first = subscribe();
  const auto second = ask();
  stream(7, "10 05 00 80 | 00 01 61");   // for the one
  stream(11, "10 05 00 80 | 00 01 61");  // and the other
  stream(15, "10 05 01 80 | 00 02 62", false);
  EXPECT_EQ(read_all(*first), (Objects{"0.0=a"}));
  answer();
  stream(15, "63");
  EXPECT_EQ(read_all(*first), (Objects{"1.0=bc"}));
  EXPECT_EQ(read_all(*second), (Objects{"0.0=a", "1.0=bc"}));
  EXPECT_EQ(second->objects_repeated(), 1u);
}

// Whoever shows the statistic looks at it then.
TEST_F(SharedAlias, WhatIsRepeatedIsTold) {
  const auto first = subscribe();
  const auto second = subscribe();
  stream(7, "10 05 00 80 | 00 01 61");
  EXPECT_EQ(told_, 2u);
  stream(11, "10 05 00 80 | 00 01 61");
  EXPECT_EQ(told_, 4u);
  EXPECT_EQ(first->objects_repeated() + second->objects_repeated(), 2u);
}

// The copy of one whose stream breaks off is not taken for a repetition.
TEST_F(SharedAlias, WhatIsWholeCounts) {
  const auto first = subscribe();
  const auto second = subscribe();
  stream(7, "10 05 00 80 | 00 02 61", false);
  stream(11, "10 05 00 80 | 00 02 61 62");
  session_.on_uni_stream_reset(now_, 7, 1);
  drain();
  EXPECT_EQ(read_all(*first), (Objects{"0.0=ab"}));
  EXPECT_EQ(read_all(*second), (Objects{"0.0=ab"}));
}

// Whose alias is its own gets what comes, as before.
TEST_F(SharedAlias, AloneNothingIsLeftOut) {
  const auto only = subscribe();
  stream(7, "10 05 00 80 | 00 01 61");
  stream(11, "10 05 00 80 | 00 01 61");
  EXPECT_EQ(read_all(*only), (Objects{"0.0=a", "0.0=a"}));
}

TEST(ReceivedLocations, TheHighestGroupsAreRemembered) {
  ReceivedLocations received;
  for (std::uint64_t group = 0; group <= ReceivedLocations::kGroups; ++group) EXPECT_TRUE(received.add({group, 0}));
  EXPECT_TRUE(received.add({0, 0})) << "forgotten";
  EXPECT_FALSE(received.add({1, 0}));
  EXPECT_FALSE(received.add({ReceivedLocations::kGroups, 0}));
  for (std::uint64_t object = 2; object <= 2 * ReceivedLocations::kRuns; object += 2) {
    EXPECT_TRUE(received.add({1, object}));
  }
  EXPECT_TRUE(received.add({1, 0})) << "forgotten";
  EXPECT_FALSE(received.add({1, 2 * ReceivedLocations::kRuns}));
}

}  // namespace
}  // namespace msquic_py::moqt::pubsub
