#include "moqt/session/data/object_event.h"

#include "moqt/wire/codec.h"
#include "moqt/wire/datagram.h"

namespace msquic_py::moqt::session {

DatagramReceived datagram_received(const wire::Codec& codec, RequestHandle subscription, const base::SharedBytes& bytes,
                                   const wire::ObjectDatagram& datagram, std::uint8_t track_priority) {
  DatagramReceived event;
  event.subscription = subscription;
  event.location = datagram.location;
  const auto type = codec.decode_integer(bytes);
  const auto alias = codec.decode_integer(bytes.view().subspan(type->size));
  event.type = type->value;
  event.after_alias = bytes.from(type->size + alias->size);
  event.payload_offset = static_cast<std::uint32_t>(event.after_alias.size() - datagram.payload.size());
  if (!datagram.extensions.empty()) {
    event.extensions_offset = static_cast<std::uint32_t>(datagram.extensions.data() - event.after_alias.data());
    event.extensions_size = static_cast<std::uint32_t>(datagram.extensions.size());
  }
  event.publisher_priority = datagram.publisher_priority.value_or(track_priority);  // [d15 §10.4.2-2]
  event.status = datagram.status.value_or(ObjectStatus::kNormal);
  event.end_of_group = datagram.end_of_group;
  return event;
}

}  // namespace msquic_py::moqt::session
