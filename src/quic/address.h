#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quic/status.h"

namespace msquic_py::quic {

/// An IPv4 or IPv6 address with a UDP port.
class Address {
 public:
  enum class Family : std::uint8_t { Unspecified, IPv4, IPv6 };

  Address() = default;  ///< unspecified family, port 0: "any"
  /// The wildcard of `family` with `port`.
  static Address any(std::uint16_t port, Family family = Family::Unspecified) noexcept;
  /// An IP literal ("192.0.2.1", "2001:db8::1", "[::1]", "fe80::1%2"); nothing when it is not one.
  static std::optional<Address> parse(std::string_view literal, std::uint16_t port) noexcept;

  [[nodiscard]] Family family() const noexcept { return family_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] bool is_any() const noexcept;
  /// The address without the port: "192.0.2.1", "2001:db8::1"; empty when unspecified.
  [[nodiscard]] std::string host() const;
  /// "192.0.2.1:4433", "[2001:db8::1]:4433".
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint32_t scope_id() const noexcept { return scope_id_; }
  bool operator==(const Address&) const noexcept = default;

  static Address from_bytes(Family family, const std::uint8_t* bytes, std::uint16_t port,
                            std::uint32_t scope_id = 0) noexcept;

 private:
  Family family_ = Family::Unspecified;
  std::uint16_t port_ = 0;
  std::uint32_t scope_id_ = 0;
  std::array<std::uint8_t, 16> bytes_{};  // network order; IPv4 in the first four
};

/// Looks `host` up (getaddrinfo) in the order the system prefers. Blocks: never call it on an event loop or inside
/// a handler.
Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port);

}  // namespace msquic_py::quic
