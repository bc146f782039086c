#include "module.h"

NB_MODULE(_native, m) {
  m.doc() = "The native part of msquic and moqt. Use those packages; nothing here is public.";
  m.attr("__version__") = MSQUIC_PY_VERSION;

  nanobind::module_ quic = m.def_submodule("quic", "QUIC: the native part of the package msquic.");
  msquic_py::python::bind_msquic(quic);

  nanobind::module_ moqt = m.def_submodule("moqt", "Media over QUIC Transport: the native part of the package moqt.");
  msquic_py::python::bind_moqt(moqt);
}
