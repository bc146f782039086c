#pragma once

#include <Python.h>

#include <string>

#include "quic/connection_handler.h"

namespace msquic_py::python {

/// The loggers of msquic._logging.
enum class Logger : unsigned char { Connection, Listener, Tls };

inline constexpr long kLogDebug = 10;
inline constexpr long kLogInfo = 20;
inline constexpr long kLogWarning = 30;

/// Whether somebody listens at `level` (20: INFO, 10: DEBUG). Needs the GIL; false when it cannot be found out.
bool logs(Logger logger, long level) noexcept;

/// Asks the loggers whether somebody listens to connections, for connections_are_logged(). Needs the GIL.
void refresh_connection_logging() noexcept;
/// What was found out last. Any thread; for objects whose events cost something to hand over.
bool connections_are_logged() noexcept;

/// The handshake of a Python object is complete, or it is over. Need the GIL.
void log_connection_opened(PyObject* connection, bool resumed, const std::string& alpn) noexcept;
void log_connection_ended(PyObject* connection, const quic::CloseReason& reason) noexcept;

/// Calls `function` of msquic._logging, with the arguments borrowed. An exception is reported and cleared, for logging
/// must not change what happens. No Python reference is owned by a C++ object meanwhile; see EventTarget::dispatch().
void log_event(const char* function, PyObject* first, PyObject* second = nullptr, PyObject* third = nullptr) noexcept;

}  // namespace msquic_py::python
