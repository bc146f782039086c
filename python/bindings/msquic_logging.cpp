#include "msquic_logging.h"

#include <array>
#include <atomic>

namespace msquic_py::python {
namespace {

// Kept until the process ends, like the loggers themselves.
PyObject* logger_object(Logger logger) noexcept {
  static std::array<std::atomic<PyObject*>, 3> objects{};
  static constexpr const char* kNames[] = {"connection_logger", "listener_logger", "tls_logger"};
  std::atomic<PyObject*>& object = objects[static_cast<std::size_t>(logger)];
  if (PyObject* const known = object.load(std::memory_order_acquire)) return known;
  PyObject* const module = PyImport_ImportModule("msquic._logging");
  if (module == nullptr) return nullptr;
  PyObject* const found = PyObject_GetAttrString(module, kNames[static_cast<std::size_t>(logger)]);
  Py_DECREF(module);
  // Two threads that ask at the same time find the same object, and one reference too many is kept.
  object.store(found, std::memory_order_release);
  return found;
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

namespace {

std::atomic<bool> connections_logged{false};

}  // namespace

void refresh_connection_logging() noexcept {
  connections_logged.store(logs(Logger::Connection, kLogWarning), std::memory_order_relaxed);
}

bool connections_are_logged() noexcept { return connections_logged.load(std::memory_order_relaxed); }

void log_connection_opened(PyObject* connection, bool resumed, const std::string& alpn) noexcept {
  if (!logs(Logger::Connection, kLogInfo)) return;
  PyObject* const name = PyBytes_FromStringAndSize(alpn.data(), static_cast<Py_ssize_t>(alpn.size()));
  if (name == nullptr) return PyErr_Clear();
  log_event("connection_opened", connection, resumed ? Py_True : Py_False, name);
  Py_DECREF(name);
}

void log_connection_ended(PyObject* connection, const quic::CloseReason& reason) noexcept {
  const bool failed = reason.cause == quic::CloseReason::Cause::Transport;
  if (!logs(Logger::Connection, failed ? kLogWarning : kLogInfo)) return;
  PyObject* const code = PyLong_FromUnsignedLongLong(reason.code);
  PyObject* const phrase =
      PyUnicode_DecodeUTF8(reason.reason.data(), static_cast<Py_ssize_t>(reason.reason.size()), "replace");
  if (code != nullptr && phrase != nullptr)
    log_event("connection_ended", connection, code, phrase);
  else
    PyErr_Clear();
  Py_XDECREF(code);
  Py_XDECREF(phrase);
}

void log_event(const char* function, PyObject* first, PyObject* second, PyObject* third) noexcept {
  PyObject* const module = PyImport_ImportModule("msquic._logging");
  PyObject* const callable = module == nullptr ? nullptr : PyObject_GetAttrString(module, function);
  PyObject* const done =
      callable == nullptr ? nullptr : PyObject_CallFunctionObjArgs(callable, first, second, third, nullptr);
  if (done == nullptr) PyErr_WriteUnraisable(module);
  Py_XDECREF(done);
  Py_XDECREF(callable);
  Py_XDECREF(module);
}

}  // namespace msquic_py::python
