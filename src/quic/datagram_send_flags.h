#pragma once

#include <cstdint>

namespace msquic_py::quic {

enum class DatagramSendFlags : std::uint8_t {
  None = 0,
  AllowZeroRtt = 1,     ///< may go out as 0-RTT data, which an attacker can replay; MsQuic 2.5 waits all the same
  Priority = 2,         ///< ahead of the queued datagrams that were sent without it
  CancelOnBlocked = 4,  ///< not to wait: canceled when it cannot be sent at once
};
constexpr DatagramSendFlags operator|(DatagramSendFlags a, DatagramSendFlags b) noexcept {
  return static_cast<DatagramSendFlags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has_flag(DatagramSendFlags set, DatagramSendFlags flag) noexcept {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(flag)) != 0;
}

}  // namespace msquic_py::quic
