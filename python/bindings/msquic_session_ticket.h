#pragma once

#include <Python.h>

#include "base/bytes.h"

namespace msquic_py::python {

/// The Python SessionTicket with these bytes, which on_resumption_ticket() gave: a new reference, or null with a Python
/// error set.
PyObject* session_ticket_object(base::Bytes ticket);

}  // namespace msquic_py::python
