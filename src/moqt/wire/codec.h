#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/decoded.h"
#include "moqt/model/draft.h"
#include "moqt/wire/code_numbers.h"
#include "moqt/wire/control_message.h"
#include "moqt/wire/datagram.h"
#include "moqt/wire/extensions.h"
#include "moqt/wire/fetch_stream.h"
#include "moqt/wire/stream_header_decoder.h"
#include "moqt/wire/subgroup.h"

namespace msquic_py::moqt::wire {

/// Where the parts of an object's header lie in its bytes, and what they say.
struct ObjectLayout {
  std::uint64_t object_id = 0;
  std::uint64_t payload_length = 0;
  ObjectStatus status = ObjectStatus::kNormal;
  std::uint32_t size = 0;  ///< of the header, up to the payload
  std::uint32_t delta_size = 0;
  std::uint32_t extensions_offset = 0;
  std::uint32_t extensions_size = 0;
};

struct FetchObjectLayout {
  ObjectLayout object;
  std::uint64_t group_id = 0;
  std::uint64_t subgroup_id = 0;
  std::uint8_t publisher_priority = 0;
  bool datagram = false;
  std::uint16_t flags = 0;  ///< above 127: the end of a range, with nothing but a location
  FetchPriorObject prior{};

  [[nodiscard]] std::optional<FetchGap> gap() const noexcept {
    return flags > 127 ? std::optional(static_cast<FetchGap>(flags)) : std::nullopt;
  }
};

enum class StreamKind : std::uint8_t { kSubgroup, kFetch, kControl, kPadding };

struct DecodedStreamHeader {
  StreamHeader header;
  std::size_t size;
};

/// An integer, and the bytes that it occupied, which may be more than it needs.
struct DecodedInteger {
  std::uint64_t value;
  std::size_t size;
};
/// No draft needs more bytes for an integer.
inline constexpr std::size_t kMaxIntegerSize = 9;

/// What differs from draft to draft: one constant object each, in the folder of the draft. The functions named in the
/// other headers of this layer forward to the codec of their draft.
struct Codec {
  Draft draft;
  /// The largest integer that has an encoding.
  std::uint64_t largest_integer;
  /// Bytes of its shortest encoding; 0 for one that is too large.
  std::size_t (*integer_size)(std::uint64_t) noexcept;
  /// Writes that to `out`, which has room for kMaxIntegerSize bytes, and returns its size.
  std::size_t (*encode_integer)(std::uint64_t, std::uint8_t* out) noexcept;
  /// The integer at the beginning; nothing when it is not complete yet.
  std::optional<DecodedInteger> (*decode_integer)(base::Bytes) noexcept;

  base::Decoded<DecodedControlMessage> (*decode_control_message)(base::Bytes);
  EncodeResult (*encode_control_message)(const ControlMessage&, base::ByteVector&);
  /// For the tolerance of a namespace without fields: a complete SUBSCRIBE_NAMESPACE, PUBLISH_NAMESPACE or
  /// PUBLISH_NAMESPACE_DONE that has one, which decode_control_message rightly refuses. Nothing for any other message,
  /// or when something else is wrong with it.
  std::optional<DecodedControlMessage> (*decode_empty_namespace)(base::Bytes);

  /// What of a message is right or wrong only where it is. `request` is the type of the message that a REQUEST_OK or
  /// REQUEST_ERROR answers, or of the one that began the request of a REQUEST_UPDATE: the parameters that may be there,
  /// Track Properties (TRACK_STATUS alone has them in its answer), a Track Name in the Redirect of a request about a
  /// namespace. Nothing when all is well, for other messages, and always up to draft 16.
  std::optional<base::Violation> (*check_scope)(const MessageBody&, MessageType request) noexcept;

  /// How the draft numbers the codes of its messages, and those of RESET_STREAM and STOP_SENDING, which who sends them
  /// has to ask: number_of(codes, code) and code_of<Code>(codes, number).
  CodeNumbers codes;

  base::Decoded<StreamKind> (*decode_stream_kind)(base::Bytes);
  base::Decoded<DecodedStreamHeader> (*decode_stream_header)(base::Bytes);
  EncodeResult (*encode_subgroup_header)(const SubgroupHeader&, base::ByteVector&);
  EncodeResult (*encode_fetch_header)(const FetchHeader&, base::ByteVector&);

  base::Decoded<ObjectLayout> (*decode_subgroup_object_header)(base::Bytes, bool has_extensions,
                                                               const std::optional<std::uint64_t>& previous_object_id,
                                                               std::size_t max_extensions_size);
  EncodeResult (*encode_subgroup_object_header)(const SubgroupObjectFields&, bool has_extensions,
                                                const std::optional<std::uint64_t>& previous_object_id,
                                                base::ByteVector&);
  EncodeResult (*encode_object_id_delta)(std::uint64_t object_id,
                                         const std::optional<std::uint64_t>& previous_object_id, base::ByteVector&);

  base::Decoded<FetchObjectLayout> (*decode_fetch_object_header)(base::Bytes,
                                                                 const std::optional<FetchPriorObject>& prior,
                                                                 GroupOrder order, std::size_t max_extensions_size);
  EncodeResult (*encode_fetch_object_header)(const FetchObjectFields&, const std::optional<FetchPriorObject>& prior,
                                             GroupOrder order, base::ByteVector&);
  EncodeResult (*encode_fetch_range_end)(const FetchRangeEnd&, const std::optional<FetchPriorObject>& prior,
                                         GroupOrder order, base::ByteVector&);

  base::Decoded<ObjectDatagram> (*decode_object_datagram)(const base::SharedBytes&);
  /// Whether a datagram that decode_object_datagram refuses is padding, which is to be dropped without a word.
  bool (*is_padding_datagram)(base::Bytes) noexcept;
  EncodeResult (*encode_object_datagram_header)(const ObjectDatagram&, base::ByteVector&);

  base::Decoded<KeyValuePairs> (*decode_extensions)(base::Bytes);
  EncodeResult (*encode_extensions)(const KeyValuePairs&, base::ByteVector&);
  std::optional<base::Violation> (*check_extensions)(base::Bytes) noexcept;
  base::Result<KnownExtensions, MalformedTrack> (*inspect_extensions)(base::Bytes, Location);
  std::optional<std::uint64_t> (*find_number)(base::Bytes, std::uint64_t type) noexcept;
};

const Codec& codec_for(Draft draft) noexcept;

}  // namespace msquic_py::moqt::wire
