#pragma once

#include <cstdint>

#include "base/shared_bytes.h"
#include "moqt/model/location.h"
#include "moqt/model/object_status.h"

namespace msquic_py::moqt::session {

/// An object for the stream that answers a FETCH [d15 §10.4.4], or its beginning.
struct FetchObject {
  Location location{};
  std::uint64_t subgroup = 0;  ///< of an object that was a datagram: its Object ID
  std::uint8_t publisher_priority = 128;
  ObjectStatus status = ObjectStatus::kNormal;  ///< others have neither payload nor extensions
  base::SharedBytes extensions{};               ///< the raw pairs, without their length; copied
  std::uint64_t payload_length = 0;             ///< of the whole object
  bool datagram = false;                        ///< it travels as a datagram; not every draft says so
  base::SharedBytes payload{};                  ///< what is at hand of it, by reference
};

}  // namespace msquic_py::moqt::session
