#include "module.h"

#include <exception>

namespace {

/// An argument of the wrong type that no function names: nanobind says std::bad_cast, which is a RuntimeError.
void translate_bad_cast(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const nanobind::cast_error&) {
    PyErr_SetString(PyExc_TypeError, "an argument has the wrong type");
  }
}

}  // namespace

NB_MODULE(_native, m) {
  nanobind::register_exception_translator(translate_bad_cast);
  m.doc() = "The native part of msquic and moqt. Use those packages; nothing here is public.";
  m.attr("__version__") = MSQUIC_PY_VERSION;

  nanobind::module_ quic = m.def_submodule("quic", "QUIC: the native part of the package msquic.");
  msquic_py::python::bind_msquic(quic);

  nanobind::module_ moqt = m.def_submodule("moqt", "Media over QUIC Transport: the native part of the package moqt.");
  msquic_py::python::bind_moqt(moqt);
}
