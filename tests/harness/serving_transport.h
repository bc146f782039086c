#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "moqt/session/session.h"

namespace msquic_py::testing {

/// A transport beneath one session that sends when the test says so, the way QUIC stacks do: of the streams with unsent
/// bytes and flow control those of the highest priority, some packets of each in turn. Sent bytes count as
/// acknowledged.
class ServingTransport {
 public:
  static constexpr std::size_t kPacket = 1000;

  explicit ServingTransport(moqt::session::Session& session) : session_(session) {}

  struct Stream {
    std::uint16_t priority = 0;
    std::size_t unsent = 0;
    std::size_t sent = 0;
    std::size_t credit = std::numeric_limits<std::size_t>::max();  ///< of the peer, for all of the stream
  };

  /// Takes what the session wants to hand over now.
  void take(moqt::session::Time now) {
    using namespace moqt::session;  // NOLINT(google-build-using-namespace): the actions
    Action action;
    while (session_.poll_action(now, action)) {
      if (const auto* open = std::get_if<OpenStream>(&action)) {
        streams[open->stream.value].priority = open->priority;
        turns_.push_back(open->stream.value);
      } else if (const auto* change = std::get_if<PrioritizeStream>(&action)) {
        streams[change->stream.value].priority = change->priority;
      } else if (const auto* send = std::get_if<SendStream>(&action)) {
        streams[send->stream.value].unsent += send->slices.bytes();
      } else if (const auto* datagram = std::get_if<SendDatagram>(&action)) {
        datagrams.push_back(datagram->slices.bytes());
      }
    }
  }
  /// Sends up to so many bytes, taking more from the session after each packet. Gives whose bytes went, in order.
  std::vector<std::pair<std::uint64_t, std::size_t>> serve(moqt::session::Time now, std::size_t bytes) {
    std::vector<std::pair<std::uint64_t, std::size_t>> order;
    take(now);
    while (bytes > 0) {
      auto next = turns_.end();
      for (auto each = turns_.begin(); each != turns_.end(); ++each) {
        const Stream& stream = streams[*each];
        if (sendable(stream) > 0 && (next == turns_.end() || stream.priority > streams[*next].priority)) next = each;
      }
      if (next == turns_.end()) break;
      const std::uint64_t id = *next;
      turns_.erase(next);
      turns_.push_back(id);
      Stream& stream = streams[id];
      for (std::size_t packet = 0; packet < packets_in_turn && sendable(stream) > 0 && bytes > 0; ++packet) {
        const std::size_t size = std::min({sendable(stream), bytes, kPacket});
        stream.unsent -= size;
        stream.sent += size;
        bytes -= size;
        order.emplace_back(id, size);
        session_.on_stream_bytes_sent({id}, size);
        take(now);
      }
    }
    return order;
  }
  [[nodiscard]] std::size_t unsent() const {
    std::size_t bytes = 0;
    for (const auto& [id, stream] : streams) bytes += stream.unsent;
    return bytes;
  }

  std::size_t packets_in_turn = 1;
  std::map<std::uint64_t, Stream> streams;  ///< by the session's handle
  std::vector<std::size_t> datagrams;       ///< sizes, oldest first

 private:
  static std::size_t sendable(const Stream& stream) {
    return std::min(stream.unsent, stream.credit - std::min(stream.credit, stream.sent));
  }

  moqt::session::Session& session_;
  std::deque<std::uint64_t> turns_;
};

}  // namespace msquic_py::testing
