#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace msquic_py::moqt {

/// [d15 §1.4.2]: an even type carries a number, an odd type up to 65535 bytes.
struct KeyValuePair {
  std::uint64_t type = 0;
  std::variant<std::uint64_t, base::ByteVector> value;

  [[nodiscard]] const std::uint64_t* number() const noexcept { return std::get_if<std::uint64_t>(&value); }
  [[nodiscard]] const base::ByteVector* bytes() const noexcept { return std::get_if<base::ByteVector>(&value); }
  bool operator==(const KeyValuePair&) const = default;
};

/// In wire order; types may repeat.
using KeyValuePairs = std::vector<KeyValuePair>;

inline constexpr std::size_t kMaxKeyValueLength = 65535;

/// Object extension headers that the transport itself defines [d15 §11].
enum class ExtensionType : std::uint64_t {
  kObjectDeliveryTimeout = 0x02,    ///< from draft 19 on
  kSubgroupDeliveryTimeout = 0x06,  ///< from draft 19 on
  kImmutableExtensions = 0x0B,
  kPriorGroupIdGap = 0x3C,
  kPriorObjectIdGap = 0x3E,
};

/// Whether only who understands that property may handle the track that has it (draft-18 section 2.5.1).
constexpr bool is_mandatory_track_property(std::uint64_t type) noexcept { return type >= 0x4000 && type <= 0x7FFF; }

}  // namespace msquic_py::moqt
