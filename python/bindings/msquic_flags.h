#pragma once

// The bits of the flag enumerations in msquic/enums.py, which are MsQuic's.

#include "quic/connection.h"
#include "quic/stream.h"

namespace msquic_py::python {

namespace connection_shutdown_flag {
inline constexpr unsigned kSilent = 1;
}
namespace stream_open_flag {
inline constexpr unsigned kUnidirectional = 1;
inline constexpr unsigned kZeroRtt = 2;
}  // namespace stream_open_flag
namespace stream_start_flag {
inline constexpr unsigned kImmediate = 1;
inline constexpr unsigned kFailBlocked = 2;
inline constexpr unsigned kShutdownOnFail = 4;  // always done
}  // namespace stream_start_flag
namespace stream_shutdown_flag {
inline constexpr unsigned kGraceful = 1;
inline constexpr unsigned kAbortSend = 2;
inline constexpr unsigned kAbortReceive = 4;
inline constexpr unsigned kAbort = kAbortSend | kAbortReceive;
inline constexpr unsigned kImmediate = 8;
}  // namespace stream_shutdown_flag
namespace send_flag {
inline constexpr unsigned kAllowZeroRtt = 1;
inline constexpr unsigned kStart = 2;
inline constexpr unsigned kFin = 4;
inline constexpr unsigned kDatagramPriority = 8;
inline constexpr unsigned kDelaySend = 16;
inline constexpr unsigned kCancelOnBlocked = 128;
}  // namespace send_flag
namespace resumption_flag {
inline constexpr unsigned kFinal = 1;
}

constexpr quic::SendFlags native_send_flags(unsigned flags) noexcept {
  quic::SendFlags native = quic::SendFlags::None;
  if ((flags & send_flag::kAllowZeroRtt) != 0) native = native | quic::SendFlags::AllowZeroRtt;
  if ((flags & send_flag::kStart) != 0) native = native | quic::SendFlags::Start;
  if ((flags & send_flag::kFin) != 0) native = native | quic::SendFlags::Fin;
  if ((flags & send_flag::kDelaySend) != 0) native = native | quic::SendFlags::Delay;
  return native;
}

constexpr quic::DatagramSendFlags native_datagram_flags(unsigned flags) noexcept {
  quic::DatagramSendFlags native = quic::DatagramSendFlags::None;
  if ((flags & send_flag::kAllowZeroRtt) != 0) native = native | quic::DatagramSendFlags::AllowZeroRtt;
  if ((flags & send_flag::kDatagramPriority) != 0) native = native | quic::DatagramSendFlags::Priority;
  if ((flags & send_flag::kCancelOnBlocked) != 0) native = native | quic::DatagramSendFlags::CancelOnBlocked;
  return native;
}

constexpr quic::StreamStartFlags native_start_flags(unsigned flags) noexcept {
  quic::StreamStartFlags native = quic::StreamStartFlags::None;
  if ((flags & stream_start_flag::kImmediate) != 0) native = native | quic::StreamStartFlags::Immediate;
  if ((flags & stream_start_flag::kFailBlocked) != 0) native = native | quic::StreamStartFlags::FailBlocked;
  return native;
}

}  // namespace msquic_py::python
