#include "moqt/objects/backfill_writer.h"

#include <utility>

#include "moqt/objects/datagram_writer.h"
#include "moqt/session/data/object_encoding.h"

namespace msquic_py::moqt::objects {

std::optional<MalformedTrack> BackfillWriter::object(const session::FetchObjectReceived& object, session::Time now) {
  publisher_.store().set_nothing_between(next_, object.location, now);
  next_ = {object.location.group, object.location.object + 1};
  if (objects_++ == 0 || object.location.group != group_) {
    writers_.clear();
    group_ = object.location.group;
    publisher_.release_below(group_, now, unknown_);
  }
  writer_ = nullptr;
  datagram_.reset();
  // In draft-15 FETCH does not say how an object travels; those that came alive do.
  const auto preference = publisher_.preference;
  const bool datagram =
      mixes_forwarding_preferences(draft_) ? object.datagram : preference == ForwardingPreference::kDatagram;
  if (datagram) {
    datagram_ = Datagram{object, {object.payload.view().begin(), object.payload.view().end()}};
    return object.complete() ? write(*datagram_, now) : std::nullopt;
  }
  session::SubgroupProperties properties;
  properties.group = group_;
  properties.subgroup = object.subgroup;
  properties.publisher_priority = object.publisher_priority;
  properties.extensions = true;
  writer_ = &writers_.try_emplace(object.subgroup, publisher_, draft_, properties).first->second;

  const auto encoded = session::encode_object(draft_, publisher_.arena(), object.location.object,
                                              object.extensions.view(), object.payload_length, object.status);
  if (!encoded.ok()) return std::nullopt;  // what has come by FETCH can be sent on
  session::ObjectReceived alive;
  alive.location = object.location;
  alive.subgroup = object.subgroup;
  alive.payload_length = object.payload_length;
  alive.wire = encoded->wire;
  alive.delta_size = static_cast<std::uint32_t>(encoded->delta_size);
  alive.header_size = static_cast<std::uint32_t>(encoded->wire.size());
  alive.extensions_offset = static_cast<std::uint32_t>(encoded->extensions_offset);
  alive.extensions_size = static_cast<std::uint32_t>(object.extensions.size());
  alive.publisher_priority = object.publisher_priority;
  alive.status = object.status;
  const auto taken = writer_->object(alive, now);
  if (!preference) publisher_.preference.reset();
  if (!taken.ok()) return taken.error();
  return writer_->payload(object.payload, now);
}

std::optional<MalformedTrack> BackfillWriter::payload(const base::SharedBytes& bytes, session::Time now) {
  if (writer_ != nullptr) return writer_->payload(bytes, now);
  if (!datagram_) return std::nullopt;
  datagram_->payload.insert(datagram_->payload.end(), bytes.view().begin(), bytes.view().end());
  return datagram_->payload.size() == datagram_->object.payload_length ? write(*datagram_, now) : std::nullopt;
}

std::optional<MalformedTrack> BackfillWriter::write(Datagram& datagram, session::Time now) {
  const session::FetchObjectReceived& object = datagram.object;
  session::DatagramFields fields;
  fields.location = object.location;
  fields.publisher_priority = object.publisher_priority;
  fields.extension_block = object.extensions.view();
  fields.payload = datagram.payload;
  if (object.status != ObjectStatus::kNormal) fields.status = object.status;
  const auto encoded = session::encode_datagram(draft_, publisher_.arena(), fields);
  if (!encoded.ok()) return std::nullopt;
  session::DatagramReceived alive;
  alive.location = object.location;
  alive.type = encoded->properties.type;
  alive.after_alias = encoded->after_alias;
  alive.payload_offset = static_cast<std::uint32_t>(encoded->after_alias.size() - datagram.payload.size());
  alive.extensions_size = static_cast<std::uint32_t>(object.extensions.size());
  alive.extensions_offset = alive.payload_offset - alive.extensions_size;
  alive.publisher_priority = object.publisher_priority;
  alive.status = object.status;
  const auto written = write_datagram(publisher_, draft_, alive, now);
  return written.ok() ? std::nullopt : std::optional(written.error());
}

}  // namespace msquic_py::moqt::objects
