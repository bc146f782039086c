#include "module.h"

namespace msquic_py::python {

void bind_msquic([[maybe_unused]] nb::module_& m) {}

}  // namespace msquic_py::python
