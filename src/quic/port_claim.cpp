#include "quic/port_claim.h"

#include "quic/platform_address.h"

#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

#include <cerrno>
#include <map>
#include <mutex>

namespace msquic_py::quic {
namespace {

struct Claims {
  std::mutex mutex;
  std::map<std::uint16_t, std::weak_ptr<PortClaim>> by_port;
};

Claims& claims() {
  static Claims* const instance = new Claims;  // used until the process ends
  return *instance;
}

#if defined(_WIN32)
using Socket = SOCKET;
void close_socket(Socket socket) { closesocket(socket); }
bool is_open(Socket socket) { return socket != INVALID_SOCKET; }
bool in_use() { return WSAGetLastError() == WSAEADDRINUSE || WSAGetLastError() == WSAEACCES; }
bool family_is_missing() { return WSAGetLastError() == WSAEAFNOSUPPORT; }
bool not_of_this_machine() { return WSAGetLastError() == WSAEADDRNOTAVAIL; }
#else
using Socket = int;
void close_socket(Socket socket) { ::close(socket); }
bool is_open(Socket socket) { return socket >= 0; }
bool in_use() { return errno == EADDRINUSE; }
bool family_is_missing() { return errno == EAFNOSUPPORT; }
bool not_of_this_machine() { return errno == EADDRNOTAVAIL || errno == ENODEV; }
#endif

/// Binds the dual-stack wildcard without sharing, the way MsQuic binds it with sharing.
bool port_is_taken(std::uint16_t port) {
  const Socket probe = ::socket(AF_INET6, SOCK_DGRAM, 0);
  if (!is_open(probe)) return false;  // no IPv6 here: MsQuic will say so itself
  const int dual_stack = 0;
  ::setsockopt(probe, IPPROTO_IPV6, IPV6_V6ONLY, reinterpret_cast<const char*>(&dual_stack), sizeof(dual_stack));
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_port = htons(port);
  const bool taken = ::bind(probe, reinterpret_cast<const sockaddr*>(&any), sizeof(any)) != 0 && in_use();
  close_socket(probe);
  return taken;
}

/// MsQuic binds the wildcard whatever the address is, and only filters by it what arrives: it would listen happily on
/// an address that nobody can ever send to.
bool address_is_missing(const Address& address) {
  const QUIC_ADDR wanted =
      to_msquic(Address::from_bytes(address.family(), address.bytes().data(), 0, address.scope_id()));
  const auto* const name = reinterpret_cast<const sockaddr*>(&wanted);
  const bool ipv4 = address.family() == Address::Family::IPv4;
  const Socket probe = ::socket(ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
  if (!is_open(probe)) return family_is_missing();
  const auto size = static_cast<socklen_t>(ipv4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
  const bool missing = ::bind(probe, name, size) != 0 && not_of_this_machine();
  close_socket(probe);
  return missing;
}

}  // namespace

Result<void> PortClaim::probe_address(const Address& address) {
  if (address.is_any() || !address_is_missing(address)) return {};
  return base::Failure{Error::own(Status::AddressNotAvailable, "cannot listen on '" + address.host() +
                                                                   "': no interface of this machine has that address")};
}

Result<void> PortClaim::probe(std::uint16_t port) {
  if (port == 0) return {};
  {
    const std::lock_guard lock(claims().mutex);
    const auto found = claims().by_port.find(port);
    if (found != claims().by_port.end() && !found->second.expired()) return {};
  }
  if (!port_is_taken(port)) return {};
  return base::Failure{Error::own(
      Status::AddressInUse, "UDP port " + std::to_string(port) +
                                " is in use by another socket: end the program that has it, or choose another port")};
}

std::shared_ptr<PortClaim> PortClaim::take(std::uint16_t port) {
  const std::lock_guard lock(claims().mutex);
  std::weak_ptr<PortClaim>& slot = claims().by_port[port];
  std::shared_ptr<PortClaim> claim = slot.lock();
  if (!claim) {
    claim = std::make_shared<PortClaim>(port);
    slot = claim;
  }
  return claim;
}

}  // namespace msquic_py::quic
