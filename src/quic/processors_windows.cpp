#include <algorithm>
#include <thread>

#include "quic/processors.h"

namespace msquic_py::quic {

std::uint16_t online_processors() noexcept {
  return static_cast<std::uint16_t>(std::clamp(std::thread::hardware_concurrency(), 1u, 65535u));
}

std::uint16_t usable_processors() noexcept { return online_processors(); }

std::optional<std::uint16_t> processors_of_quota(std::string_view) noexcept { return std::nullopt; }

}  // namespace msquic_py::quic
