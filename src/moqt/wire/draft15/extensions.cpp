#include "moqt/wire/draft15/codec.h"
#include "moqt/wire/draft15/varint_cursor.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

constexpr std::uint64_t number(ExtensionType type) noexcept { return static_cast<std::uint64_t>(type); }

/// One pair as it lies in the block: a number for an even type, bytes for an odd one [d15 §1.4.2].
struct RawPair {
  std::uint64_t type = 0;
  std::uint64_t number = 0;
  base::Bytes bytes;
};

std::optional<base::Violation> read_pair(VarintCursor& in, RawPair& pair) noexcept {
  // [d15 §1.4.2-2]
  static constexpr base::Violation kOverrun =
      key_value_formatting_error("extension block ends inside a key-value pair (section 1.4.2)");
  if (!in.read(pair.type)) return kOverrun;
  if (!in.read(pair.number)) return kOverrun;
  if ((pair.type & 1) == 0) return std::nullopt;
  // [d15 §1.4.2-1]
  if (pair.number > kMaxKeyValueLength)
    return protocol_violation("key-value pair longer than 65535 bytes (section 1.4.2)");
  if (pair.number > in.remaining()) return kOverrun;
  pair.bytes = in.rest().first(static_cast<std::size_t>(pair.number));
  in.skip(pair.number);
  return std::nullopt;
}

/// Takes note of what [d15 §11] defines. Inside Immutable Extensions are extensions of the object too, so a gap may be
/// in either place, but once.
// [d15 §11.1-8]
std::optional<MalformedTrack> inspect(base::Bytes raw, bool inside_immutable, KnownExtensions& known) {
  VarintCursor in(raw);
  while (in.remaining() > 0) {
    RawPair pair;
    if (read_pair(in, pair)) return MalformedTrack::kImmutableExtensionsUnparsable;
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
      if (const auto reason = inspect(pair.bytes, true, known)) return reason;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<base::Violation> check_extensions(base::Bytes raw) noexcept {  // [d15 §10.2.1.2-3]
  VarintCursor in(raw);
  RawPair pair;
  while (in.remaining() > 0) {
    if (const auto violation = read_pair(in, pair)) return violation;
  }
  return std::nullopt;
}

base::Decoded<KeyValuePairs> decode_extensions(base::Bytes raw) {
  KeyValuePairs pairs;
  VarintCursor in(raw);
  while (in.remaining() > 0) {
    RawPair pair;
    if (const auto violation = read_pair(in, pair)) return *violation;
    if ((pair.type & 1) == 0) {
      pairs.push_back({pair.type, pair.number});
    } else {
      pairs.push_back({pair.type, base::ByteVector(pair.bytes.begin(), pair.bytes.end())});
    }
  }
  return pairs;
}

EncodeResult encode_extensions(const KeyValuePairs& extensions, base::ByteVector& out) {
  const std::size_t start = out.size();
  const auto fail = [&out, start](EncodeError error) -> EncodeResult {
    out.resize(start);
    return base::Failure{error};
  };
  HeaderScratch scratch;
  for (const KeyValuePair& pair : extensions) {
    if (pair.type > base::kVarintMax) return fail(EncodeError::kNumberTooLarge);
    const std::uint64_t* value = pair.number();
    if (((pair.type & 1) == 0) != (value != nullptr)) return fail(EncodeError::kKeyValueKind);
    scratch.put(pair.type);
    if (value != nullptr) {
      if (*value > base::kVarintMax) return fail(EncodeError::kNumberTooLarge);
      scratch.put(*value);
      scratch.flush(out);
      continue;
    }
    const base::ByteVector& bytes = *pair.bytes();
    if (bytes.size() > kMaxKeyValueLength) return fail(EncodeError::kKeyValueTooLong);
    scratch.put(bytes.size());
    scratch.flush(out);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return {};
}

base::Result<KnownExtensions, MalformedTrack> inspect_extensions(base::Bytes raw, Location location) {
  KnownExtensions known;
  if (raw.empty()) return known;
  if (const auto reason = inspect(raw, false, known)) return base::Failure{*reason};
  if (known.prior_group_id_gap && *known.prior_group_id_gap > location.group) {
    return base::Failure{MalformedTrack::kPriorGroupIdGapExceedsGroupId};
  }
  if (known.prior_object_id_gap && *known.prior_object_id_gap > location.object) {
    return base::Failure{MalformedTrack::kPriorObjectIdGapExceedsObjectId};
  }
  return known;
}

}  // namespace msquic_py::moqt::wire::draft15
