#include "moqt/wire/fetch_stream.h"

#include <algorithm>
#include <limits>

#include "moqt/wire/codec.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire {

bool operator==(const FetchObject& left, const FetchObject& right) noexcept {
  return left.prior() == right.prior() && left.status == right.status && left.datagram == right.datagram &&
         std::ranges::equal(left.extensions.view(), right.extensions.view()) &&
         std::ranges::equal(left.payload.view(), right.payload.view());
}

base::Decoded<DecodedFetchHeader> decode_fetch_header(Draft draft, base::Bytes bytes) {
  const Codec& codec = codec_for(draft);
  const auto kind = codec.decode_stream_kind(bytes);
  if (!kind) return kind.failure<DecodedFetchHeader>();
  if (*kind != StreamKind::kFetch) return protocol_violation("stream type is not FETCH_HEADER (section 10.4.4)");
  const auto decoded = codec.decode_stream_header(bytes);
  if (!decoded) return decoded.failure<DecodedFetchHeader>();
  return DecodedFetchHeader{std::get<FetchHeader>(decoded->header), decoded->size};
}

EncodeResult encode_fetch_header(Draft draft, const FetchHeader& header, base::ByteVector& out) {
  return codec_for(draft).encode_fetch_header(header, out);
}

base::Decoded<DecodedFetchObject> decode_fetch_object(Draft draft, base::Bytes bytes,
                                                      const std::optional<FetchPriorObject>& prior, GroupOrder order) {
  const auto decoded =
      codec_for(draft).decode_fetch_object_header(bytes, prior, order, std::numeric_limits<std::uint32_t>::max());
  if (!decoded) return decoded.failure<DecodedFetchObject>();
  const ObjectLayout& layout = decoded->object;
  const base::Bytes behind = bytes.subspan(layout.size);
  if (behind.size() < layout.payload_length) return base::NeedMore{};
  const auto payload_length = static_cast<std::size_t>(layout.payload_length);
  FetchObject object;
  object.location = {decoded->group_id, layout.object_id};
  object.subgroup_id = decoded->subgroup_id;
  object.publisher_priority = decoded->publisher_priority;
  object.extensions = base::SharedBytes::copy_of(bytes.subspan(layout.extensions_offset, layout.extensions_size));
  object.status = layout.status;
  object.payload = base::SharedBytes::copy_of(behind.first(payload_length));
  object.datagram = decoded->datagram;
  return DecodedFetchObject{std::move(object), decoded->flags, layout.size + payload_length, decoded->gap(),
                            decoded->prior};
}

EncodeResult encode_fetch_object(Draft draft, const FetchObject& object, const std::optional<FetchPriorObject>& prior,
                                 base::ByteVector& out, GroupOrder order) {
  const FetchObjectFields fields{object.location,   object.subgroup_id,    object.publisher_priority,
                                 object.extensions, object.payload.size(), object.status,
                                 object.datagram};
  const auto result = encode_fetch_object_header(draft, fields, prior, out, order);
  if (result) out.insert(out.end(), object.payload.view().begin(), object.payload.view().end());
  return result;
}

EncodeResult encode_fetch_object_header(Draft draft, const FetchObjectFields& fields,
                                        const std::optional<FetchPriorObject>& prior, base::ByteVector& out,
                                        GroupOrder order) {
  return codec_for(draft).encode_fetch_object_header(fields, prior, order, out);
}

FetchPriorObject prior_behind(const FetchRangeEnd& range, const std::optional<FetchPriorObject>& before) noexcept {
  FetchPriorObject prior = before.value_or(FetchPriorObject{{}, 0, 128, false, false});
  prior.location = range.end;
  return prior;
}

EncodeResult encode_fetch_range_end(Draft draft, const FetchRangeEnd& range,
                                    const std::optional<FetchPriorObject>& prior, base::ByteVector& out,
                                    GroupOrder order) {
  return codec_for(draft).encode_fetch_range_end(range, prior, order, out);
}

}  // namespace msquic_py::moqt::wire
