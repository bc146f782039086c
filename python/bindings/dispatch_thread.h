#pragma once

#include <Python.h>

#include <chrono>
#include <cstdint>

#include "dispatch_queue.h"

namespace msquic_py::python {

/// The one thread of this library that runs the handlers of the callback API. It is a daemon thread of `threading`
/// (so tracers and debuggers see it), starts with the first object that can have handlers, and lives until the
/// interpreter ends. All functions but queue() need the GIL.
class Dispatcher {
 public:
  static EventQueue& queue() noexcept;
  /// Starts the thread if it is not running. Raises a Python error (nb::python_error) when that is impossible.
  static void ensure_running();
  /// For atexit: no handler begins any more; waits for the one that is running, at most `grace`, without the GIL.
  static void stop(std::chrono::milliseconds grace);
  /// For a forked child, which has no such thread.
  static void after_fork_in_child() noexcept;
  [[nodiscard]] static bool is_current_thread() noexcept;
};

/// Reports the Python error that is set, which `handler` caused, to sys.unraisablehook and the logger "msquic", and
/// clears it. Needs the GIL.
void report_handler_error(PyObject* handler);
/// The same as call_handler() for a handler whose result matters: a new reference, or null when it raised.
PyObject* call_handler_for_result(PyObject* handler, PyObject* const* arguments, std::size_t count);
/// Calls `handler` with `arguments`, whose references it takes over. When the handler raises, that is reported to
/// sys.unraisablehook and the logger "msquic", and the result is false. Needs the GIL.
bool call_handler(PyObject* handler, PyObject* const* arguments, std::size_t count);

}  // namespace msquic_py::python
