#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/shared_bytes.h"
#include "moqt/model/location.h"
#include "moqt/model/object_status.h"

namespace msquic_py::moqt::pubsub {

/// A whole object as a subscriber reads it. The payload is in as many pieces as it arrived in, or fewer.
struct ReceivedObject {
  Location location;
  std::uint64_t subgroup = 0;  ///< for a datagram, its Object ID
  std::uint8_t publisher_priority = 128;
  ObjectStatus status = ObjectStatus::kNormal;
  bool datagram = false;
  /// An end of group that was not sent as an object but follows from the stream's header and FIN, or from the type
  /// of a datagram: `status` is kEndOfGroup, `location` one past the last object.
  bool implied = false;
  base::SharedBytes extensions;  ///< raw pairs; session::decode_extension_block() reads them
  std::vector<base::SharedBytes> payload;
  std::size_t payload_size = 0;

  /// Copies the payload to `out`, which has room for payload_size bytes.
  void copy_payload(std::uint8_t* out) const noexcept;
};

}  // namespace msquic_py::moqt::pubsub
