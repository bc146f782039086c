#include <openssl/rand.h>

#include <algorithm>
#include <string_view>

#include "quic/openssl_handles.h"
#include "quic/ticket_keys.h"

namespace msquic_py::quic {
namespace {

void fill(std::span<std::uint8_t> out, std::string_view label, base::Bytes keys) noexcept {
  for (std::size_t done = 0, part = 0; done < out.size(); ++part) {
    base::ByteVector input(label.begin(), label.end());
    input.push_back(static_cast<std::uint8_t>(part));
    input.insert(input.end(), keys.begin(), keys.end());
    const openssl::Sha256 digest = openssl::sha256(input);
    OPENSSL_cleanse(input.data(), input.size());
    const std::size_t size = std::min(digest.size(), out.size() - done);
    std::copy_n(digest.begin(), size, out.begin() + static_cast<std::ptrdiff_t>(done));
    done += size;
  }
}

}  // namespace

base::ByteVector random_ticket_keys() {
  base::ByteVector keys(kShortestTicketKeys);
  if (RAND_bytes(keys.data(), static_cast<int>(keys.size())) != 1) keys.clear();
  return keys;
}

void fill_ticket_key(base::Bytes keys, std::span<std::uint8_t> id, std::span<std::uint8_t> material) noexcept {
  fill(id, "msquic-py ticket key name", keys);
  fill(material, "msquic-py ticket key material", keys);
}

}  // namespace msquic_py::quic
