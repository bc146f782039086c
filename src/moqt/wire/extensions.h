#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/decoded.h"
#include "base/result.h"
#include "moqt/model/draft.h"
#include "moqt/model/key_value_pair.h"
#include "moqt/model/location.h"
#include "moqt/model/malformed_track.h"
#include "moqt/wire/encode_error.h"

namespace msquic_py::moqt::wire {

// Extension headers travel through this library as the raw bytes between their length and the payload length, so
// that unknown and non-minimal ones are forwarded unchanged [d15 §10.2.1.2]. These functions look inside.

/// The pairs of a raw block. Never NeedMore: a block that ends inside a pair is a violation.
base::Decoded<KeyValuePairs> decode_extensions(Draft draft, base::Bytes raw);

/// Appends the raw block, without a length in front.
EncodeResult encode_extensions(Draft draft, const KeyValuePairs& extensions, base::ByteVector& out);

/// The check that decode_extensions makes, without building anything.
std::optional<base::Violation> check_extensions(Draft draft, base::Bytes raw) noexcept;

/// The number that an object has as that property, of an even type, among its Immutable Properties or beside them;
/// nothing without one. `raw` has passed check_extensions.
std::optional<std::uint64_t> find_number(Draft draft, base::Bytes raw, std::uint64_t type) noexcept;

/// The extensions of [d15 §11] as found in one object.
struct KnownExtensions {
  std::optional<std::uint64_t> prior_group_id_gap{};   ///< that many groups before this one do not exist
  std::optional<std::uint64_t> prior_object_id_gap{};  ///< that many objects before this one do not exist
  std::optional<base::Bytes> immutable{};              ///< the pairs inside, a view of the raw block
  /// From draft 19 on: what counts for its subgroup if it is the first object of that (draft-22 sections 10.1, 10.2).
  std::optional<std::uint64_t> object_delivery_timeout{};
  std::optional<std::uint64_t> subgroup_delivery_timeout{};
};

/// Reads them and applies what [d15 §11] says about a single object at `location`. The rules that involve other
/// objects are for whoever remembers those. `raw` has passed check_extensions.
base::Result<KnownExtensions, MalformedTrack> inspect_extensions(Draft draft, base::Bytes raw, Location location);

}  // namespace msquic_py::moqt::wire
