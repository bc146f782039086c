#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace msquic_py::quic {

/// A resumption ticket as handed to programs: MsQuic's bytes with the server name, ALPN and trust settings it is good
/// for in front. No certificate is shown when a session is resumed, so a ticket must not carry trust from one server
/// name or trust setting to another.
struct ResumptionTicket {
  std::string_view server_name;
  std::string_view alpn;
  std::string_view trust;
  base::Bytes opaque;  ///< MsQuic's bytes

  [[nodiscard]] base::ByteVector encode() const;
  /// Views into `bytes`; nothing when they are not a ticket.
  static std::optional<ResumptionTicket> decode(base::Bytes bytes) noexcept;
};

}  // namespace msquic_py::quic
