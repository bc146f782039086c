#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/decoded.h"
#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/group_order.h"
#include "moqt/model/location.h"
#include "moqt/model/object_status.h"
#include "moqt/wire/encode_error.h"

namespace msquic_py::moqt::wire {

/// FETCH_HEADER, [d15 §10.4.4].
struct FetchHeader {
  std::uint64_t request_id = 0;
  bool operator==(const FetchHeader&) const = default;
};

struct DecodedFetchHeader {
  FetchHeader header;
  std::size_t size;
};
base::Decoded<DecodedFetchHeader> decode_fetch_header(Draft draft, base::Bytes bytes);
EncodeResult encode_fetch_header(Draft draft, const FetchHeader& header, base::ByteVector& out);

/// The bits of the Serialization Flags byte of an object on a fetch stream [d15 §10.4.4].
struct FetchSerializationFlags {
  static constexpr std::uint8_t kSubgroupIdMask = 0x03;
  static constexpr std::uint8_t kSubgroupIdZero = 0x00;
  static constexpr std::uint8_t kSubgroupIdPrior = 0x01;
  static constexpr std::uint8_t kSubgroupIdPriorPlusOne = 0x02;
  static constexpr std::uint8_t kSubgroupIdPresent = 0x03;
  static constexpr std::uint8_t kObjectIdPresent = 0x04;
  static constexpr std::uint8_t kGroupIdPresent = 0x08;
  static constexpr std::uint8_t kPriorityPresent = 0x10;
  static constexpr std::uint8_t kExtensionsPresent = 0x20;
  static constexpr std::uint8_t kDatagram = 0x40;  ///< from draft 16 on
};

/// What an object on a fetch stream may leave out when it is as in the one before. From draft 16 on the marker of a
/// range may be before it, which has a location alone, or an object that was a datagram, which is in no subgroup: the
/// other values are then those of the last object that had them.
struct FetchPriorObject {
  Location location{};
  std::uint64_t subgroup_id = 0;
  std::uint8_t publisher_priority = 128;
  bool has_subgroup = true;  ///< subgroup_id is that of an object
  bool has_priority = true;  ///< publisher_priority is that of an object
  bool operator==(const FetchPriorObject&) const = default;
};

/// Why the objects of a range are not on a fetch stream: the values are those of the draft (draft-22 section 11.4.1.2).
enum class FetchGap : std::uint16_t {
  kNonExistent = 0x8C,
  kUnknown = 0x10C,
  kTimedOut = 0x20C,  ///< from draft 20 on
};

/// From draft 16 on: everything between the object or marker before and `end`, which is included, is not on the stream.
struct FetchRangeEnd {
  Location end{};
  FetchGap gap = FetchGap::kUnknown;
  bool operator==(const FetchRangeEnd&) const = default;
};

/// A whole object of a fetch stream.
struct FetchObject {
  Location location{};
  std::uint64_t subgroup_id = 0;  ///< equals the Object ID for objects that were datagrams
  std::uint8_t publisher_priority = 128;
  base::SharedBytes extensions{};  ///< raw block, without its length
  ObjectStatus status = ObjectStatus::kNormal;
  base::SharedBytes payload{};
  bool datagram = false;  ///< from draft 16 on: it was a datagram, and its subgroup_id is not on the wire

  [[nodiscard]] FetchPriorObject prior() const noexcept { return {location, subgroup_id, publisher_priority}; }
};
bool operator==(const FetchObject& left, const FetchObject& right) noexcept;

struct DecodedFetchObject {
  FetchObject object;
  std::uint16_t flags;
  std::size_t size;
  /// Instead of an object the stream has the end of a range here; of `object` only the location counts.
  std::optional<FetchGap> gap{};
  FetchPriorObject prior{};  ///< for the next object
};
/// `order` is that of the fetch, from which drafts from 18 on count Group IDs.
base::Decoded<DecodedFetchObject> decode_fetch_object(Draft draft, base::Bytes bytes,
                                                      const std::optional<FetchPriorObject>& prior,
                                                      GroupOrder order = GroupOrder::kAscending);

/// Leaves out everything that `prior` already says.
EncodeResult encode_fetch_object(Draft draft, const FetchObject& object, const std::optional<FetchPriorObject>& prior,
                                 base::ByteVector& out, GroupOrder order = GroupOrder::kAscending);

/// What precedes the payload of an object on a fetch stream.
struct FetchObjectFields {
  Location location{};
  std::uint64_t subgroup_id = 0;
  std::uint8_t publisher_priority = 128;
  base::Bytes extensions{};  ///< raw block, without its length
  std::uint64_t payload_length = 0;
  ObjectStatus status = ObjectStatus::kNormal;  ///< draft-15 alone; on the wire only when payload_length is 0
  bool datagram = false;                        ///< from draft 16 on

  /// What the next object may leave out, when it comes behind this one. A datagram has no Subgroup ID: whether that of
  /// the object before it counts then, the drafts do not say.
  [[nodiscard]] FetchPriorObject prior() const noexcept {
    return {location, datagram ? 0 : subgroup_id, publisher_priority, !datagram};
  }
};
EncodeResult encode_fetch_object_header(Draft draft, const FetchObjectFields& fields,
                                        const std::optional<FetchPriorObject>& prior, base::ByteVector& out,
                                        GroupOrder order = GroupOrder::kAscending);

/// What may be left out behind the marker of a range.
[[nodiscard]] FetchPriorObject prior_behind(const FetchRangeEnd& range,
                                            const std::optional<FetchPriorObject>& before) noexcept;
EncodeResult encode_fetch_range_end(Draft draft, const FetchRangeEnd& range,
                                    const std::optional<FetchPriorObject>& prior, base::ByteVector& out,
                                    GroupOrder order = GroupOrder::kAscending);

}  // namespace msquic_py::moqt::wire
