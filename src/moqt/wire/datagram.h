#pragma once

#include <cstdint>
#include <optional>

#include "base/decoded.h"
#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/location.h"
#include "moqt/model/object_status.h"
#include "moqt/wire/encode_error.h"

namespace msquic_py::moqt::wire {

/// OBJECT_DATAGRAM, [d15 §10.3.1]. The 24 types are the combinations of what is present.
struct ObjectDatagram {
  std::uint64_t track_alias = 0;
  Location location{};
  std::optional<std::uint8_t> publisher_priority{};  ///< nothing: that of SUBSCRIBE_OK or PUBLISH
  base::SharedBytes extensions{};                    ///< raw block, without its length; empty: none
  bool end_of_group = false;                         ///< the last object of its group; not together with a status
  std::optional<ObjectStatus> status{};              ///< in place of the payload
  base::SharedBytes payload{};                       ///< the rest of the datagram; may be empty
};
bool operator==(const ObjectDatagram& left, const ObjectDatagram& right) noexcept;

/// The type that encode_object_datagram chooses. It leaves out Object ID 0, except beside both a status and an
/// absent priority: 0x2C and 0x2D are read in two ways and never sent.
std::uint64_t object_datagram_type(const ObjectDatagram& datagram) noexcept;

/// A datagram is complete or wrong: never NeedMore. Extensions and payload are slices of `bytes`.
base::Decoded<ObjectDatagram> decode_object_datagram(Draft draft, const base::SharedBytes& bytes);
EncodeResult encode_object_datagram(Draft draft, const ObjectDatagram& datagram, base::ByteVector& out);

/// Appends everything before the payload, for senders that gather it with a payload they hold elsewhere;
/// datagram.payload is not looked at except for being empty.
EncodeResult encode_object_datagram_header(Draft draft, const ObjectDatagram& datagram, base::ByteVector& out);

}  // namespace msquic_py::moqt::wire
