#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/key_value_pair.h"
#include "moqt/model/location.h"
#include "moqt/model/object_status.h"
#include "moqt/session/data/datagram_properties.h"
#include "moqt/session/session_error.h"

namespace msquic_py::moqt::session {

/// An object's header, and what was asked for of its payload, made once for all who receive it: hand `wire` and
/// `delta_size` to Session::append_object.
struct EncodedObject {
  base::SharedBytes wire;
  std::size_t delta_size = 0;
  std::size_t extensions_offset = 0;  ///< of the pairs, in `wire`
};

/// Whether an object may have these extensions: what would make its track malformed is not published [d15 §11].
[[nodiscard]] bool may_be_published(Draft draft, base::Bytes extension_block, Location location);

/// The header of an object on a stream. `extension_block` is the raw pairs without their length; nothing for a
/// stream whose SubgroupProperties say that there are no extensions. A status other than kNormal goes without
/// payload and with an empty block. Of the payload, `payload` is copied right behind the header.
base::Result<EncodedObject, SessionError> encode_object(Draft draft, base::SlabArena& arena, std::uint64_t object,
                                                        std::optional<base::Bytes> extension_block,
                                                        std::uint64_t payload_length,
                                                        ObjectStatus status = ObjectStatus::kNormal,
                                                        base::Bytes payload = {});

/// What Session::send_datagram wants, made once for all who receive the object.
struct EncodedDatagram {
  DatagramProperties properties;
  base::SharedBytes after_alias;
};

struct DatagramFields {
  Location location;
  std::optional<std::uint8_t> publisher_priority;  ///< nothing inherits the track's
  base::Bytes extension_block;                     ///< raw pairs; empty: none
  bool end_of_group = false;
  std::optional<ObjectStatus> status;  ///< in place of a payload
  base::Bytes payload;
};
base::Result<EncodedDatagram, SessionError> encode_datagram(Draft draft, base::SlabArena& arena,
                                                            const DatagramFields& fields);

/// The form in which applications give and get extension blocks, whatever draft their session speaks.
inline constexpr Draft kApplicationForm = Draft::k15;
/// Whether an object's header on a stream, its extensions included, is the same in both drafts.
[[nodiscard]] bool same_object_form(Draft one, Draft other) noexcept;
/// A raw block of one draft as a raw block of another: the same pairs, those inside Immutable Extensions too.
base::Result<base::ByteVector, SessionError> translate_extension_block(Draft from, Draft to, base::Bytes block);

/// Extension pairs to a raw block and back. Decoding gives kInvalidParameter for a block that is not a sequence of
/// pairs; what this library received has been checked already.
base::Result<base::ByteVector, SessionError> encode_extension_block(Draft draft, const KeyValuePairs& extensions);
base::Result<KeyValuePairs, SessionError> decode_extension_block(Draft draft, base::Bytes block);

}  // namespace msquic_py::moqt::session
