#pragma once

#include <optional>

#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::wire::draft15 {

/// Codec::decode_empty_namespace of this draft, the one that tolerates such messages.
std::optional<DecodedControlMessage> decode_empty_namespace(base::Bytes bytes);

}  // namespace msquic_py::moqt::wire::draft15
