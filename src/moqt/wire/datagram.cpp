#include "moqt/wire/datagram.h"

#include <algorithm>

#include "moqt/wire/codec.h"
#include "moqt/wire/type_bits.h"

namespace msquic_py::moqt::wire {

bool operator==(const ObjectDatagram& left, const ObjectDatagram& right) noexcept {
  return left.track_alias == right.track_alias && left.location == right.location &&
         left.publisher_priority == right.publisher_priority && left.end_of_group == right.end_of_group &&
         left.status == right.status && std::ranges::equal(left.extensions.view(), right.extensions.view()) &&
         std::ranges::equal(left.payload.view(), right.payload.view());
}

std::uint64_t object_datagram_type(const ObjectDatagram& datagram) noexcept {
  using Bits = DatagramTypeBits;
  std::uint64_t type = 0;
  if (!datagram.extensions.empty()) type |= Bits::kExtensions;
  if (datagram.end_of_group) type |= Bits::kEndOfGroup;
  if (!datagram.publisher_priority) type |= Bits::kPriorityAbsent;
  if (datagram.status) type |= Bits::kStatus;
  const bool ambiguous = datagram.status && !datagram.publisher_priority;
  if (datagram.location.object == 0 && !ambiguous) type |= Bits::kObjectIdAbsent;
  return type;
}

base::Decoded<ObjectDatagram> decode_object_datagram(Draft draft, const base::SharedBytes& bytes) {
  return codec_for(draft).decode_object_datagram(bytes);
}

EncodeResult encode_object_datagram_header(Draft draft, const ObjectDatagram& datagram, base::ByteVector& out) {
  return codec_for(draft).encode_object_datagram_header(datagram, out);
}

EncodeResult encode_object_datagram(Draft draft, const ObjectDatagram& datagram, base::ByteVector& out) {
  const auto result = encode_object_datagram_header(draft, datagram, out);
  if (result) out.insert(out.end(), datagram.payload.view().begin(), datagram.payload.view().end());
  return result;
}

}  // namespace msquic_py::moqt::wire
