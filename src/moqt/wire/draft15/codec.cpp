#include "moqt/wire/draft15/codec.h"

#include "moqt/wire/codec_of.h"
#include "moqt/wire/draft15/chosen_form.h"
#include "moqt/wire/draft15/empty_namespace.h"
#include "moqt/wire/draft15/parameters.h"
#include "moqt/wire/draft15/traits.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

constexpr Codec with_tolerance(Codec codec) noexcept {
  codec.decode_empty_namespace = decode_empty_namespace;
  return codec;
}

}  // namespace

constinit const Codec kCodec = with_tolerance(codec_of<Traits>());

void encode_parameters(const ParameterList& parameters, base::ByteVector& out, std::optional<EncodeError>& error) {
  PayloadWriter<Traits> writer(out);
  KeyValues<Traits>({}, 0).write_counted(writer, parameters);
  if (writer.failed()) error = writer.error();
}

std::optional<base::Violation> decode_parameters(base::Bytes bytes, MessageType message, ParameterList& out) {
  PayloadReader<Traits> reader(bytes);
  const Places places = places_in<Traits>(message);
  const bool setup = message == MessageType::kClientSetup || message == MessageType::kServerSetup;
  KeyValues<Traits>(setup ? Traits::kOptions : Traits::kParameters, places).read_counted(reader, out);
  return reader.finish();
}

EncodeResult encode_object_datagram_as(const ObjectDatagram& datagram, std::uint64_t type, base::ByteVector& out) {
  return wire::encode_object_datagram_as<Traits>(datagram, type, out);
}

const char* contradiction(std::uint8_t flags, const FetchObjectFields& fields,
                          const std::optional<FetchPriorObject>& prior) noexcept {
  using Flags = FetchSerializationFlags;
  constexpr std::uint8_t kReservedBits = 0xC0;
  const bool has_group = (flags & Flags::kGroupIdPresent) != 0;
  const bool has_object = (flags & Flags::kObjectIdPresent) != 0;
  const std::uint8_t mode = flags & Flags::kSubgroupIdMask;
  if ((flags & kReservedBits) != 0) return "sets reserved bits (section 10.4.4)";
  if (mode == Flags::kSubgroupIdZero && fields.subgroup_id != 0)
    return "says that the Subgroup ID is 0 (section 10.4.4)";
  if ((flags & Flags::kExtensionsPresent) == 0 && !fields.extensions.empty())
    return "leaves out the extension headers (section 10.4.4)";
  if (!prior) return nullptr;
  if (!has_group && fields.location.group != prior->location.group)
    return "leaves out a Group ID that differs from the object before (section 10.4.4)";
  if (!has_object && fields.location.object != prior->location.object + 1)
    return "leaves out an Object ID that is not one more than the object before (section 10.4.4)";
  if ((mode == Flags::kSubgroupIdPrior && fields.subgroup_id != prior->subgroup_id) ||
      (mode == Flags::kSubgroupIdPriorPlusOne && fields.subgroup_id != prior->subgroup_id + 1))
    return "leaves out a Subgroup ID that does not follow from the object before (section 10.4.4)";
  if ((flags & Flags::kPriorityPresent) == 0 && fields.publisher_priority != prior->publisher_priority)
    return "leaves out a Publisher Priority that differs from the object before (section 10.4.4)";
  return nullptr;
}

EncodeResult encode_fetch_object_as(const FetchObjectFields& fields, std::uint8_t flags, base::ByteVector& out) {
  return FetchObjects<Traits>::encode_as(fields, flags, std::nullopt, GroupOrder::kAscending, out);
}

}  // namespace msquic_py::moqt::wire::draft15
