#pragma once

// How the errors of the quic layer become the exceptions of msquic.exceptions.

#include <nanobind/nanobind.h>

#include <string>
#include <type_traits>
#include <utility>

#include "quic/connection_handler.h"
#include "quic/status.h"

namespace msquic_py::python {

[[noreturn]] void raise_error(const quic::Error& error);
/// Raises the exception of msquic.exceptions with this class name.
[[noreturn]] void raise_named(const char* exception, const std::string& message);
/// Raises StreamReset or StreamStopped: the peer ended one direction of a stream with `code`.
[[noreturn]] void raise_stream_error(const char* exception, const std::string& message, std::uint64_t code);

template <class T>
T or_raise(quic::Result<T>&& result) {
  if (!result) raise_error(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

/// The exception for `error`, not raised; a new reference, or null with a Python error set.
PyObject* exception_for(const quic::Error& error);
/// The exception for the end of a connection; None when it was ended here or has not ended.
nanobind::object close_exception(const quic::CloseReason& reason);

/// Raises ForkedProcess in a forked child, where not even a mutex of this library may be taken.
void ensure_usable();

}  // namespace msquic_py::python
