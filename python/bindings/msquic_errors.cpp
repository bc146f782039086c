#include "msquic_errors.h"

#include "dispatch_exit.h"
#include "msquic_topics.h"
#include "quic/library.h"
#include "quic/wire_code.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

// The tree lives in Python, where classes can have two bases. It is looked up when needed: this extension is loaded
// before the module that defines it.
// Importing from a package runs code of importlib, even when it was imported before.
nb::object module_called(const char* name) {
  return call_python([name] { return nb::object(nb::module_::import_(name)); });
}
nb::object exceptions() { return module_called("msquic.exceptions"); }
nb::object by_status() { return module_called("msquic.exceptions.by_status"); }

[[noreturn]] void raise(const nb::object& exception) {
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
  throw nb::python_error();
}

nb::object status_exception(const quic::Error& error) {
  const std::string name(quic::status_name(error.status));
  const std::string message = error.message.empty() ? std::string(quic::status_text(error.status)) : error.message;
  const nb::object make = by_status().attr("from_status");
  return call_python(make, name.c_str(), error.raw, message.c_str());
}

}  // namespace

void raise_error(const quic::Error& error) { raise(status_exception(error)); }

void raise_named(const char* exception, const std::string& message) {
  const nb::object type = exceptions().attr(exception);
  raise(call_python(type, message.c_str()));
}

void raise_stream_error(const char* exception, const std::string& message, std::uint64_t code) {
  const std::string text = message + " with the application's code " + std::to_string(code);
  const nb::object type = exceptions().attr(exception);
  raise(call_python(type, text.c_str(), nb::arg("app_code") = code, nb::arg("remote") = true));
}

PyObject* exception_for(const quic::Error& error) {
  try {
    return status_exception(error).release().ptr();
  } catch (nb::python_error& raised) {
    raised.restore();
    return nullptr;
  }
}

nb::object close_exception(const quic::CloseReason& reason) {
  using Cause = quic::CloseReason::Cause;
  if (reason.cause == Cause::None || reason.cause == Cause::LocalApplication) return nb::none();
  const bool application = reason.cause == Cause::PeerApplication;
  const std::string name = application ? "PeerClosed" : std::string(quic::status_name(reason.status));
  std::string message = reason.message;
  if (message.empty()) {
    message = application ? "the peer closed the connection with application code " + std::to_string(reason.code)
                          : std::string(quic::status_text(reason.status));
  }
  const nb::object code = nb::int_(reason.code);
  const nb::object make = by_status().attr("from_close");
  return call_python(make, name.c_str(), reason.raw_status, message.c_str(),
                     reason.on_wire ? code : nb::object(nb::none()), application ? code : nb::object(nb::none()),
                     reason.remote, nb::str(reason.reason.data(), reason.reason.size()));
}

void bind_quic_errors(nb::module_& m) {
  m.def(
      "exception_from_status",
      [](std::int64_t status) {
        const quic::Error error = quic::Error::from_raw(status, {});
        return status_exception(error);
      },
      nb::arg("status"), nb::sig("def exception_from_status(status: int) -> msquic.exceptions.QuicError"),
      "The exception for a QUIC_STATUS number of MsQuic on this system, for example from its own traces. Not raised.");
  m.def(
      "wire_code_name", [](std::uint64_t code) { return nb::str(quic::describe_wire_code(code).c_str()); },
      nb::arg("code"), nb::sig("def wire_code_name(code: int) -> str"),
      "The name of a QUIC error code (RFC 9000 section 20.1) for people, e.g. \"FLOW_CONTROL_ERROR (0x3)\".");
}

void ensure_usable() {
  if (!quic::Library::forked()) return;
  raise_named("ForkedProcess", std::string(quic::status_text(quic::Status::ForkedProcess)));
}

}  // namespace msquic_py::python
