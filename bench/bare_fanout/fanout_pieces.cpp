#include "fanout_pieces.h"

#include <optional>
#include <stdexcept>

#include "../relay_fanout/object_stamp.h"
#include "moqt/wire/codec.h"

namespace msquic_py::bench {

namespace wire = moqt::wire;

namespace {

void require_encoded(const wire::EncodeResult& result) {
  if (!result.ok()) throw std::logic_error("an object cannot be encoded");
}

}  // namespace

Piece* FanoutPieces::next(std::size_t users) {
  const std::uint64_t number = number_.load(std::memory_order_relaxed);
  const std::uint64_t group = number / shape_.objects_per_group;
  const std::uint64_t object = number % shape_.objects_per_group;
  const wire::Codec& codec = wire::codec_for(moqt::Draft::k15);
  auto* const piece = new Piece{users, {}};
  piece->first = object == 0;
  piece->last = object + 1 == shape_.objects_per_group;
  if (shape_.datagrams) {
    wire::ObjectDatagram datagram;
    datagram.track_alias = kTrackAlias;
    datagram.location = {group, object};
    require_encoded(codec.encode_object_datagram_header(datagram, piece->bytes));
  } else {
    if (piece->first) {
      wire::SubgroupHeader header;
      header.track_alias = kTrackAlias;
      header.group_id = group;
      header.subgroup_id_mode = wire::SubgroupIdMode::kZero;
      header.contains_end_of_group = true;
      require_encoded(codec.encode_subgroup_header(header, piece->bytes));
    }
    wire::SubgroupObjectFields fields;
    fields.object_id = object;
    fields.payload_length = shape_.payload_size;
    const auto previous = piece->first ? std::nullopt : std::optional(object - 1);
    require_encoded(codec.encode_subgroup_object_header(fields, false, previous, piece->bytes));
  }
  const std::size_t header_size = piece->bytes.size();
  piece->bytes.resize(header_size + shape_.payload_size, 0x5a);
  ObjectStamp{number, ObjectStamp::now()}.write(piece->bytes.data() + header_size);
  piece->buffer = {static_cast<std::uint32_t>(piece->bytes.size()), piece->bytes.data()};
  number_.store(number + 1, std::memory_order_release);
  return piece;
}

}  // namespace msquic_py::bench
