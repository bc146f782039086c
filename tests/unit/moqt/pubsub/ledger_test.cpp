// What an application makes an endpoint hold is in the accounts of its ledger.

#include "base/ledger/ledger.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "harness/session_pair.h"
#include "moqt/pubsub/endpoint.h"

namespace msquic_py::testing {
namespace {

using namespace moqt::pubsub;  // NOLINT(google-build-using-namespace): the classes under test

const moqt::FullTrackName kCounted{moqt::TrackNamespace{"a"}, "t"};

ms::SessionConfig counted_by(const base::Ledger& ledger) {
  ms::SessionConfig config;
  config.readers = ledger.readers();
  config.writers = ledger.writers();
  return config;
}

/// Both endpoints of a pair, with one ledger each.
class PubSubLedgerTest : public ::testing::Test {
 protected:
  void begin(const base::MemoryLimits& limits, const TrackOptions& options = {}) {
    ledger = std::make_unique<base::Ledger>(limits);
    pair = std::make_unique<SessionPair>(1, counted_by(*ledger), counted_by(*ledger), /*collect_events=*/false);
    client = std::make_unique<Endpoint>(pair->client.session);
    server = std::make_unique<Endpoint>(pair->server.session);
    pair->establish();
    writer = *server->add_track(kCounted, options);
    run();
  }
  void run() {
    for (int i = 0; i < 1000; ++i) {
      bool any = pair->run();
      any |= feed(*client);
      any |= feed(*server);
      if (!any) return;
    }
    FAIL() << "the endpoints do not come to rest";
  }
  static bool feed(Endpoint& endpoint) {
    endpoint.drain_session();
    EndpointEvent event;
    bool any = false;
    while (endpoint.poll_event(event)) any = true;
    return any;
  }
  void write_groups(std::size_t groups, std::size_t size) {
    for (std::size_t i = 0; i < groups; ++i) {
      const auto group = *writer->begin_group(writer->next_group());
      ASSERT_TRUE(group->write(base::SharedBytes::copy_of(base::as_bytes(std::string(size, 'x')))).ok());
      group->finish();
      run();
    }
  }

  std::unique_ptr<base::Ledger> ledger;
  std::unique_ptr<SessionPair> pair;
  std::unique_ptr<Endpoint> client, server;
  std::shared_ptr<TrackWriter> writer;
};

TEST_F(PubSubLedgerTest, WhatWaitsForAReaderIsChargedUntilItIsTaken) {
  begin({});
  const auto reader = *client->subscribe(kCounted);
  run();
  write_groups(10, 100'000);
  EXPECT_GE(ledger->readers()->bytes(), 1'000'000u);
  EXPECT_LT(ledger->readers()->bytes(), 1'200'000u) << "slabs and records, not much more";
  EXPECT_GE(ledger->process().bytes(), ledger->readers()->bytes() + ledger->writers()->bytes());
  ReceivedObject object;
  while (reader->read(object)) object = {};
  EXPECT_LT(ledger->readers()->bytes(), 100'000u) << "an arena's slab, and the queue's records";
}

TEST_F(PubSubLedgerTest, WhatWaitsForAFetchIsChargedAsWell) {
  begin({});
  write_groups(2, 100'000);
  const auto fetch = *client->fetch(kCounted, {0, 0}, {1, 0});
  run();
  EXPECT_GE(ledger->readers()->bytes(), 200'000u);
  ReceivedObject object;
  while (fetch->read(object)) object = {};
  EXPECT_LT(ledger->readers()->bytes(), 100'000u);
}

TEST_F(PubSubLedgerTest, AFullAccountOfReadersCostsTheOldest) {
  begin({.readers = 1'000'000});
  const auto reader = *client->subscribe(kCounted);
  run();
  write_groups(30, 100'000);
  EXPECT_LT(ledger->readers()->bytes(), 1'250'000u);
  EXPECT_GE(reader->objects_dropped(), 15u);
  ReceivedObject object;
  std::uint64_t last = 0;
  std::size_t read = 0;
  while (reader->read(object)) {
    if (object.implied) continue;
    last = object.location.group;
    ++read;
  }
  EXPECT_EQ(last, 29u) << "the newest are kept";
  EXPECT_EQ(read + reader->objects_dropped(), 30u);
}

TEST_F(PubSubLedgerTest, WhatAWriterKeepsIsChargedUntilItGoes) {
  begin({});
  write_groups(2, 100'000);
  EXPECT_GE(ledger->writers()->bytes(), 200'000u);
  EXPECT_LT(ledger->writers()->bytes(), 400'000u);
  server->remove_track(kCounted);
  writer.reset();
  EXPECT_EQ(ledger->writers()->bytes(), 0u);
}

TEST_F(PubSubLedgerTest, AFullAccountOfWritersCostsGroupsThatNobodyWaitsFor) {
  TrackOptions options;
  options.retention = {100'000'000, 1000, std::chrono::seconds(1000)};
  begin({.writers = 1'000'000}, options);
  write_groups(30, 100'000);
  EXPECT_LT(ledger->writers()->bytes(), 1'250'000u);
  const auto fetch = *client->fetch(kCounted, {29, 0}, {29, 0});
  run();
  ReceivedObject object;
  EXPECT_TRUE(fetch->read(object)) << "the newest is kept";
}

}  // namespace
}  // namespace msquic_py::testing
