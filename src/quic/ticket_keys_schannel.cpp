// Windows: MsQuic on Schannel takes the bytes as they are and makes its own when there are none. Not built or run on
// Windows yet.
#include <algorithm>

#include "quic/ticket_keys.h"

namespace msquic_py::quic {

base::ByteVector random_ticket_keys() { return {}; }

void fill_ticket_key(base::Bytes keys, std::span<std::uint8_t> id, std::span<std::uint8_t> material) noexcept {
  const std::size_t size = std::min(keys.size(), material.size());
  std::copy_n(keys.begin(), size, material.begin());
  std::fill(id.begin(), id.end(), std::uint8_t{0});
}

}  // namespace msquic_py::quic
