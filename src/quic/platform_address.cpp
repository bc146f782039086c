#include "quic/platform_address.h"

#include <cstring>

namespace msquic_py::quic {

QUIC_ADDR to_msquic(const Address& address) noexcept {
  QUIC_ADDR out{};
  switch (address.family()) {
    case Address::Family::IPv4:
      QuicAddrSetFamily(&out, QUIC_ADDRESS_FAMILY_INET);
      std::memcpy(&out.Ipv4.sin_addr, address.bytes().data(), 4);
      break;
    case Address::Family::IPv6:
      QuicAddrSetFamily(&out, QUIC_ADDRESS_FAMILY_INET6);
      std::memcpy(&out.Ipv6.sin6_addr, address.bytes().data(), 16);
      out.Ipv6.sin6_scope_id = address.scope_id();
      break;
    case Address::Family::Unspecified: QuicAddrSetFamily(&out, QUIC_ADDRESS_FAMILY_UNSPEC); break;
  }
  QuicAddrSetPort(&out, address.port());
  return out;
}

Address from_msquic(const QUIC_ADDR& address) noexcept {
  const QUIC_ADDRESS_FAMILY family = QuicAddrGetFamily(&address);
  const std::uint16_t port = QuicAddrGetPort(&address);
  std::uint8_t bytes[16] = {};
  if (family == QUIC_ADDRESS_FAMILY_INET) {
    std::memcpy(bytes, &address.Ipv4.sin_addr, 4);
    return Address::from_bytes(Address::Family::IPv4, bytes, port);
  }
  if (family == QUIC_ADDRESS_FAMILY_INET6) {
    std::memcpy(bytes, &address.Ipv6.sin6_addr, 16);
    // An IPv4 peer of a dual-stack socket is shown as the IPv4 address that it is.
    static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::memcmp(bytes, kMapped, 12) == 0) return Address::from_bytes(Address::Family::IPv4, bytes + 12, port);
    return Address::from_bytes(Address::Family::IPv6, bytes, port,
                               static_cast<std::uint32_t>(address.Ipv6.sin6_scope_id));
  }
  return Address::any(port);
}

}  // namespace msquic_py::quic
