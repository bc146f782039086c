#pragma once

#include "moqt/wire/control_message.h"
#include "unit/vectors/random_values.h"

namespace msquic_py::tests {

/// A control message that the draft has, of any kind, with parameters that may be in it.
moqt::wire::ControlMessage random_message(RandomValues& values);

}  // namespace msquic_py::tests
