#pragma once

#include <optional>

#include "base/bytes.h"
#include "moqt/model/draft.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::session {

/// The tolerance `empty-namespace-prefix`: reads a complete SUBSCRIBE_NAMESPACE, PUBLISH_NAMESPACE or
/// PUBLISH_NAMESPACE_DONE whose namespace has no fields, which the codec rightly refuses [d15 §9.23]. Nothing for
/// any other message, or when something else is wrong with it.
std::optional<wire::DecodedControlMessage> decode_with_empty_namespace(Draft draft, base::Bytes bytes);

}  // namespace msquic_py::moqt::session
