#pragma once

#include "moqt/wire/data/object_tail.h"

namespace msquic_py::moqt::wire {

/// How a draft writes the objects of a fetch stream [d15 §10.4.4].
enum class FetchObjectForm : std::uint8_t {
  kAbsolute,            ///< draft-15: a byte of flags, whole IDs, a status
  kAbsoluteWithRanges,  ///< draft-16: an integer of flags, markers of ranges, no status
  kDeltas,              ///< from draft 18 on: as draft-16, but IDs count from those before; those of markers are whole
};

/// Objects, and from draft 16 on markers of ranges, on a fetch stream.
template <class Traits>
class FetchObjects {
 public:
  using Integers = typename Traits::Integers;
  using Sections = typename Traits::Sections;
  using Flags = FetchSerializationFlags;
  using Prior = std::optional<FetchPriorObject>;

  static constexpr bool kByteFlags = Traits::kFetchObjectForm == FetchObjectForm::kAbsolute;
  static constexpr bool kHasStatus = kByteFlags;
  static constexpr bool kDeltas = Traits::kFetchObjectForm == FetchObjectForm::kDeltas;
  static constexpr std::uint8_t kFirstObjectBits =
      Flags::kObjectIdPresent | Flags::kGroupIdPresent | Flags::kPriorityPresent;

  static base::Decoded<FetchObjectLayout> decode(base::Bytes bytes, const Prior& prior, GroupOrder order,
                                                 std::size_t max_extensions_size) {
    Reader in(bytes);
    FetchObjectLayout layout;
    FieldsOutcome outcome = read_flags(in, layout);
    if (outcome.kind == FieldsOutcome::Kind::kDone) {
      outcome =
          layout.gap() ? read_marker(in, prior, layout) : read_object(in, prior, order, max_extensions_size, layout);
    }
    if (outcome.kind == FieldsOutcome::Kind::kNeedMore) return base::NeedMore{};
    if (outcome.kind == FieldsOutcome::Kind::kViolation) return outcome.violation;
    return layout;
  }

  static EncodeResult encode(const FetchObjectFields& fields, const Prior& prior, GroupOrder order,
                             base::ByteVector& out) {
    if (prior && fields.location.group == prior->location.group && fields.location.object <= prior->location.object) {
      return base::Failure{EncodeError::kObjectIdNotIncreasing};
    }
    return encode_as(fields, choose_flags(fields, prior), prior, order, out);
  }

  /// With these flags, which say the object.
  static EncodeResult encode_as(const FetchObjectFields& fields, std::uint8_t flags, const Prior& prior,
                                GroupOrder order, base::ByteVector& out) {
    if (!all_fit<Integers>(fields.location.group, fields.location.object, fields.subgroup_id)) {
      return base::Failure{EncodeError::kNumberTooLarge};
    }
    if (!kHasStatus && fields.status != ObjectStatus::kNormal) return base::Failure{EncodeError::kStatusInFetch};
    if (const auto error = ObjectTail<Traits>::check(fields.extensions, fields.payload_length, fields.status))
      return base::Failure{*error};

    std::uint64_t group = fields.location.group;
    std::uint64_t object = fields.location.object;
    if (kDeltas && prior) {
      if ((flags & Flags::kGroupIdPresent) != 0) {
        const auto distance = distance_to(group, prior->location.group, order);
        if (!distance) return base::Failure{EncodeError::kGroupOrderReversed};
        group = *distance - 1;
      } else {
        object -= prior->location.object;
      }
    }
    HeaderScratch<Integers> scratch;
    put_flags(scratch, flags);
    if ((flags & Flags::kGroupIdPresent) != 0) scratch.put(group);
    if (has_subgroup_field(flags)) scratch.put(fields.subgroup_id);
    if ((flags & Flags::kObjectIdPresent) != 0) scratch.put(object);
    if ((flags & Flags::kPriorityPresent) != 0) scratch.put_byte(fields.publisher_priority);
    ObjectTail<Traits>::write(scratch, (flags & Flags::kExtensionsPresent) != 0, kHasStatus, fields.extensions,
                              fields.payload_length, fields.status, out);
    return {};
  }

  static EncodeResult encode_range_end(const FetchRangeEnd& range, const Prior&, GroupOrder, base::ByteVector& out) {
    if (kByteFlags || (range.gap == FetchGap::kTimedOut && !Traits::kTimedOutRanges)) {
      return base::Failure{EncodeError::kNotInDraft};
    }
    if (!all_fit<Integers>(range.end.group, range.end.object)) return base::Failure{EncodeError::kNumberTooLarge};
    HeaderScratch<Integers> scratch;
    scratch.put(static_cast<std::uint64_t>(range.gap));
    scratch.put(range.end.group);
    scratch.put(range.end.object);
    scratch.flush(out);
    return {};
  }

  static std::uint8_t choose_flags(const FetchObjectFields& fields, const Prior& prior) noexcept {
    std::uint8_t flags = fields.subgroup_id == 0 ? Flags::kSubgroupIdZero : Flags::kSubgroupIdPresent;
    if (fields.datagram && !kByteFlags) flags = Flags::kDatagram;
    if (!fields.extensions.empty()) flags |= Flags::kExtensionsPresent;
    if (!prior) return static_cast<std::uint8_t>(flags | kFirstObjectBits);

    if (flags & Flags::kSubgroupIdMask && prior->has_subgroup) {
      if (fields.subgroup_id == prior->subgroup_id) {
        flags = static_cast<std::uint8_t>((flags & ~Flags::kSubgroupIdMask) | Flags::kSubgroupIdPrior);
      } else if (fields.subgroup_id == prior->subgroup_id + 1) {
        flags = static_cast<std::uint8_t>((flags & ~Flags::kSubgroupIdMask) | Flags::kSubgroupIdPriorPlusOne);
      }
    }
    const bool same_group = fields.location.group == prior->location.group;
    if (!same_group) flags |= Flags::kGroupIdPresent;
    // By the letter an absent Object ID counts on from the previous group; nobody should have to rely on that.
    if (!same_group || fields.location.object != prior->location.object + 1) flags |= Flags::kObjectIdPresent;
    if (!prior->has_priority || fields.publisher_priority != prior->publisher_priority) {
      flags |= Flags::kPriorityPresent;
    }
    return flags;
  }

 private:
  using Reader = IntegerCursor<Integers>;

  static bool has_subgroup_field(std::uint64_t flags) noexcept {
    if (!kByteFlags && (flags & Flags::kDatagram) != 0) return false;
    return (flags & Flags::kSubgroupIdMask) == Flags::kSubgroupIdPresent;
  }

  static void put_flags(HeaderScratch<Integers>& scratch, std::uint8_t flags) noexcept {
    if constexpr (kByteFlags) {
      scratch.put_byte(flags);
    } else {
      scratch.put(flags);
    }
  }

  /// How far `group` lies behind `before` in the order of the fetch; nothing when it does not.
  static std::optional<std::uint64_t> distance_to(std::uint64_t group, std::uint64_t before, GroupOrder order) {
    if (order == GroupOrder::kDescending) std::swap(group, before);
    return group > before ? std::optional(group - before) : std::nullopt;
  }

  static FieldsOutcome read_flags(Reader& in, FetchObjectLayout& layout) noexcept {
    if constexpr (kByteFlags) {
      constexpr std::uint8_t kReservedBits = 0xC0;  // [d15 §10.4.4-2]
      std::uint8_t flags = 0;
      if (!in.read_byte(flags)) return FieldsOutcome::need_more();
      layout.flags = flags;
      if ((flags & kReservedBits) == 0) return FieldsOutcome::done();
      return FieldsOutcome::violated(kViolates<"reserved Serialization Flags are set", Sections::kFetchObject>);
    } else {
      std::uint64_t flags = 0;
      if (!in.read(flags)) return FieldsOutcome::need_more();
      const bool marker = flags == static_cast<std::uint64_t>(FetchGap::kNonExistent) ||
                          flags == static_cast<std::uint64_t>(FetchGap::kUnknown) ||
                          (Traits::kTimedOutRanges && flags == static_cast<std::uint64_t>(FetchGap::kTimedOut));
      if (flags > 127 && !marker) {
        return FieldsOutcome::violated(kViolates<"unknown Serialization Flags", Sections::kFetchObject>);
      }
      layout.flags = static_cast<std::uint16_t>(flags);
      return FieldsOutcome::done();
    }
  }

  static bool refers_to_prior(std::uint64_t flags) noexcept {  // [d15 §10.4.4-1]
    const std::uint64_t mode = flags & Flags::kSubgroupIdMask;
    const bool no_subgroup = !kByteFlags && (flags & Flags::kDatagram) != 0;
    return (flags & kFirstObjectBits) != kFirstObjectBits ||
           (!no_subgroup && (mode == Flags::kSubgroupIdPrior || mode == Flags::kSubgroupIdPriorPlusOne));
  }

  static FieldsOutcome read_object(Reader& in, const Prior& prior, GroupOrder order, std::size_t max_extensions_size,
                                   FetchObjectLayout& layout) noexcept {
    if (!prior && refers_to_prior(layout.flags)) {
      return FieldsOutcome::violated(
          kViolates<"the first object of a fetch stream refers to a prior one", Sections::kFetchObject>);
    }
    const FieldsOutcome place = read_place(in, prior, order, layout);
    if (place.kind != FieldsOutcome::Kind::kDone) return place;
    const bool has_extensions = (layout.flags & Flags::kExtensionsPresent) != 0;
    return ObjectTail<Traits>::read(in, has_extensions, kHasStatus, max_extensions_size, layout.object);
  }

  /// The text gives the marker "the Group ID and Object ID fields" and is silent about the rest. Its IDs are whole,
  /// because a Group ID Delta could not stay in the group of the object before; and the next flags follow them at once.
  /// So do moxygen, quiche, moq-go, moqtail and aiomoqt; moqtap-codec alone expects an Object Payload Length there.
  static FieldsOutcome read_marker(Reader& in, const Prior& prior, FetchObjectLayout& layout) noexcept {
    if (!in.read(layout.group_id) || !in.read(layout.object.object_id)) return FieldsOutcome::need_more();
    layout.object.size = static_cast<std::uint32_t>(in.position());
    layout.prior = prior.value_or(FetchPriorObject{{}, 0, 128, false, false});
    layout.prior.location = {layout.group_id, layout.object.object_id};
    return FieldsOutcome::done();
  }

  static FieldsOutcome read_group(Reader& in, const Prior& prior, GroupOrder order,
                                  FetchObjectLayout& layout) noexcept {
    if ((layout.flags & Flags::kGroupIdPresent) == 0) {
      layout.group_id = prior->location.group;
      return FieldsOutcome::done();
    }
    if (!in.read(layout.group_id)) return FieldsOutcome::need_more();
    if (!kDeltas || !prior) return FieldsOutcome::done();
    const std::uint64_t before = prior->location.group;
    const std::uint64_t room = order == GroupOrder::kDescending ? before : Integers::kLargest - before;
    if (layout.group_id >= room) {
      return FieldsOutcome::violated(
          kViolates<"a Group ID below 0 or above the largest number", Sections::kFetchObject>);
    }
    const std::uint64_t distance = layout.group_id + 1;
    layout.group_id = order == GroupOrder::kDescending ? before - distance : before + distance;
    return FieldsOutcome::done();
  }

  static FieldsOutcome read_subgroup(Reader& in, const Prior& prior, FetchObjectLayout& layout) noexcept {
    if (!kByteFlags && (layout.flags & Flags::kDatagram) != 0) {
      layout.datagram = true;  // its Subgroup ID follows when the Object ID is known
      return FieldsOutcome::done();
    }
    const auto mode = static_cast<std::uint8_t>(layout.flags & Flags::kSubgroupIdMask);
    if (mode == Flags::kSubgroupIdZero) return FieldsOutcome::done();
    if (mode == Flags::kSubgroupIdPresent) {
      return in.read(layout.subgroup_id) ? FieldsOutcome::done() : FieldsOutcome::need_more();
    }
    if (!prior->has_subgroup) {
      return FieldsOutcome::violated(
          kViolates<"a fetch object takes the Subgroup ID of an object that is not there", Sections::kFetchObject>);
    }
    layout.subgroup_id = prior->subgroup_id;
    if (mode == Flags::kSubgroupIdPrior) return FieldsOutcome::done();
    if (prior->subgroup_id >= Integers::kLargest) {
      return FieldsOutcome::violated(kViolates<Traits::kSubgroupIdTooLarge, Sections::kFetchObject>);
    }
    ++layout.subgroup_id;
    return FieldsOutcome::done();
  }

  static FieldsOutcome read_object_id(Reader& in, const Prior& prior, FetchObjectLayout& layout) noexcept {
    constexpr base::Violation kTooLarge = kViolates<Traits::kObjectIdTooLarge, Sections::kFetchObject>;
    std::uint64_t& object_id = layout.object.object_id;
    if ((layout.flags & Flags::kObjectIdPresent) == 0) {
      if (prior->location.object >= Integers::kLargest) return FieldsOutcome::violated(kTooLarge);
      object_id = prior->location.object + 1;
      return FieldsOutcome::done();
    }
    if (!in.read(object_id)) return FieldsOutcome::need_more();
    if (kDeltas && (layout.flags & Flags::kGroupIdPresent) == 0) {
      if (object_id > Integers::kLargest - prior->location.object) return FieldsOutcome::violated(kTooLarge);
      object_id += prior->location.object;
    }
    return FieldsOutcome::done();
  }

  static FieldsOutcome read_place(Reader& in, const Prior& prior, GroupOrder order,
                                  FetchObjectLayout& layout) noexcept {
    FieldsOutcome outcome = read_group(in, prior, order, layout);
    if (outcome.kind == FieldsOutcome::Kind::kDone) outcome = read_subgroup(in, prior, layout);
    if (outcome.kind == FieldsOutcome::Kind::kDone) outcome = read_object_id(in, prior, layout);
    if (outcome.kind != FieldsOutcome::Kind::kDone) return outcome;

    if ((layout.flags & Flags::kPriorityPresent) != 0) {
      if (!in.read_byte(layout.publisher_priority)) return FieldsOutcome::need_more();
    } else if (prior->has_priority) {
      layout.publisher_priority = prior->publisher_priority;
    } else {
      return FieldsOutcome::violated(
          kViolates<"a fetch object takes the Priority of an object that is not there", Sections::kFetchObject>);
    }
    const Location location{layout.group_id, layout.object.object_id};
    layout.prior = {location, layout.subgroup_id, layout.publisher_priority};
    if (layout.datagram) {
      layout.prior.subgroup_id = prior ? prior->subgroup_id : 0;
      layout.prior.has_subgroup = prior && prior->has_subgroup;
      layout.subgroup_id = location.object;
    }
    return FieldsOutcome::done();
  }
};

}  // namespace msquic_py::moqt::wire
