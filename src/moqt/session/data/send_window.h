#pragma once

#include <cstddef>

#include "moqt/session/time.h"
#include "moqt/session/transport_report.h"

namespace msquic_py::moqt::session {

/// How many bytes the transport may hold: what it can have on the way, and just so much more that it has something to
/// send when an acknowledgement makes room. What is beyond that would only wait where nothing can overtake it.
///
/// A transport does not say how much the peer's flow control still admits. That it sends less than it could shows in
/// its reports: much of what it was given is not on the way although the congestion window has room.
class SendWindow {
 public:
  /// `bytes` until the first report.
  explicit SendWindow(std::size_t bytes) noexcept : bytes_(bytes) {}

  void set(std::size_t bytes) noexcept { bytes_ = bytes; }
  void report(const TransportReport& report) noexcept;
  /// The peer's flow control holds everything up: begins anew with a few packets, and doubles while they leave.
  void restrict() noexcept;

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// The most of one send, unless that is all there is to send.
  [[nodiscard]] std::size_t largest_send() const noexcept;
  /// A send that was larger. Until everything is acknowledged reports say less about what is unsent.
  void note_send(std::size_t bytes) noexcept { larger_send_ = bytes > larger_send_ ? bytes : larger_send_; }
  void note_idle() noexcept { larger_send_ = 0; }
  /// Nothing is on the way, and still there is something unsent.
  [[nodiscard]] bool held_up() const noexcept { return held_up_; }
  /// Whether some of `outstanding` bytes may be unsent.
  [[nodiscard]] bool reaches(std::size_t outstanding) const noexcept;
  /// Whether the path has room for more than is on the way, so that what does not leave is held up by the peer.
  [[nodiscard]] bool has_room() const noexcept { return in_flight_ < congestion_window_ / 2; }
  /// Bytes that nobody acknowledged for so long were not sent, unless they were lost.
  [[nodiscard]] Duration patience() const noexcept;

 private:
  std::size_t bytes_;
  std::size_t most_ = static_cast<std::size_t>(-1);
  std::size_t congestion_window_ = 0;  ///< 0: no report yet
  std::size_t in_flight_ = 0;
  std::size_t larger_send_ = 0;
  Duration round_trip_{};
  bool held_up_ = false;
};

}  // namespace msquic_py::moqt::session
