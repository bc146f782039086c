#pragma once

// Internal to this layer: MsQuic's function table and the counts of open handles.

#include <msquic.h>

#include <atomic>
#include <cstdint>
#include <optional>

#include "quic/status.h"

namespace msquic_py::quic {

/// MsQuic's functions. Only valid while a handle is open, which keeps the library open.
const QUIC_API_TABLE& api() noexcept;

/// The partition, which is a worker, for the next client connection: they take turns. Left to itself MsQuic takes that
/// of the processor that the caller runs on, and an event loop runs on one.
std::uint16_t next_partition() noexcept;

/// Why nothing can be done any more in this process: forked or finalizing.
std::optional<Error> unusable();

enum class LibraryUse : std::uint8_t { Parameters, Registration };
/// Opens the library if necessary and keeps it open until release_library().
Result<void> acquire_library(LibraryUse use);
void release_library() noexcept;
/// After each: the first one gives MsQuic what it cannot take before.
Result<void> registration_is_open();

enum class ObjectKind : std::uint8_t { Configuration, Listener, Connection, Stream };
void count_opened(ObjectKind kind) noexcept;
void count_closed(ObjectKind kind) noexcept;

inline Error closed_handle(const char* what) {
  return Error::own(Status::ClosedHandle, std::string(what) + " is closed or was never opened");
}

}  // namespace msquic_py::quic
