#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shared_bytes.h"
#include "harness/raw_peer.h"
#include "moqt/session/session.h"

namespace msquic_py::testing {

/// One session of a draft with streams for requests, against a peer that is nothing but bytes written down in the test.
class RequestPeer {
 public:
  using RequestStreamId = moqt::session::RequestStreamId;

  /// What the session did with one stream.
  struct Stream {
    base::ByteVector bytes;
    bool opened = false;  ///< by the session
    bool fin = false;
    std::optional<std::uint64_t> reset;
    std::optional<std::uint64_t> stopped;
  };

  explicit RequestPeer(moqt::Perspective session_is, moqt::session::SessionConfig config = {},
                       moqt::Draft draft = moqt::Draft::k18)
      : session(draft, as(session_is, std::move(config))),
        shared_control_(!moqt::has_own_control_streams(draft)),
        control_stream_(session_is == moqt::Perspective::kServer ? 2 : 3),
        next_request_(session_is == moqt::Perspective::kClient ? 1
                      : shared_control_                        ? 4
                                                               : 0) {
    session.on_datagram_max_size(1200);
    session.start(now);
    drain();
  }

  /// Past SETUP, which is empty on the peer's side: 2F00 as vi64, no options. Up to draft 16 with credit for the
  /// session: MAX_REQUEST_ID 100.
  static RequestPeer established(moqt::Perspective session_is, moqt::session::SessionConfig config = {},
                                 moqt::Draft draft = moqt::Draft::k18) {
    RequestPeer peer(session_is, std::move(config), draft);
    if (peer.shared_control_) {
      peer.control(session_is == moqt::Perspective::kServer ? "20 0004 01 02 4064" : "21 0004 01 02 4064");
    } else {
      peer.control("af00 0000");
    }
    EXPECT_EQ(peer.session.state(), moqt::session::SessionState::kEstablished);
    peer.events.clear();
    peer.sent_control.clear();
    return peer;
  }

  /// Bytes of the peer's control stream.
  void control(std::string_view text, bool fin = false) {
    if (shared_control_) {
      session.on_control_data(now, hex(text));
      return drain();
    }
    session.on_uni_stream_data(now, control_stream_, base::SharedBytes::copy_of(hex(text)), fin);
    drain();
  }
  void control_bytewise(std::string_view text) {
    for (const std::uint8_t byte : hex(text)) {
      session.on_uni_stream_data(now, control_stream_, base::SharedBytes::copy_of({&byte, 1}), false);
      drain();
    }
  }
  void reset_control() {
    session.on_uni_stream_reset(now, control_stream_, 0);
    drain();
  }
  /// The peer opens a stream with these bytes.
  RequestStreamId open(std::string_view text, bool fin = false) {
    const RequestStreamId id{next_request_};
    next_request_ += 4;
    say(id, text, fin);
    return id;
  }
  void say(RequestStreamId id, std::string_view text, bool fin = false) {
    session.on_request_data(now, id, hex(text), fin);
    drain();
  }
  void say_bytewise(RequestStreamId id, std::string_view text) {
    for (const std::uint8_t byte : hex(text)) {
      session.on_request_data(now, id, {&byte, 1}, false);
      drain();
    }
  }
  void finish(RequestStreamId id) { say(id, "", true); }
  void reset(RequestStreamId id, std::uint64_t code = 1) {
    session.on_request_reset(now, id, code);
    drain();
  }
  void stop(RequestStreamId id, std::uint64_t code = 1) {
    session.on_request_stopped(now, id, code);
    drain();
  }
  /// As a subscriber does that is not interested any more: both directions at once.
  void cancel(RequestStreamId id, std::uint64_t code = 1) {
    session.on_request_stopped(now, id, code);
    session.on_request_reset(now, id, code);
    drain();
  }
  void stream(moqt::session::IncomingStreamId id, std::string_view text, bool fin = false) {
    session.on_uni_stream_data(now, id, base::SharedBytes::copy_of(hex(text)), fin);
    drain();
  }
  void datagram(std::string_view text) {
    session.on_datagram(now, base::SharedBytes::copy_of(hex(text)));
    drain();
  }
  void advance(moqt::session::Duration duration) {
    const auto end = now + duration;
    for (int step = 0; step < 10'000; ++step) {
      const auto next = session.next_deadline();
      if (!next || *next > end) break;
      now = std::max(now, *next);
      session.on_deadline(now);
      drain();
    }
    now = end;
  }

  void drain() {
    namespace ms = moqt::session;
    ms::Action action;
    while (session.poll_action(now, action)) {
      EXPECT_FALSE(closed) << "an action after CloseSession";
      if (auto* control = std::get_if<ms::SendControl>(&action)) {
        append(sent_control, control->bytes);
      } else if (auto* open = std::get_if<ms::OpenRequestStream>(&action)) {
        requests[open->stream].opened = true;
        opened.push_back(open->stream);
      } else if (auto* send = std::get_if<ms::SendRequest>(&action)) {
        Stream& its = requests[send->stream];
        EXPECT_FALSE(its.fin || its.reset) << "bytes behind the end of a stream";
        append(its.bytes, send->bytes);
        its.fin |= send->fin;
      } else if (auto* reset = std::get_if<ms::ResetRequest>(&action)) {
        requests[reset->stream].reset = reset->code;
      } else if (auto* stop = std::get_if<ms::StopRequest>(&action)) {
        requests[stop->stream].stopped = stop->code;
      } else if (auto* data = std::get_if<ms::SendStream>(&action)) {
        for (const auto& slice : data->slices) append(sent_stream, slice);
        session.on_stream_bytes_sent(data->stream, data->slices.bytes());
        fin_sent |= data->fin;
      } else if (auto* out = std::get_if<ms::SendDatagram>(&action)) {
        session.on_datagram_sent(out->slices.bytes());
      } else if (auto* reset_data = std::get_if<ms::ResetStream>(&action)) {
        resets.push_back(*reset_data);
      } else if (auto* stop_data = std::get_if<ms::StopSending>(&action)) {
        stopped.push_back(*stop_data);
      } else if (auto* close = std::get_if<ms::CloseSession>(&action)) {
        closed = *close;
      }
    }
    ms::Event event;
    while (session.poll_event(event)) events.push_back(std::move(event));
  }

  /// The bytes of that stream since the last call.
  base::ByteVector take(RequestStreamId id) { return std::exchange(requests[id].bytes, {}); }
  [[nodiscard]] std::optional<moqt::SessionErrorCode> close_code() const {
    return closed ? std::optional(static_cast<moqt::SessionErrorCode>(closed->code)) : std::nullopt;
  }
  template <class T>
  [[nodiscard]] std::vector<T> all() const {
    std::vector<T> found;
    for (const auto& event : events) {
      if (const auto* each = std::get_if<T>(&event)) found.push_back(*each);
    }
    return found;
  }
  template <class T>
  [[nodiscard]] T only() const {
    auto found = all<T>();
    EXPECT_EQ(found.size(), 1u) << "events of the kind asked for";
    return found.empty() ? T{} : found.front();
  }

  moqt::session::Session session;
  moqt::session::Time now{std::chrono::hours(1)};
  std::vector<moqt::session::Event> events;
  base::ByteVector sent_control;
  std::map<RequestStreamId, Stream> requests;
  std::vector<RequestStreamId> opened;  ///< by the session, oldest first
  base::ByteVector sent_stream;
  bool fin_sent = false;
  std::vector<moqt::session::StopSending> stopped;
  std::vector<moqt::session::ResetStream> resets;
  std::optional<moqt::session::CloseSession> closed;

 private:
  static moqt::session::SessionConfig as(moqt::Perspective perspective, moqt::session::SessionConfig config) {
    config.perspective = perspective;
    if (config.implementation == "msquic-py") config.implementation.clear();
    config.limits.max_auth_token_cache_bytes = 0;
    return config;
  }
  static void append(base::ByteVector& to, const base::SharedBytes& bytes) {
    to.insert(to.end(), bytes.data(), bytes.data() + bytes.size());
  }

  bool shared_control_;
  moqt::session::IncomingStreamId control_stream_;
  std::uint64_t next_request_;
};

}  // namespace msquic_py::testing
