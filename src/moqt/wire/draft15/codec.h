#pragma once

#include "moqt/wire/codec.h"

/// draft-ietf-moq-transport-15. Section numbers in violation texts are those of its published text.
namespace msquic_py::moqt::wire::draft15 {

extern const Codec kCodec;

}  // namespace msquic_py::moqt::wire::draft15
