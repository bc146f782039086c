#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/decoded.h"
#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
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
};

/// What an object on a fetch stream may leave out when it is as in the one before.
struct FetchPriorObject {
  Location location{};
  std::uint64_t subgroup_id = 0;
  std::uint8_t publisher_priority = 128;
  bool operator==(const FetchPriorObject&) const = default;
};

/// A whole object of a fetch stream.
struct FetchObject {
  Location location{};
  std::uint64_t subgroup_id = 0;  ///< equals the Object ID for objects that were datagrams
  std::uint8_t publisher_priority = 128;
  base::SharedBytes extensions{};  ///< raw block, without its length
  ObjectStatus status = ObjectStatus::kNormal;
  base::SharedBytes payload{};

  [[nodiscard]] FetchPriorObject prior() const noexcept { return {location, subgroup_id, publisher_priority}; }
};
bool operator==(const FetchObject& left, const FetchObject& right) noexcept;

struct DecodedFetchObject {
  FetchObject object;
  std::uint8_t flags;
  std::size_t size;
};
base::Decoded<DecodedFetchObject> decode_fetch_object(Draft draft, base::Bytes bytes,
                                                      const std::optional<FetchPriorObject>& prior);

/// Leaves out everything that `prior` already says.
EncodeResult encode_fetch_object(Draft draft, const FetchObject& object, const std::optional<FetchPriorObject>& prior,
                                 base::ByteVector& out);

/// What precedes the payload of an object on a fetch stream.
struct FetchObjectFields {
  Location location{};
  std::uint64_t subgroup_id = 0;
  std::uint8_t publisher_priority = 128;
  base::Bytes extensions{};  ///< raw block, without its length
  std::uint64_t payload_length = 0;
  ObjectStatus status = ObjectStatus::kNormal;  ///< on the wire only when payload_length is 0
};
EncodeResult encode_fetch_object_header(Draft draft, const FetchObjectFields& fields,
                                        const std::optional<FetchPriorObject>& prior, base::ByteVector& out);

}  // namespace msquic_py::moqt::wire
