#pragma once

#include "moqt/model/parameter_list.h"
#include "moqt/wire/draft15/payload_reader.h"
#include "moqt/wire/draft15/payload_writer.h"
#include "moqt/wire/message_type.h"

namespace msquic_py::moqt::wire::draft15 {

/// Number of Parameters and the parameters themselves [d15 §9.2], read from `in` into `out`.
void decode_parameters(PayloadReader& in, MessageType message, ParameterList& out);
void encode_parameters(PayloadWriter& out, MessageType message, const ParameterList& parameters);

}  // namespace msquic_py::moqt::wire::draft15
