#pragma once

#include "moqt/wire/codec.h"

/// draft-ietf-moq-transport-15. Section numbers in comments and violation texts are those of its published text.
namespace msquic_py::moqt::wire::draft15 {

std::size_t integer_size(std::uint64_t value) noexcept;
std::size_t encode_integer(std::uint64_t value, std::uint8_t* out) noexcept;
std::optional<DecodedInteger> decode_integer(base::Bytes bytes) noexcept;

base::Decoded<DecodedControlMessage> decode_control_message(base::Bytes bytes);
EncodeResult encode_control_message(const ControlMessage& message, base::ByteVector& out);
std::optional<DecodedControlMessage> decode_empty_namespace(base::Bytes bytes);

base::Decoded<StreamKind> decode_stream_kind(base::Bytes bytes);
base::Decoded<DecodedStreamHeader> decode_stream_header(base::Bytes bytes);
EncodeResult encode_subgroup_header(const SubgroupHeader& header, base::ByteVector& out);
EncodeResult encode_fetch_header(const FetchHeader& header, base::ByteVector& out);

base::Decoded<ObjectLayout> decode_subgroup_object_header(base::Bytes bytes, bool has_extensions,
                                                          const std::optional<std::uint64_t>& previous_object_id,
                                                          std::size_t max_extensions_size);
EncodeResult encode_subgroup_object_header(const SubgroupObjectFields& fields, bool has_extensions,
                                           const std::optional<std::uint64_t>& previous_object_id,
                                           base::ByteVector& out);
EncodeResult encode_object_id_delta(std::uint64_t object_id, const std::optional<std::uint64_t>& previous_object_id,
                                    base::ByteVector& out);

base::Decoded<FetchObjectLayout> decode_fetch_object_header(base::Bytes bytes,
                                                            const std::optional<FetchPriorObject>& prior,
                                                            std::size_t max_extensions_size);
EncodeResult encode_fetch_object_header(const FetchObjectFields& fields, const std::optional<FetchPriorObject>& prior,
                                        base::ByteVector& out);

base::Decoded<ObjectDatagram> decode_object_datagram(const base::SharedBytes& bytes);
EncodeResult encode_object_datagram_header(const ObjectDatagram& datagram, base::ByteVector& out);

base::Decoded<KeyValuePairs> decode_extensions(base::Bytes raw);
EncodeResult encode_extensions(const KeyValuePairs& extensions, base::ByteVector& out);
std::optional<base::Violation> check_extensions(base::Bytes raw) noexcept;
base::Result<KnownExtensions, MalformedTrack> inspect_extensions(base::Bytes raw, Location location);

extern const Codec kCodec;

}  // namespace msquic_py::moqt::wire::draft15
