#pragma once

#include <cstdint>

namespace msquic_py::moqt::wire {

/// The bits of a SUBGROUP_HEADER stream type ([d15 §10.4.2], table 6). They mean the same in every draft so far;
/// which combinations are valid is for each draft to say.
struct SubgroupTypeBits {
  static constexpr std::uint64_t kExtensions = 0x01;
  static constexpr std::uint64_t kIdModeMask = 0x06;
  static constexpr std::uint64_t kIdModeFirstObject = 0x02;
  static constexpr std::uint64_t kIdModeExplicit = 0x04;
  static constexpr std::uint64_t kEndOfGroup = 0x08;
  static constexpr std::uint64_t kSubgroup = 0x10;
  static constexpr std::uint64_t kPriorityAbsent = 0x20;
  static constexpr std::uint64_t kFirstObject = 0x40;  ///< from draft 18 on
};

/// Stream types that are not of objects, from draft 17 on (draft-18 section 3.4).
inline constexpr std::uint64_t kControlStreamType = 0x2F00;
inline constexpr std::uint64_t kPaddingStreamType = 0x132B3E28;
/// The type of a datagram without meaning (draft-18 section 11.5.2).
inline constexpr std::uint64_t kPaddingDatagramType = 0x132B3E29;

/// The bits of an OBJECT_DATAGRAM type ([d15 §10.3.1], table 5). The table prints an Object ID for 0x2C and 0x2D,
/// against its own pattern; as in the drafts after it, the bit is taken at its word.
struct DatagramTypeBits {
  static constexpr std::uint64_t kExtensions = 0x01;
  static constexpr std::uint64_t kEndOfGroup = 0x02;
  static constexpr std::uint64_t kObjectIdAbsent = 0x04;
  static constexpr std::uint64_t kPriorityAbsent = 0x08;
  static constexpr std::uint64_t kStatus = 0x20;
};

}  // namespace msquic_py::moqt::wire
