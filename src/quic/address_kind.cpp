#include "quic/address_kind.h"

#include <algorithm>
#include <string>

namespace msquic_py::quic {
namespace {

bool is_ipv6(const Address& address) { return address.family() == Address::Family::IPv6; }

/// fe80::/10 (RFC 4291 section 2.5.6).
bool is_link_local(const Address& address) {
  return is_ipv6(address) && address.bytes()[0] == 0xfe && (address.bytes()[1] & 0xc0) == 0x80;
}

/// ff00::/8 (RFC 4291 section 2.7), 224.0.0.0/4 (RFC 5771).
bool is_multicast(const Address& address) {
  if (address.family() == Address::Family::Unspecified) return false;
  return is_ipv6(address) ? address.bytes()[0] == 0xff : (address.bytes()[0] & 0xf0) == 0xe0;
}

/// 255.255.255.255 (RFC 919 section 7).
bool is_broadcast(const Address& address) {
  return address.family() == Address::Family::IPv4 &&
         std::all_of(address.bytes().begin(), address.bytes().begin() + 4, [](auto byte) { return byte == 0xff; });
}

}  // namespace

std::optional<Error> check_kind(const Address& address, std::string_view doing) {
  std::string why;
  if (is_link_local(address) && address.scope_id() == 0) {
    why = "a link-local address means something on one interface only: name the interface, as in '" + address.host() +
          "%eth0'";
  } else if (is_multicast(address) || is_broadcast(address)) {
    why = "it is the address of many machines, and QUIC is spoken between two";
  } else {
    return std::nullopt;
  }
  return Error::own(Status::InvalidAddress, "cannot " + std::string(doing) + " '" + address.host() + "': " + why);
}

}  // namespace msquic_py::quic
