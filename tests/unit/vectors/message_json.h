#pragma once

#include "moqt/model/parameter.h"
#include "moqt/wire/control_message.h"
#include "unit/vectors/vector_file.h"

namespace msquic_py::tests {

/// The message in the form of the vectors, with every text as hex, so that two of them compare with ==.
Json to_json(moqt::Draft draft, const moqt::wire::ControlMessage& message);
/// The "message" of a vector in that form.
Json normalized_message(const Json& message);

/// Key-Value-Pairs of extension headers in the form of the vectors.
Json pairs_to_json(moqt::Draft draft, base::Bytes raw_extensions);
/// "extensions" of a vector in that form.
Json normalized_pairs(const Json& pairs);

}  // namespace msquic_py::tests
