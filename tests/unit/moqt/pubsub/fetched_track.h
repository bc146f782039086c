#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "unit/moqt/pubsub/endpoint_pair.h"

namespace msquic_py::testing::fetched_track {

using namespace moqt::pubsub;  // NOLINT(google-build-using-namespace): the classes under test
using moqt::FullTrackName;
using moqt::Location;
using moqt::RequestErrorCode;
using moqt::TrackNamespace;
using moqt::session::JoiningStart;
using Strings = std::vector<std::string>;

inline const FullTrackName kPast{TrackNamespace{"a"}, "t"};

inline TrackOptions keeping(moqt::objects::Retention retention) {
  TrackOptions options;
  options.retention = retention;
  return options;
}

inline void write_group(TrackWriter& writer, std::uint64_t number, std::size_t objects) {
  const auto group = *writer.begin_group(number);
  for (std::size_t i = 0; i < objects; ++i) ASSERT_TRUE(group->write(shared(std::to_string(i))).ok());
  group->finish();
}

/// Lets go of what the transport has of the publisher's streams, as a peer does that reads: not while it has paused
/// one.
inline void acknowledge(EndpointPair& pair, std::size_t& acknowledged) {
  PairSide& publisher = pair.sessions.server;
  for (const InFlightStream& stream : publisher.streams) {
    if (stream.paused) return;
  }
  const auto sent = publisher.done<ms::SendStream>();
  for (; acknowledged < sent.size(); ++acknowledged) {
    publisher.session.on_stream_bytes_sent(sent[acknowledged].stream, sent[acknowledged].slices.bytes());
  }
}

}  // namespace msquic_py::testing::fetched_track
