#include "quic/address.h"

#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/socket.h>
#endif

#include <algorithm>
#include <charconv>
#include <cstring>

namespace msquic_py::quic {

Address Address::any(std::uint16_t port, Family family) noexcept {
  Address address;
  address.family_ = family;
  address.port_ = port;
  return address;
}

Address Address::from_bytes(Family family, const std::uint8_t* bytes, std::uint16_t port,
                            std::uint32_t scope_id) noexcept {
  Address address = any(port, family);
  std::copy_n(bytes, family == Family::IPv4 ? 4 : 16, address.bytes_.begin());
  address.scope_id_ = scope_id;
  return address;
}

std::optional<Address> Address::parse(std::string_view literal, std::uint16_t port) noexcept {
  if (literal.size() >= 2 && literal.front() == '[' && literal.back() == ']')
    literal = literal.substr(1, literal.size() - 2);
  char text[64];
  std::uint32_t scope = 0;
  if (const std::size_t percent = literal.find('%'); percent != std::string_view::npos) {
    const std::string_view zone = literal.substr(percent + 1);
    const auto [end, failure] = std::from_chars(zone.data(), zone.data() + zone.size(), scope);
    if (failure != std::errc{} || end != zone.data() + zone.size()) {
      char name[64];
      if (zone.empty() || zone.size() >= sizeof(name)) return std::nullopt;
      std::memcpy(name, zone.data(), zone.size());
      name[zone.size()] = '\0';
#if defined(_WIN32)
      return std::nullopt;
#else
      scope = if_nametoindex(name);
      if (scope == 0) return std::nullopt;
#endif
    }
    literal = literal.substr(0, percent);
  }
  if (literal.empty() || literal.size() >= sizeof(text)) return std::nullopt;
  std::memcpy(text, literal.data(), literal.size());
  text[literal.size()] = '\0';
  std::uint8_t bytes[16];
  if (scope == 0 && inet_pton(AF_INET, text, bytes) == 1) return from_bytes(Family::IPv4, bytes, port);
  if (inet_pton(AF_INET6, text, bytes) == 1) return from_bytes(Family::IPv6, bytes, port, scope);
  return std::nullopt;
}

bool Address::is_any() const noexcept {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::string Address::host() const {
  if (family_ == Family::Unspecified) return {};
  char text[64] = {};
  inet_ntop(family_ == Family::IPv4 ? AF_INET : AF_INET6, bytes_.data(), text, sizeof(text));
  std::string host(text);
  if (scope_id_ != 0) host += "%" + std::to_string(scope_id_);
  return host;
}

std::string Address::to_string() const {
  if (family_ == Family::IPv6) return "[" + host() + "]:" + std::to_string(port_);
  return (family_ == Family::Unspecified ? "*" : host()) + ":" + std::to_string(port_);
}

Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port) {
  if (auto literal = Address::parse(host, port)) return std::vector<Address>{*literal};
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  std::vector<Address> addresses;
  for (const addrinfo* each = failure == 0 ? found : nullptr; each != nullptr; each = each->ai_next) {
    if (each->ai_family == AF_INET) {
      sockaddr_in ipv4;
      std::memcpy(&ipv4, each->ai_addr, sizeof(ipv4));
      std::uint8_t bytes[4];
      std::memcpy(bytes, &ipv4.sin_addr, sizeof(bytes));
      addresses.push_back(Address::from_bytes(Address::Family::IPv4, bytes, port));
    } else if (each->ai_family == AF_INET6) {
      sockaddr_in6 ipv6;
      std::memcpy(&ipv6, each->ai_addr, sizeof(ipv6));
      std::uint8_t bytes[16];
      std::memcpy(bytes, &ipv6.sin6_addr, sizeof(bytes));
      addresses.push_back(
          Address::from_bytes(Address::Family::IPv6, bytes, port, static_cast<std::uint32_t>(ipv6.sin6_scope_id)));
    }
  }
  if (found != nullptr) freeaddrinfo(found);
  if (addresses.empty()) {
#if defined(_WIN32)
    const std::string why = "error " + std::to_string(failure);
#else
    const std::string why = failure == 0 ? "it has no address" : gai_strerror(failure);
#endif
    return base::Failure{Error::own(Status::NameResolutionFailed, "cannot resolve '" + host + "': " + why)};
  }
  return addresses;
}

}  // namespace msquic_py::quic
