#pragma once

#include <optional>

#include "moqt/model/key_value_pair.h"
#include "moqt/wire/cited.h"
#include "moqt/wire/extensions.h"
#include "moqt/wire/integers/header_scratch.h"
#include "moqt/wire/integers/integer_cursor.h"

namespace msquic_py::moqt::wire {

/// One pair as it lies in the block: a number for an even type, bytes for an odd one [d15 §1.4.2].
struct RawPair {
  std::uint64_t type = 0;
  std::uint64_t number = 0;
  base::Bytes bytes;
};

/// The pairs of a block of extension headers, from draft 17 on of properties.
template <class Traits>
class PairReader {
 public:
  using Sections = typename Traits::Sections;

  explicit PairReader(base::Bytes raw) noexcept : in_(raw) {}

  [[nodiscard]] bool at_end() const noexcept { return in_.remaining() == 0; }
  std::optional<base::Violation> read(RawPair& pair) noexcept {
    // [d15 §1.4.2-2]
    static constexpr base::Violation kOverrun =
        key_value_formatting_error(kCited<"extension block ends inside a key-value pair", Sections::kKeyValuePair>);
    if (!in_.read(pair.type)) return kOverrun;
    if constexpr (Traits::kDeltaTypes) {
      if (pair.type > ~std::uint64_t{0} - type_) {
        return kViolates<"the Type of a key-value pair is above 2^64-1", Sections::kKeyValuePair>;
      }
      type_ = pair.type += type_;
    }
    if (!in_.read(pair.number)) return kOverrun;
    if ((pair.type & 1) == 0) return std::nullopt;
    // [d15 §1.4.2-1]
    if (pair.number > kMaxKeyValueLength)
      return kViolates<"key-value pair longer than 65535 bytes", Sections::kKeyValuePair>;
    if (pair.number > in_.remaining()) return kOverrun;
    pair.bytes = in_.rest().first(static_cast<std::size_t>(pair.number));
    in_.skip(pair.number);
    return std::nullopt;
  }

 private:
  IntegerCursor<typename Traits::Integers> in_;
  std::uint64_t type_ = 0;  ///< of the pair before
};

template <class Traits>
std::optional<base::Violation> check_extensions(base::Bytes raw) noexcept {  // [d15 §10.2.1.2-3]
  PairReader<Traits> in(raw);
  RawPair pair;
  while (!in.at_end()) {
    if (const auto violation = in.read(pair)) return violation;
  }
  return std::nullopt;
}

template <class Traits>
base::Decoded<KeyValuePairs> decode_extensions(base::Bytes raw) {
  KeyValuePairs pairs;
  PairReader<Traits> in(raw);
  while (!in.at_end()) {
    RawPair pair;
    if (const auto violation = in.read(pair)) return *violation;
    if ((pair.type & 1) == 0) {
      pairs.push_back({pair.type, pair.number});
    } else {
      pairs.push_back({pair.type, base::ByteVector(pair.bytes.begin(), pair.bytes.end())});
    }
  }
  return pairs;
}

/// In the order given; where types count from the one before, in ascending order.
template <class Traits>
EncodeResult encode_extensions(const KeyValuePairs& extensions, base::ByteVector& out) {
  const std::size_t start = out.size();
  const auto fail = [&out, start](EncodeError error) -> EncodeResult {
    out.resize(start);
    return base::Failure{error};
  };
  using Integers = typename Traits::Integers;
  HeaderScratch<Integers> scratch;
  std::uint64_t before = 0;
  const auto write = [&](const KeyValuePair& pair) -> std::optional<EncodeError> {
    const std::uint64_t* value = pair.number();
    if (((pair.type & 1) == 0) != (value != nullptr)) return EncodeError::kKeyValueKind;
    const std::uint64_t type = Traits::kDeltaTypes ? pair.type - before : pair.type;
    before = pair.type;
    if (!all_fit<Integers>(type)) return EncodeError::kNumberTooLarge;
    scratch.put(type);
    if (value != nullptr) {
      if (!all_fit<Integers>(*value)) return EncodeError::kNumberTooLarge;
      scratch.put(*value);
      scratch.flush(out);
      return std::nullopt;
    }
    const base::ByteVector& bytes = *pair.bytes();
    if (bytes.size() > kMaxKeyValueLength) return EncodeError::kKeyValueTooLong;
    scratch.put(bytes.size());
    scratch.flush(out);
    out.insert(out.end(), bytes.begin(), bytes.end());
    return std::nullopt;
  };
  const auto descends = [](const KeyValuePair& left, const KeyValuePair& right) { return left.type > right.type; };
  if (Traits::kDeltaTypes && std::adjacent_find(extensions.begin(), extensions.end(), descends) != extensions.end()) {
    KeyValuePairs ascending = extensions;
    std::stable_sort(ascending.begin(), ascending.end(),
                     [](const KeyValuePair& left, const KeyValuePair& right) { return left.type < right.type; });
    for (const KeyValuePair& pair : ascending) {
      if (const auto error = write(pair)) return fail(*error);
    }
    return {};
  }
  for (const KeyValuePair& pair : extensions) {
    if (const auto error = write(pair)) return fail(*error);
  }
  return {};
}

/// The value of that even type, in the block or in the Immutable Extensions of it.
template <class Traits>
std::optional<std::uint64_t> find_number(base::Bytes raw, std::uint64_t type) noexcept {
  PairReader<Traits> in(raw);
  RawPair pair;
  while (!in.at_end()) {
    if (in.read(pair)) return std::nullopt;
    if (pair.type == type && (type & 1) == 0) return pair.number;
    if (pair.type != static_cast<std::uint64_t>(ExtensionType::kImmutableExtensions)) continue;
    PairReader<Traits> inside(pair.bytes);
    RawPair inner;
    while (!inside.at_end() && !inside.read(inner)) {
      if (inner.type == type && (type & 1) == 0) return inner.number;
    }
  }
  return std::nullopt;
}

/// Takes note of what [d15 §11] defines. Inside Immutable Extensions are extensions of the object too, so a gap may be
/// in either place, but once.
// [d15 §11.1-8]
template <class Traits>
std::optional<MalformedTrack> note_extensions(base::Bytes raw, bool inside_immutable, KnownExtensions& known) {
  constexpr auto number = [](ExtensionType type) { return static_cast<std::uint64_t>(type); };
  PairReader<Traits> in(raw);
  while (!in.at_end()) {
    RawPair pair;
    if (in.read(pair)) return MalformedTrack::kImmutableExtensionsUnparsable;
    if (pair.type == number(ExtensionType::kPriorGroupIdGap)) {
      if (known.prior_group_id_gap) return MalformedTrack::kPriorGroupIdGapRepeated;
      known.prior_group_id_gap = pair.number;
    } else if (pair.type == number(ExtensionType::kPriorObjectIdGap)) {
      if (known.prior_object_id_gap) return MalformedTrack::kPriorObjectIdGapRepeated;
      known.prior_object_id_gap = pair.number;
    } else if (pair.type == number(ExtensionType::kImmutableExtensions)) {
      if (inside_immutable) return MalformedTrack::kImmutableExtensionsNested;
      if (known.immutable) return MalformedTrack::kImmutableExtensionsRepeated;
      known.immutable = pair.bytes;
      if (const auto reason = note_extensions<Traits>(pair.bytes, true, known)) return reason;
    } else if (Traits::kObjectsHaveTimeouts && pair.type == number(ExtensionType::kObjectDeliveryTimeout)) {
      known.object_delivery_timeout = pair.number;
    } else if (Traits::kObjectsHaveTimeouts && pair.type == number(ExtensionType::kSubgroupDeliveryTimeout)) {
      known.subgroup_delivery_timeout = pair.number;
    } else if (Traits::kMandatoryTrackProperties && is_mandatory_track_property(pair.type)) {
      return MalformedTrack::kMandatoryTrackPropertyOfObject;
    }
  }
  return std::nullopt;
}

template <class Traits>
base::Result<KnownExtensions, MalformedTrack> inspect_extensions(base::Bytes raw, Location location) {
  KnownExtensions known;
  if (raw.empty()) return known;
  if (const auto reason = note_extensions<Traits>(raw, false, known)) return base::Failure{*reason};
  if (known.prior_group_id_gap && *known.prior_group_id_gap > location.group) {
    return base::Failure{MalformedTrack::kPriorGroupIdGapExceedsGroupId};
  }
  if (known.prior_object_id_gap && *known.prior_object_id_gap > location.object) {
    return base::Failure{MalformedTrack::kPriorObjectIdGapExceedsObjectId};
  }
  return known;
}

}  // namespace msquic_py::moqt::wire
