#pragma once

// Internal to this layer.

#include <msquic.h>

#include "quic/library_options.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// InvalidParameter, naming the option and its limits.
Result<void> check_options(const LibraryOptions& options);
/// `in_use`: a registration was opened, so that workers and load balancing are fixed.
Result<void> apply_options(const QUIC_API_TABLE& table, const LibraryOptions& options, bool in_use);
/// Only after a registration was opened: before that MsQuic has nowhere to keep it.
Result<void> apply_stateless_reset_key(const QUIC_API_TABLE& table, const LibraryOptions& options);
/// How many workers, and so partitions, MsQuic has with these options.
std::uint16_t worker_count(const LibraryOptions& options) noexcept;
/// What `from` sets replaces what `into` has.
void merge_options(LibraryOptions& into, const LibraryOptions& from) noexcept;

}  // namespace msquic_py::quic
