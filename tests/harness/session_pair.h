#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/shared_bytes.h"
#include "moqt/session/session.h"

namespace msquic_py::testing {

namespace ms = msquic_py::moqt::session;

/// What one side of the pair has sent on one stream and the other has not read.
struct InFlightStream {
  ms::IncomingStreamId id = 0;
  ms::StreamHandle handle;
  base::ByteVector bytes;
  bool fin = false;
  std::optional<std::uint64_t> reset;
  bool paused = false;  ///< the reader takes no more of it
};

/// The same of one direction of a stream that carries a request.
struct InFlightRequest {
  base::ByteVector bytes;
  bool fin = false;
  std::optional<std::uint64_t> reset;
  std::optional<std::uint64_t> stop;  ///< of the other direction
};

/// One endpoint of the pair, with what the test wants to look at.
struct PairSide {
  PairSide(moqt::Draft draft, ms::SessionConfig config) : session(draft, std::move(config)) {}

  ms::Session session;
  std::vector<ms::Event> events;
  std::vector<ms::Action> actions;  ///< everything it ever did, oldest first
  std::optional<ms::CloseSession> closed;
  std::vector<InFlightStream> streams;  ///< that it writes
  std::uint64_t next_stream = 0;
  base::ByteVector control;  ///< written, not read by the other
  /// The same of streams that carry requests, by what the writer calls them.
  std::map<ms::RequestStreamId, InFlightRequest> requests;
  std::uint64_t control_stream = 0;  ///< the number of its control stream, where each side has one
  std::uint64_t next_request = 0;    ///< the number of the next stream for a request
  std::map<ms::RequestStreamId, ms::RequestStreamId> peer_names;  ///< its name of a stream: the other's
  std::deque<base::ByteVector> datagrams;
  bool hold_data = false;      ///< streams and datagrams stay in flight
  bool acknowledge = true;     ///< sent bytes are reported as sent at once
  bool reset_loses = true;     ///< what is in flight when a stream is reset, although it has been acknowledged
  bool collect_events = true;  ///< otherwise somebody else polls the session's events

  template <class T>
  [[nodiscard]] std::vector<T> all() const {
    std::vector<T> found;
    for (const auto& event : events) {
      if (const auto* each = std::get_if<T>(&event)) found.push_back(*each);
    }
    return found;
  }
  /// The only event of that kind so far; the test fails when there is none or more than one.
  template <class T>
  [[nodiscard]] T only() const {
    auto found = all<T>();
    EXPECT_EQ(found.size(), 1u) << "events of the kind asked for";
    return found.empty() ? T{} : found.front();
  }
  template <class T>
  [[nodiscard]] std::size_t count() const {
    return all<T>().size();
  }
  template <class T>
  [[nodiscard]] std::vector<T> done() const {
    std::vector<T> found;
    for (const auto& action : actions) {
      if (const auto* each = std::get_if<T>(&action)) found.push_back(*each);
    }
    return found;
  }
};

/// Two sessions joined in memory on a virtual clock. Bytes are cut at random places that follow from the seed;
/// everything is bounded, so that a mistake fails instead of hanging.
class SessionPair {
 public:
  /// Without `collect_events` the events stay in the sessions, for whoever sits on top of them.
  explicit SessionPair(std::uint32_t seed = 1, ms::SessionConfig client_config = {},
                       ms::SessionConfig server_config = {}, bool collect_events = true,
                       moqt::Draft draft = moqt::Draft::k15)
      : client(draft, as_client(std::move(client_config))),
        server(draft, as_server(std::move(server_config))),
        random_(seed) {
    client.collect_events = server.collect_events = collect_events;
    client.next_stream = 2;  // unidirectional streams of the client: 2, 6, …; of the server: 3, 7, …
    server.next_stream = 3;
    // Bidirectional ones: 0, 4, …, of which the first may be the control stream; 1, 5, …
    client.next_request = moqt::has_own_control_streams(draft) ? 0 : 4;
    server.next_request = 1;
    if (moqt::has_own_control_streams(draft)) {
      for (PairSide* side : {&client, &server}) {
        side->control_stream = side->next_stream;
        side->next_stream += 4;
      }
    }
    client.session.on_datagram_max_size(1200);
    server.session.on_datagram_max_size(1200);
  }

  PairSide client;
  PairSide server;
  ms::Time now{std::chrono::hours(1)};

  /// Both SETUPs. Events of it are left in the lists.
  void establish() {
    client.session.start(now);
    server.session.start(now);
    run();
    ASSERT_EQ(client.session.state(), ms::SessionState::kEstablished);
    ASSERT_EQ(server.session.state(), ms::SessionState::kEstablished);
  }

  /// Moves everything that can move without time passing. Whether anything did.
  bool run() {
    for (int round = 0; round < 100'000; ++round) {
      bool moved = drain(client);
      moved |= drain(server);
      moved |= carry(client, server);
      moved |= carry(server, client);
      if (!moved) return round > 0;
    }
    ADD_FAILURE() << "the sessions do not come to rest";
    return false;
  }

  /// Lets time pass, stopping at every deadline on the way.
  void advance(ms::Duration duration) {
    const ms::Time end = now + duration;
    run();
    for (int step = 0; step < 10'000; ++step) {
      std::optional<ms::Time> next;
      for (PairSide* side : {&client, &server}) {
        if (const auto deadline = side->session.next_deadline(); deadline && (!next || *deadline < *next))
          next = deadline;
      }
      if (!next || *next > end) break;
      now = std::max(now, *next);
      client.session.on_deadline(now);
      server.session.on_deadline(now);
      run();
    }
    now = end;
  }

  void clear_events() {
    client.events.clear();
    server.events.clear();
  }

 private:
  static ms::SessionConfig as_client(ms::SessionConfig config) {
    config.perspective = moqt::Perspective::kClient;
    return config;
  }
  static ms::SessionConfig as_server(ms::SessionConfig config) {
    config.perspective = moqt::Perspective::kServer;
    return config;
  }

  bool drain(PairSide& side) {
    bool moved = false;
    ms::Action action;
    while (side.session.poll_action(now, action)) {
      moved = true;
      EXPECT_FALSE(side.closed) << "an action after CloseSession";
      perform(side, action);
      side.actions.push_back(std::move(action));
    }
    ms::Event event;
    while (side.collect_events && side.session.poll_event(event)) {
      moved = true;
      side.events.push_back(std::move(event));
    }
    return moved;
  }

  InFlightStream* stream_of(PairSide& side, ms::StreamHandle handle) {
    for (auto& stream : side.streams) {
      if (stream.handle == handle) return &stream;
    }
    ADD_FAILURE() << "bytes for a stream that was not opened";
    return nullptr;
  }

  void perform(PairSide& side, const ms::Action& action) {
    PairSide& other = &side == &client ? server : client;
    if (const auto* control = std::get_if<ms::SendControl>(&action)) {
      side.control.insert(side.control.end(), control->bytes.data(), control->bytes.data() + control->bytes.size());
    } else if (const auto* request = std::get_if<ms::OpenRequestStream>(&action)) {
      side.peer_names[request->stream] = {side.next_request};
      other.peer_names[{side.next_request}] = request->stream;
      side.next_request += 4;
    } else if (const auto* said = std::get_if<ms::SendRequest>(&action)) {
      InFlightRequest& its = side.requests[said->stream];
      its.bytes.insert(its.bytes.end(), said->bytes.data(), said->bytes.data() + said->bytes.size());
      its.fin |= said->fin;
    } else if (const auto* broken = std::get_if<ms::ResetRequest>(&action)) {
      side.requests[broken->stream].bytes.clear();
      side.requests[broken->stream].reset = broken->code;
    } else if (const auto* unwanted = std::get_if<ms::StopRequest>(&action)) {
      side.requests[unwanted->stream].stop = unwanted->code;
    } else if (const auto* open = std::get_if<ms::OpenStream>(&action)) {
      side.streams.push_back({side.next_stream, open->stream, {}, false, {}});
      side.next_stream += 4;
    } else if (const auto* send = std::get_if<ms::SendStream>(&action)) {
      InFlightStream* stream = stream_of(side, send->stream);
      if (stream == nullptr) return;
      for (const auto& slice : send->slices)
        stream->bytes.insert(stream->bytes.end(), slice.data(), slice.data() + slice.size());
      stream->fin |= send->fin;
      if (side.acknowledge) side.session.on_stream_bytes_sent(send->stream, send->slices.bytes());
    } else if (const auto* reset = std::get_if<ms::ResetStream>(&action)) {
      if (InFlightStream* stream = stream_of(side, reset->stream)) {
        if (side.reset_loses) stream->bytes.clear();
        stream->reset = reset->code;
      }
    } else if (const auto* stop = std::get_if<ms::StopSending>(&action)) {
      for (auto& stream : other.streams) {
        if (stream.id == stop->stream) other.session.on_stop_sending(now, stream.handle, stop->code);
      }
    } else if (const auto* pause = std::get_if<ms::PauseStream>(&action)) {
      for (auto& stream : other.streams) stream.paused |= stream.id == pause->stream;
    } else if (const auto* resume = std::get_if<ms::ResumeStream>(&action)) {
      for (auto& stream : other.streams) stream.paused &= stream.id != resume->stream;
    } else if (const auto* datagram = std::get_if<ms::SendDatagram>(&action)) {
      base::ByteVector bytes;
      for (const auto& slice : datagram->slices) bytes.insert(bytes.end(), slice.data(), slice.data() + slice.size());
      if (side.acknowledge) side.session.on_datagram_sent(bytes.size());
      side.datagrams.push_back(std::move(bytes));
    } else if (const auto* close = std::get_if<ms::CloseSession>(&action)) {
      side.closed = *close;
      other.session.on_transport_closed(now, close->code, close->reason, /*by_peer=*/true);
    }
  }

  std::size_t cut(std::size_t available) { return std::uniform_int_distribution<std::size_t>(1, available)(random_); }

  bool carry_requests(PairSide& from, PairSide& to) {
    bool moved = false;
    for (auto& [name, its] : from.requests) {
      const ms::RequestStreamId there = from.peer_names.at(name);
      if (!its.bytes.empty()) {
        const std::size_t count = cut(its.bytes.size());
        const bool fin = its.fin && count == its.bytes.size();
        to.session.on_request_data(now, there, base::Bytes(its.bytes).first(count), fin);
        its.bytes.erase(its.bytes.begin(), its.bytes.begin() + static_cast<std::ptrdiff_t>(count));
        its.fin = its.fin && !fin;
        moved = true;
      } else if (its.fin) {
        its.fin = false;
        to.session.on_request_data(now, there, {}, true);
        moved = true;
      } else if (its.reset) {
        to.session.on_request_reset(now, there, *std::exchange(its.reset, std::nullopt));
        moved = true;
      } else if (its.stop) {
        to.session.on_request_stopped(now, there, *std::exchange(its.stop, std::nullopt));
        moved = true;
      }
    }
    return moved;
  }

  bool carry(PairSide& from, PairSide& to) {
    bool moved = false;
    if (!from.control.empty()) {
      const std::size_t count = cut(from.control.size());
      const base::Bytes piece = base::Bytes(from.control).first(count);
      if (from.control_stream != 0) {
        to.session.on_uni_stream_data(now, from.control_stream, base::SharedBytes::copy_of(piece), false);
      } else {
        to.session.on_control_data(now, piece);
      }
      from.control.erase(from.control.begin(), from.control.begin() + static_cast<std::ptrdiff_t>(count));
      moved = true;
    }
    moved |= carry_requests(from, to);
    if (from.hold_data) return moved;
    for (std::size_t i = 0; i < from.streams.size(); ++i) {
      InFlightStream& stream = from.streams[i];
      if (stream.paused && !stream.reset) continue;
      if (!stream.bytes.empty()) {
        const std::size_t count = cut(stream.bytes.size());
        const bool fin = stream.fin && count == stream.bytes.size();
        to.session.on_uni_stream_data(now, stream.id,
                                      base::SharedBytes::copy_of(base::Bytes(stream.bytes).first(count)), fin);
        stream.bytes.erase(stream.bytes.begin(), stream.bytes.begin() + static_cast<std::ptrdiff_t>(count));
        if (fin) stream.fin = false;
        moved = true;
      } else if (stream.fin) {
        stream.fin = false;
        to.session.on_uni_stream_data(now, stream.id, {}, true);
        moved = true;
      } else if (stream.reset) {
        const std::uint64_t code = *stream.reset;
        stream.reset.reset();
        to.session.on_uni_stream_reset(now, stream.id, code);
        moved = true;
      }
    }
    while (!from.datagrams.empty()) {
      to.session.on_datagram(now, base::SharedBytes::copy_of(from.datagrams.front()));
      from.datagrams.pop_front();
      moved = true;
    }
    return moved;
  }

  std::mt19937 random_;
};

}  // namespace msquic_py::testing
