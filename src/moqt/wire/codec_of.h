#pragma once

#include "moqt/wire/codec.h"
#include "moqt/wire/control/control_decoder.h"
#include "moqt/wire/control/control_encoder.h"
#include "moqt/wire/control/request_scope.h"
#include "moqt/wire/data/extension_pairs.h"
#include "moqt/wire/data/fetch_object.h"
#include "moqt/wire/data/object_datagram.h"
#include "moqt/wire/data/stream_header.h"
#include "moqt/wire/data/subgroup_object.h"

namespace msquic_py::moqt::wire {

/// The codec of the draft that the traits describe. The folder of each draft has its traits, their tables, and this.
template <class Traits>
constexpr Codec codec_of() noexcept {
  using Integers = typename Traits::Integers;
  return {
      .draft = Traits::kDraft,
      .largest_integer = Integers::kLargest,
      .integer_size = [](std::uint64_t value) noexcept { return Integers::size(value); },
      .encode_integer = [](std::uint64_t value, std::uint8_t* out) noexcept { return Integers::encode(value, out); },
      .decode_integer = [](base::Bytes bytes) noexcept -> std::optional<DecodedInteger> {
        IntegerCursor<Integers> in(bytes);
        std::uint64_t value = 0;
        if (!in.read(value)) return std::nullopt;
        return DecodedInteger{value, in.position()};
      },
      .decode_control_message = decode_control_message<Traits>,
      .encode_control_message = encode_control_message<Traits>,
      .decode_empty_namespace = [](base::Bytes) -> std::optional<DecodedControlMessage> { return std::nullopt; },
      .check_scope = check_scope<Traits>,
      .codes = Traits::kCodes,
      .decode_stream_kind = decode_stream_kind<Traits>,
      .decode_stream_header = decode_stream_header<Traits>,
      .encode_subgroup_header = encode_subgroup_header<Traits>,
      .encode_fetch_header = encode_fetch_header<Traits>,
      .decode_subgroup_object_header = decode_subgroup_object_header<Traits>,
      .encode_subgroup_object_header = encode_subgroup_object_header<Traits>,
      .encode_object_id_delta = encode_object_id_delta<Traits>,
      .decode_fetch_object_header = FetchObjects<Traits>::decode,
      .encode_fetch_object_header = FetchObjects<Traits>::encode,
      .encode_fetch_range_end = FetchObjects<Traits>::encode_range_end,
      .decode_object_datagram = decode_object_datagram<Traits>,
      .is_padding_datagram = is_padding_datagram<Traits>,
      .encode_object_datagram_header = encode_object_datagram_header<Traits>,
      .decode_extensions = decode_extensions<Traits>,
      .encode_extensions = encode_extensions<Traits>,
      .check_extensions = check_extensions<Traits>,
      .inspect_extensions = inspect_extensions<Traits>,
      .find_number = find_number<Traits>,
  };
}

}  // namespace msquic_py::moqt::wire
