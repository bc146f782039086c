#include "moqt/wire/draft15/codec.h"

#include "base/varint.h"

namespace msquic_py::moqt::wire::draft15 {

std::size_t integer_size(std::uint64_t value) noexcept { return base::varint_size(value); }

std::size_t encode_integer(std::uint64_t value, std::uint8_t* out) noexcept { return base::encode_varint(value, out); }

std::optional<DecodedInteger> decode_integer(base::Bytes bytes) noexcept {
  const auto decoded = base::decode_varint(bytes);
  if (!decoded) return std::nullopt;
  return DecodedInteger{decoded->value, decoded->size};
}

const Codec kCodec{
    .largest_integer = base::kVarintMax,
    .integer_size = integer_size,
    .encode_integer = encode_integer,
    .decode_integer = decode_integer,
    .decode_control_message = decode_control_message,
    .encode_control_message = encode_control_message,
    .decode_empty_namespace = decode_empty_namespace,
    .decode_stream_kind = decode_stream_kind,
    .decode_stream_header = decode_stream_header,
    .encode_subgroup_header = encode_subgroup_header,
    .encode_fetch_header = encode_fetch_header,
    .decode_subgroup_object_header = decode_subgroup_object_header,
    .encode_subgroup_object_header = encode_subgroup_object_header,
    .encode_object_id_delta = encode_object_id_delta,
    .decode_fetch_object_header = decode_fetch_object_header,
    .encode_fetch_object_header = encode_fetch_object_header,
    .decode_object_datagram = decode_object_datagram,
    .encode_object_datagram_header = encode_object_datagram_header,
    .decode_extensions = decode_extensions,
    .encode_extensions = encode_extensions,
    .check_extensions = check_extensions,
    .inspect_extensions = inspect_extensions,
};

}  // namespace msquic_py::moqt::wire::draft15
