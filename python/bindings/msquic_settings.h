#pragma once

#include <nanobind/nanobind.h>

#include "quic/settings.h"

namespace msquic_py::python {

/// The setting called `name` from a Python value; None keeps MsQuic's default. Raises InvalidArgumentType or
/// InvalidArgument, and TypeError for a name that is not a setting.
void set_setting(quic::Settings& settings, const char* name, nanobind::handle value);

}  // namespace msquic_py::python
