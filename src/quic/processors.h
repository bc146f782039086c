#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace msquic_py::quic {

/// Processors of the machine that are online.
std::uint16_t online_processors() noexcept;
/// How many of them this process may use: its affinity, and the quota of its control group (a container's "cpus",
/// rounded up) where the system has such. At least 1.
std::uint16_t usable_processors() noexcept;

/// The processors that a control group of version 2 grants: "150000 100000" are 2, "max 100000" is no limit.
std::optional<std::uint16_t> processors_of_quota(std::string_view cpu_max) noexcept;

}  // namespace msquic_py::quic
