#pragma once

#include <variant>

#include "base/bytes.h"
#include "moqt/model/track_namespace.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::session {

/// Namespaces that belong to the protocol: "." to nobody, ".session" to extensions, of which none is known here
/// (section 3.2 of draft-18). Others with a period in front are the application's.
inline bool is_reserved(const TrackNamespace& name) noexcept {
  if (name.field_count() == 0) return false;
  const auto first = base::as_text(name.fields().front());
  return first == "." || first == ".session";
}

/// Whether a message that begins a request is about such a namespace.
template <class Body>
bool names_reserved(const Body& message) noexcept {
  if constexpr (requires { message.track; }) {
    return is_reserved(message.track.track_namespace);
  } else if constexpr (requires { message.track_namespace; }) {
    return is_reserved(message.track_namespace);
  } else {
    return is_reserved(message.track_namespace_prefix);
  }
}
template <>
inline bool names_reserved(const wire::Fetch& message) noexcept {
  return std::visit(
      [](const auto& range) {
        if constexpr (requires { range.track; }) {
          return is_reserved(range.track.track_namespace);
        } else {
          return false;
        }
      },
      message.range);
}

}  // namespace msquic_py::moqt::session
