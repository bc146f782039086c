#include "moqt/session/data/object_encoding.h"

#include <algorithm>
#include <utility>

#include "moqt/wire/codec.h"
#include "moqt/wire/datagram.h"
#include "moqt/wire/extensions.h"
#include "moqt/wire/subgroup.h"

namespace msquic_py::moqt::session {

namespace {

/// Its value is pairs again; the number is the same in every draft [d15 §11.1].
constexpr std::uint64_t kImmutableExtensions = 0x0B;

SessionError error_of(wire::EncodeError) noexcept { return SessionError::kInvalidParameter; }

}  // namespace

// [d15 §11.1-3, §11.1-7, §11.2-3]
bool may_be_published(Draft draft, base::Bytes extension_block, Location location) {
  return extension_block.empty() || wire::inspect_extensions(draft, extension_block, location).ok();
}

base::Result<EncodedObject, SessionError> encode_object(Draft draft, base::SlabArena& arena, std::uint64_t object,
                                                        std::optional<base::Bytes> extension_block,
                                                        std::uint64_t payload_length, ObjectStatus status,
                                                        base::Bytes payload) {
  // The group is not known here, and a gap may be as long as it likes before a group of a large number.
  const Location somewhere{base::kVarintMax, object};
  if (extension_block && !may_be_published(draft, *extension_block, somewhere)) {
    return base::Failure{SessionError::kInvalidParameter};
  }
  thread_local base::ByteVector scratch;  // keeps its capacity, so that an object costs no allocation
  scratch.clear();
  wire::SubgroupObjectFields fields;
  fields.object_id = object;
  fields.extensions = extension_block.value_or(base::Bytes{});
  fields.payload_length = payload_length;
  fields.status = status;
  const auto encoded =
      wire::encode_subgroup_object_header(draft, fields, extension_block.has_value(), std::nullopt, scratch);
  if (!encoded.ok()) return base::Failure{error_of(encoded.error())};
  const auto integer_size = wire::codec_for(draft).integer_size;
  const std::size_t delta_size = integer_size(object);
  std::uint8_t* const out = arena.reserve(scratch.size() + payload.size());
  std::copy(payload.begin(), payload.end(), std::copy(scratch.begin(), scratch.end(), out));
  return EncodedObject{arena.commit(scratch.size() + payload.size()), delta_size,
                       delta_size + integer_size(fields.extensions.size())};
}

base::Result<EncodedDatagram, SessionError> encode_datagram(Draft draft, base::SlabArena& arena,
                                                            const DatagramFields& fields) {
  if (!may_be_published(draft, fields.extension_block, fields.location)) {
    return base::Failure{SessionError::kInvalidParameter};
  }
  thread_local base::ByteVector scratch;
  scratch.clear();
  wire::ObjectDatagram datagram;
  datagram.location = fields.location;
  datagram.publisher_priority = fields.publisher_priority;
  datagram.extensions = base::SharedBytes::copy_of(fields.extension_block);
  datagram.end_of_group = fields.end_of_group;
  datagram.status = fields.status;
  // The track alias differs per receiver; 0 takes one byte here, right behind the type, and is left out below.
  const auto encoded = wire::encode_object_datagram_header(draft, datagram, scratch);
  if (!encoded.ok()) return base::Failure{error_of(encoded.error())};
  const std::uint64_t type = wire::object_datagram_type(datagram);
  if (!fields.status) scratch.insert(scratch.end(), fields.payload.begin(), fields.payload.end());
  EncodedDatagram result;
  result.properties = {type, fields.location, fields.publisher_priority};
  const auto integer_size = wire::codec_for(draft).integer_size;
  result.after_alias = arena.copy(base::Bytes(scratch).subspan(integer_size(type) + integer_size(0)));
  return result;
}

bool same_object_form(Draft one, Draft other) noexcept {
  if (one == other) return true;
  const wire::Codec& first = wire::codec_for(one);
  const wire::Codec& second = wire::codec_for(other);
  return first.encode_subgroup_object_header == second.encode_subgroup_object_header &&
         first.encode_extensions == second.encode_extensions;
}

base::Result<base::ByteVector, SessionError> translate_extension_block(Draft from, Draft to, base::Bytes block) {
  if (block.empty() || same_object_form(from, to)) return base::ByteVector(block.begin(), block.end());
  auto pairs = wire::decode_extensions(from, block);
  if (!pairs.ok()) return base::Failure{SessionError::kInvalidParameter};
  for (KeyValuePair& pair : *pairs) {
    auto* bytes = std::get_if<base::ByteVector>(&pair.value);
    if (bytes == nullptr || pair.type != kImmutableExtensions) continue;
    auto inside = translate_extension_block(from, to, *bytes);
    if (!inside.ok()) return inside;
    *bytes = std::move(*inside);
  }
  // Where types are written as differences they have to rise.
  std::stable_sort(pairs->begin(), pairs->end(),
                   [](const KeyValuePair& left, const KeyValuePair& right) { return left.type < right.type; });
  return encode_extension_block(to, *pairs);
}

base::Result<base::ByteVector, SessionError> encode_extension_block(Draft draft, const KeyValuePairs& extensions) {
  base::ByteVector block;
  const auto encoded = wire::encode_extensions(draft, extensions, block);
  if (!encoded.ok()) return base::Failure{error_of(encoded.error())};
  return block;
}

base::Result<KeyValuePairs, SessionError> decode_extension_block(Draft draft, base::Bytes block) {
  auto decoded = wire::decode_extensions(draft, block);
  if (!decoded.ok()) return base::Failure{SessionError::kInvalidParameter};
  return std::move(*decoded);
}

}  // namespace msquic_py::moqt::session
