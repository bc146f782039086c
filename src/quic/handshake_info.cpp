#include "quic/handshake_info.h"

#include <array>
#include <charconv>
#include <string_view>

namespace msquic_py::quic {
namespace {

std::string in_hexadecimal(std::uint32_t number) {
  std::array<char, 8> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return "0x" + std::string(digits.data(), end);
}

struct Name {
  std::uint32_t number;
  std::string_view name;
};

template <std::size_t N>
std::string find(const Name (&names)[N], std::uint32_t number) {
  for (const Name& each : names) {
    if (each.number == number) return std::string(each.name);
  }
  return number == 0 ? std::string() : in_hexadecimal(number);
}

}  // namespace

std::string quic_version_name(std::uint32_t version) {
  static constexpr Name kNames[] = {{0x00000001, "QUICv1"}, {0x6b3343cf, "QUICv2"}};
  return find(kNames, version);
}

std::string cipher_suite_name(std::uint16_t suite) {
  static constexpr Name kNames[] = {
      {0x1301, "TLS_AES_128_GCM_SHA256"}, {0x1302, "TLS_AES_256_GCM_SHA384"}, {0x1303, "TLS_CHACHA20_POLY1305_SHA256"}};
  return find(kNames, suite);
}

std::string tls_group_name(std::uint16_t group) {
  static constexpr Name kNames[] = {{23, "secp256r1"},
                                    {24, "secp384r1"},
                                    {25, "secp521r1"},
                                    {29, "x25519"},
                                    {30, "x448"},
                                    {512, "MLKEM512"},
                                    {513, "MLKEM768"},
                                    {514, "MLKEM1024"},
                                    {4587, "SecP256r1MLKEM768"},
                                    {4588, "X25519MLKEM768"},
                                    {4589, "SecP384r1MLKEM1024"}};
  return find(kNames, group);
}

}  // namespace msquic_py::quic
