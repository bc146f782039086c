#include "msquic_logging.h"

#include <array>

namespace msquic_py::python {
namespace {

// Kept until the process ends, like the loggers themselves.
PyObject* logger_object(Logger logger) noexcept {
  static std::array<PyObject*, 3> objects{};
  static constexpr const char* kNames[] = {"connection_logger", "listener_logger", "tls_logger"};
  PyObject*& object = objects[static_cast<std::size_t>(logger)];
  if (object != nullptr) return object;
  PyObject* const module = PyImport_ImportModule("msquic._logging");
  if (module == nullptr) return nullptr;
  object = PyObject_GetAttrString(module, kNames[static_cast<std::size_t>(logger)]);
  Py_DECREF(module);
  return object;
}

}  // namespace

bool logs(Logger logger, long level) noexcept {
  PyObject* const object = logger_object(logger);
  PyObject* const answer = object == nullptr ? nullptr : PyObject_CallMethod(object, "isEnabledFor", "l", level);
  if (answer == nullptr) {
    PyErr_Clear();
    return false;
  }
  const bool enabled = PyObject_IsTrue(answer) == 1;
  Py_DECREF(answer);
  return enabled;
}

void log_event(const char* function, PyObject* first, PyObject* second) noexcept {
  PyObject* const module = PyImport_ImportModule("msquic._logging");
  PyObject* const callable = module == nullptr ? nullptr : PyObject_GetAttrString(module, function);
  PyObject* const done = callable == nullptr ? nullptr : PyObject_CallFunctionObjArgs(callable, first, second, nullptr);
  if (done == nullptr) PyErr_WriteUnraisable(module);
  Py_XDECREF(done);
  Py_XDECREF(callable);
  Py_XDECREF(module);
}

}  // namespace msquic_py::python
