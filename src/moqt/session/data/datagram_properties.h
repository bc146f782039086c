#pragma once

#include <cstdint>
#include <optional>

#include "moqt/model/location.h"

namespace msquic_py::moqt::session {

/// What the send scheduler needs to know of an object that goes out as a datagram [d15 §10.3].
struct DatagramProperties {
  std::uint64_t type = 0;  ///< the datagram's type; says which fields `after_alias` has
  Location location;
  /// Nothing inherits the track's PUBLISHER_PRIORITY; must agree with `type`.
  std::optional<std::uint8_t> publisher_priority;
};

}  // namespace msquic_py::moqt::session
