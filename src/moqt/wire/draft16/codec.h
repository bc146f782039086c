#pragma once

#include "moqt/wire/codec.h"

/// draft-ietf-moq-transport-16. Section numbers in violation texts are those of its published text.
namespace msquic_py::moqt::wire::draft16 {

extern const Codec kCodec;

}  // namespace msquic_py::moqt::wire::draft16
