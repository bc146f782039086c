#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/decoded.h"
#include "moqt/model/parameter_list.h"
#include "moqt/wire/encode_error.h"
#include "moqt/wire/message_type.h"

namespace msquic_py::moqt::wire::draft15 {

// The parameters of a message by themselves, for programs that hold them as types and bytes.

/// Appends Number of Parameters and the parameters [d15 §9.2], whatever message they are for.
void encode_parameters(const ParameterList& parameters, base::ByteVector& out, std::optional<EncodeError>& error);
/// Reads that as a receiver of `message` does; of a message that has no parameters, all as numbers and bytes.
std::optional<base::Violation> decode_parameters(base::Bytes bytes, MessageType message, ParameterList& out);

}  // namespace msquic_py::moqt::wire::draft15
