#include "moqt/wire/draft15/chosen_form.h"
#include "moqt/wire/draft15/codec.h"
#include "moqt/wire/draft15/object_fields.h"
#include "moqt/wire/draft15/varint_cursor.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

using Flags = FetchSerializationFlags;

constexpr std::uint8_t kReservedBits = 0xC0;  // [d15 §10.4.4-2]
constexpr std::uint8_t kFirstObjectBits = Flags::kObjectIdPresent | Flags::kGroupIdPresent | Flags::kPriorityPresent;

bool refers_to_prior(std::uint8_t flags) noexcept {  // [d15 §10.4.4-1]
  const std::uint8_t mode = flags & Flags::kSubgroupIdMask;
  return (flags & kFirstObjectBits) != kFirstObjectBits || mode == Flags::kSubgroupIdPrior ||
         mode == Flags::kSubgroupIdPriorPlusOne;
}

std::uint8_t choose_flags(const FetchObjectFields& fields, const std::optional<FetchPriorObject>& prior) noexcept {
  std::uint8_t flags = fields.subgroup_id == 0 ? Flags::kSubgroupIdZero : Flags::kSubgroupIdPresent;
  if (!fields.extensions.empty()) flags |= Flags::kExtensionsPresent;
  if (!prior) return static_cast<std::uint8_t>(flags | kFirstObjectBits);

  if (fields.subgroup_id != 0 && fields.subgroup_id == prior->subgroup_id) {
    flags = static_cast<std::uint8_t>((flags & ~Flags::kSubgroupIdMask) | Flags::kSubgroupIdPrior);
  } else if (fields.subgroup_id != 0 && fields.subgroup_id == prior->subgroup_id + 1) {
    flags = static_cast<std::uint8_t>((flags & ~Flags::kSubgroupIdMask) | Flags::kSubgroupIdPriorPlusOne);
  }
  const bool same_group = fields.location.group == prior->location.group;
  if (!same_group) flags |= Flags::kGroupIdPresent;
  // By the letter an absent Object ID counts on from the previous group; nobody should have to rely on that.
  if (!same_group || fields.location.object != prior->location.object + 1) flags |= Flags::kObjectIdPresent;
  if (fields.publisher_priority != prior->publisher_priority) flags |= Flags::kPriorityPresent;
  return flags;
}

FieldsOutcome read_place(VarintCursor& in, std::uint8_t flags, const FetchPriorObject& prior,
                         FetchObjectLayout& layout) noexcept {
  layout.group_id = prior.location.group;
  if ((flags & Flags::kGroupIdPresent) != 0 && !in.read(layout.group_id)) return FieldsOutcome::need_more();

  switch (flags & Flags::kSubgroupIdMask) {
    case Flags::kSubgroupIdZero: break;
    case Flags::kSubgroupIdPrior: layout.subgroup_id = prior.subgroup_id; break;
    case Flags::kSubgroupIdPriorPlusOne:
      layout.subgroup_id = prior.subgroup_id + 1;
      if (layout.subgroup_id > base::kVarintMax) {
        return FieldsOutcome::violated(protocol_violation("Subgroup ID above 2^62-1 (section 10.4.4)"));
      }
      break;
    default:
      if (!in.read(layout.subgroup_id)) return FieldsOutcome::need_more();
  }

  layout.object.object_id = prior.location.object + 1;
  if ((flags & Flags::kObjectIdPresent) != 0) {
    if (!in.read(layout.object.object_id)) return FieldsOutcome::need_more();
  } else if (layout.object.object_id > base::kVarintMax) {
    return FieldsOutcome::violated(protocol_violation("Object ID above 2^62-1 (section 10.4.4)"));
  }

  layout.publisher_priority = prior.publisher_priority;
  if ((flags & Flags::kPriorityPresent) != 0 && !in.read_byte(layout.publisher_priority))
    return FieldsOutcome::need_more();
  return FieldsOutcome::done();
}

}  // namespace

base::Decoded<FetchObjectLayout> decode_fetch_object_header(base::Bytes bytes,
                                                            const std::optional<FetchPriorObject>& prior,
                                                            std::size_t max_extensions_size) {
  VarintCursor in(bytes);
  FetchObjectLayout layout;
  if (!in.read_byte(layout.flags)) return base::NeedMore{};
  if ((layout.flags & kReservedBits) != 0)
    return protocol_violation("reserved Serialization Flags are set (section 10.4.4)");
  if (!prior && refers_to_prior(layout.flags)) {
    return protocol_violation("the first object of a fetch stream refers to a prior one (section 10.4.4)");
  }

  FieldsOutcome outcome = read_place(in, layout.flags, prior.value_or(FetchPriorObject{}), layout);
  if (outcome.kind == FieldsOutcome::Kind::kDone) {
    outcome = read_object_tail(in, (layout.flags & Flags::kExtensionsPresent) != 0, max_extensions_size, layout.object);
  }
  if (outcome.kind == FieldsOutcome::Kind::kNeedMore) return base::NeedMore{};
  if (outcome.kind == FieldsOutcome::Kind::kViolation) return outcome.violation;
  return layout;
}

EncodeResult encode_fetch_object_header(const FetchObjectFields& fields, const std::optional<FetchPriorObject>& prior,
                                        base::ByteVector& out) {
  if (prior && fields.location.group == prior->location.group && fields.location.object <= prior->location.object) {
    return base::Failure{EncodeError::kObjectIdNotIncreasing};
  }
  return encode_fetch_object_as(fields, choose_flags(fields, prior), out);
}

const char* contradiction(std::uint8_t flags, const FetchObjectFields& fields,
                          const std::optional<FetchPriorObject>& prior) noexcept {
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
  if (fields.location.group > base::kVarintMax || fields.location.object > base::kVarintMax ||
      fields.subgroup_id > base::kVarintMax) {
    return base::Failure{EncodeError::kNumberTooLarge};
  }
  if (const auto error = check_object_fields(fields.extensions, fields.payload_length, fields.status))
    return base::Failure{*error};

  HeaderScratch scratch;
  scratch.put_byte(flags);
  if ((flags & Flags::kGroupIdPresent) != 0) scratch.put(fields.location.group);
  if ((flags & Flags::kSubgroupIdMask) == Flags::kSubgroupIdPresent) scratch.put(fields.subgroup_id);
  if ((flags & Flags::kObjectIdPresent) != 0) scratch.put(fields.location.object);
  if ((flags & Flags::kPriorityPresent) != 0) scratch.put_byte(fields.publisher_priority);
  write_object_tail(scratch, (flags & Flags::kExtensionsPresent) != 0, fields.extensions, fields.payload_length,
                    fields.status, out);
  return {};
}

}  // namespace msquic_py::moqt::wire::draft15
