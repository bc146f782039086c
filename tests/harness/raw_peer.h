#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/shared_bytes.h"
#include "moqt/session/session.h"

namespace msquic_py::testing {

/// Bytes written as hexadecimal digits; spaces and '|' are for the reader.
inline base::ByteVector hex(std::string_view text) {
  base::ByteVector bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ' || c == '|' || c == '\n') continue;
    const int digit = c >= 'a' ? c - 'a' + 10 : c - '0';
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}

/// One session against a peer that is nothing but bytes written down in the test.
class RawPeer {
 public:
  explicit RawPeer(moqt::Perspective session_is, moqt::session::SessionConfig config = {})
      : session(moqt::Draft::k15, as(session_is, std::move(config))) {
    session.on_datagram_max_size(1200);
    session.start(now);
    drain();
  }

  /// Past SETUP, with credit for the session: MAX_REQUEST_ID 100 from the peer.
  static RawPeer established(moqt::Perspective session_is, moqt::session::SessionConfig config = {}) {
    RawPeer peer(session_is, std::move(config));
    peer.control(session_is == moqt::Perspective::kServer ? "20 0004 01 02 4064" : "21 0004 01 02 4064");
    EXPECT_EQ(peer.session.state(), moqt::session::SessionState::kEstablished);
    peer.events.clear();
    peer.sent_control.clear();
    return peer;
  }

  void control(std::string_view text) {
    const auto bytes = hex(text);
    session.on_control_data(now, bytes);
    drain();
  }
  void stream(moqt::session::IncomingStreamId id, std::string_view text, bool fin = false) {
    session.on_uni_stream_data(now, id, base::SharedBytes::copy_of(hex(text)), fin);
    drain();
  }
  /// The same in pieces of one byte, as the transport may hand them over.
  void control_bytewise(std::string_view text) {
    for (const std::uint8_t byte : hex(text)) {
      session.on_control_data(now, {&byte, 1});
      drain();
    }
  }
  void stream_bytewise(moqt::session::IncomingStreamId id, std::string_view text, bool fin = false) {
    const auto bytes = hex(text);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      session.on_uni_stream_data(now, id, base::SharedBytes::copy_of({&bytes[i], 1}), fin && i + 1 == bytes.size());
      drain();
    }
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
    moqt::session::Action action;
    while (session.poll_action(now, action)) {
      EXPECT_FALSE(closed) << "an action after CloseSession";
      if (auto* send = std::get_if<moqt::session::SendControl>(&action)) {
        sent_control.insert(sent_control.end(), send->bytes.data(), send->bytes.data() + send->bytes.size());
      } else if (auto* close = std::get_if<moqt::session::CloseSession>(&action)) {
        closed = *close;
      } else if (auto* stop = std::get_if<moqt::session::StopSending>(&action)) {
        stopped.push_back(*stop);
      } else if (auto* send_stream = std::get_if<moqt::session::SendStream>(&action)) {
        for (const auto& slice : send_stream->slices)
          sent_stream.insert(sent_stream.end(), slice.data(), slice.data() + slice.size());
        session.on_stream_bytes_sent(send_stream->stream, send_stream->slices.bytes());
        fin_sent |= send_stream->fin;
      } else if (auto* reset = std::get_if<moqt::session::ResetStream>(&action)) {
        resets.push_back(*reset);
      } else if (auto* datagram_out = std::get_if<moqt::session::SendDatagram>(&action)) {
        for (const auto& slice : datagram_out->slices)
          sent_datagram.insert(sent_datagram.end(), slice.data(), slice.data() + slice.size());
        session.on_datagram_sent(datagram_out->slices.bytes());
      }
    }
    moqt::session::Event event;
    while (session.poll_event(event)) events.push_back(std::move(event));
  }

  /// The code the session closed with; nothing while it is open.
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

  moqt::session::Session session;
  moqt::session::Time now{std::chrono::hours(1)};
  std::vector<moqt::session::Event> events;
  base::ByteVector sent_control;
  base::ByteVector sent_stream;
  base::ByteVector sent_datagram;
  bool fin_sent = false;
  std::vector<moqt::session::StopSending> stopped;
  std::vector<moqt::session::ResetStream> resets;
  std::optional<moqt::session::CloseSession> closed;

 private:
  static moqt::session::SessionConfig as(moqt::Perspective perspective, moqt::session::SessionConfig config) {
    config.perspective = perspective;
    return config;
  }
};

}  // namespace msquic_py::testing
