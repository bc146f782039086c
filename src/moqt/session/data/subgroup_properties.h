#pragma once

#include <cstdint>
#include <optional>

namespace msquic_py::moqt::session {

/// What a stream of objects says once, at its beginning [d15 §10.4.2].
struct SubgroupProperties {
  std::uint64_t group = 0;
  /// Nothing: the subgroup ID is the Object ID of the first object on the stream.
  std::optional<std::uint64_t> subgroup = 0;
  /// Received: the publisher priority that applies. Sent: nothing inherits the track's PUBLISHER_PRIORITY.
  std::optional<std::uint8_t> publisher_priority;
  /// Whether every object of the stream carries an extension block, possibly an empty one.
  bool extensions = false;
  /// Whether the last object before FIN is the last one of the group.
  bool end_of_group = false;
  /// Whether it is known that the first object of the stream is the first one of the subgroup. Drafts up to 17 cannot
  /// say so.
  bool first_object = false;
  /// Sent: what the first object of the subgroup says of its delivery timeouts, in milliseconds, in the place of what
  /// the track says (draft-22 section 5.2). 0: none.
  std::optional<std::uint64_t> object_delivery_timeout{};
  std::optional<std::uint64_t> subgroup_delivery_timeout{};

  bool operator==(const SubgroupProperties&) const = default;
};

}  // namespace msquic_py::moqt::session
