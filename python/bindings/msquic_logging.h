#pragma once

#include <Python.h>

namespace msquic_py::python {

/// The loggers of msquic._logging.
enum class Logger : unsigned char { Connection, Listener, Tls };

/// Whether somebody listens at `level` (20: INFO, 10: DEBUG). Needs the GIL; false when it cannot be found out.
bool logs(Logger logger, long level) noexcept;

/// Calls `function` of msquic._logging, with `arguments` borrowed. An exception is reported and cleared, for logging
/// must not change what happens. No Python reference is owned by a C++ object meanwhile; see EventTarget::dispatch().
void log_event(const char* function, PyObject* first, PyObject* second = nullptr) noexcept;

inline constexpr long kLogDebug = 10;
inline constexpr long kLogInfo = 20;
inline constexpr long kLogWarning = 30;

}  // namespace msquic_py::python
