#pragma once

#include <nanobind/nanobind.h>

namespace msquic_py::python {

namespace nb = nanobind;

// The submodules of msquic._native. Each is filled by the files of its package, msquic_*.cpp and moqt_*.cpp.
void bind_msquic(nb::module_& m);
void bind_moqt(nb::module_& m);

}  // namespace msquic_py::python
