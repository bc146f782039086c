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
bool not_permitted() { return false; }  // WSAEACCES says that somebody has the port for itself
bool family_is_missing() { return WSAGetLastError() == WSAEAFNOSUPPORT; }
bool not_of_this_machine() { return WSAGetLastError() == WSAEADDRNOTAVAIL; }
#else
using Socket = int;
void close_socket(Socket socket) { ::close(socket); }
bool is_open(Socket socket) { return socket >= 0; }
bool in_use() { return errno == EADDRINUSE; }
bool not_permitted() { return errno == EACCES || errno == EPERM; }
bool family_is_missing() { return errno == EAFNOSUPPORT; }
bool not_of_this_machine() { return errno == EADDRNOTAVAIL || errno == ENODEV; }
#endif

/// The wildcard of both families with `port`, bound without sharing, the way MsQuic binds it with sharing. Nothing
/// where there is no IPv6: MsQuic will say so itself.
class ExclusiveSocket {
 public:
  explicit ExclusiveSocket(std::uint16_t port) noexcept : socket_(::socket(AF_INET6, SOCK_DGRAM, 0)) {
    if (!is_open(socket_)) return;
    const int dual_stack = 0;
    ::setsockopt(socket_, IPPROTO_IPV6, IPV6_V6ONLY, reinterpret_cast<const char*>(&dual_stack), sizeof(dual_stack));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port);
    const bool bound = ::bind(socket_, reinterpret_cast<const sockaddr*>(&any), sizeof(any)) == 0;
    taken_ = !bound && in_use();
    forbidden_ = !bound && !taken_ && not_permitted();
  }
  ExclusiveSocket(const ExclusiveSocket&) = delete;
  ExclusiveSocket& operator=(const ExclusiveSocket&) = delete;
  ~ExclusiveSocket() {
    if (is_open(socket_)) close_socket(socket_);
  }

  [[nodiscard]] bool taken() const noexcept { return taken_; }
  [[nodiscard]] bool forbidden() const noexcept { return forbidden_; }
  /// The port that it got; 0 when it got none.
  [[nodiscard]] std::uint16_t port() const noexcept {
    sockaddr_in6 name{};
    socklen_t size = sizeof(name);
    if (!is_open(socket_) || ::getsockname(socket_, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
    return ntohs(name.sin6_port);
  }

 private:
  Socket socket_;
  bool taken_ = false;
  bool forbidden_ = false;
};

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
  const ExclusiveSocket socket(port);
  if (socket.forbidden()) {
    return base::Failure{Error::own(
        Status::AddressNotAvailable,
        "this program may not listen on UDP port " + std::to_string(port) +
            ": the system keeps the low ports for privileged programs (CAP_NET_BIND_SERVICE); choose another port")};
  }
  if (!socket.taken()) return {};
  return base::Failure{Error::own(
      Status::AddressInUse, "UDP port " + std::to_string(port) +
                                " is in use by another socket: end the program that has it, or choose another port")};
}

std::shared_ptr<PortClaim> PortClaim::take_free() {
  constexpr int kTries = 16;  // another thread of this process may be about to use the port that the system names
  for (int tried = 0; tried < kTries; ++tried) {
    const std::uint16_t port = ExclusiveSocket(0).port();
    if (port == 0) break;
    const std::lock_guard lock(claims().mutex);
    std::weak_ptr<PortClaim>& slot = claims().by_port[port];
    if (!slot.expired()) continue;
    auto claim = std::make_shared<PortClaim>(port);
    slot = claim;
    return claim;
  }
  return nullptr;
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
