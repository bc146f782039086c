#include "moqt/session/data/send_window.h"

#include <algorithm>

namespace msquic_py::moqt::session {

namespace {

constexpr std::size_t kPacket = 1400;
/// What the transport has in hand beyond the congestion window, at least.
constexpr std::size_t kLeastAhead = 4 * kPacket;
/// Smaller sends cost more than they save.
constexpr std::size_t kLeastSend = 8 * 1024;
/// Acknowledgements of a few packets may wait for company this long (RFC 9000 section 13.2.1 has 25 ms).
constexpr Duration kAcknowledgementDelay = std::chrono::milliseconds(50);

}  // namespace

void SendWindow::report(const TransportReport& report) noexcept {
  congestion_window_ = static_cast<std::size_t>(report.congestion_window);
  in_flight_ = static_cast<std::size_t>(report.bytes_in_flight);
  round_trip_ = report.round_trip;
  const auto posted = static_cast<std::size_t>(report.posted_bytes);
  const std::size_t unsent = posted > in_flight_ ? posted - in_flight_ : 0;
  const std::size_t ahead = std::max(kLeastAhead, congestion_window_ / 8);
  held_up_ = in_flight_ <= kPacket && unsent > 0;
  if (unsent <= ahead && most_ != static_cast<std::size_t>(-1)) {
    most_ *= 2;
    if (most_ >= congestion_window_ + ahead) most_ = static_cast<std::size_t>(-1);
  }
  // With much unsent, only what is acknowledged makes room: it is paced, or waits for flow control.
  // Reports count a send until its last byte is acknowledged, so that some of what looks unsent has arrived.
  const std::size_t uncertain = std::max(largest_send(), larger_send_);
  const bool much = unsent > ahead + uncertain;
  bytes_ = std::min(most_, much ? in_flight_ + ahead + uncertain / 2 : congestion_window_ + ahead);
}

void SendWindow::restrict() noexcept { bytes_ = most_ = kLeastAhead; }

std::size_t SendWindow::largest_send() const noexcept { return std::max(kLeastSend, congestion_window_ / 8); }

bool SendWindow::reaches(std::size_t outstanding) const noexcept {
  return congestion_window_ == 0 || held_up_ || outstanding + 2 * kPacket >= congestion_window_;
}

Duration SendWindow::patience() const noexcept { return 2 * round_trip_ + kAcknowledgementDelay; }

}  // namespace msquic_py::moqt::session
