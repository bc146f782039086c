#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "moqt/model/forwarding_preference.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/location.h"
#include "moqt/model/malformed_track.h"
#include "moqt/model/object_status.h"
#include "moqt/session/data/wanted_objects.h"
#include "moqt/session/handles.h"

namespace msquic_py::moqt::session {

/// A track that this endpoint receives under one alias: what attributes its objects, and the rules of [d15 §2.4.2]
/// that can be checked without remembering objects.
class ReceivedTrack {
 public:
  /// `mixed`: each object has a forwarding preference of its own.
  ReceivedTrack(FullTrackName name, std::uint64_t alias, std::uint8_t publisher_priority, bool mixed)
      : name_(std::move(name)), alias_(alias), publisher_priority_(publisher_priority), mixed_(mixed) {}

  [[nodiscard]] const FullTrackName& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t alias() const noexcept { return alias_; }
  /// For streams and datagrams that carry no priority of their own.
  [[nodiscard]] std::uint8_t publisher_priority() const noexcept { return publisher_priority_; }
  void set_publisher_priority(std::uint8_t priority) noexcept { publisher_priority_ = priority; }

  /// Whether an object has come as a datagram.
  [[nodiscard]] bool uses_datagrams() const noexcept { return uses_datagrams_; }

  /// A subscription to the track under this alias.
  struct Receiver {
    RequestHandle subscription;
    WantedObjects wanted;
    std::uint64_t streams_seen = 0;  ///< those that may have had objects for it
    std::size_t streams_open = 0;
    bool closing = false;  ///< it takes no stream that begins from now on
  };
  [[nodiscard]] Receiver* receiver(RequestHandle subscription) noexcept;
  void add(RequestHandle subscription, const WantedObjects& wanted);

  /// More than one where the publisher gives the alias to several subscriptions, as in draft-22 it may: each object
  /// comes once for each of them that wants it, and is for all that want it (section 3.1). Earlier, where it answered
  /// a SUBSCRIBE and sent a PUBLISH for the track.
  std::vector<Receiver> receivers;
  /// There has been more than one: whose stream one is, nobody can tell.
  bool shared = false;
  /// Another subscription to the track has no answer yet, which may give it this alias, too. Until it has come the
  /// track may be here without a receiver.
  bool expected = false;
  std::size_t streams_open = 0;

  /// An object of the track arrived; why it makes the track malformed, if it does.
  std::optional<MalformedTrack> on_object(Location location, ObjectStatus status,
                                          ForwardingPreference preference) noexcept;
  /// The group is known to have no object from `end` on; why that makes the track malformed, if it does.
  std::optional<MalformedTrack> on_group_end(std::uint64_t group, std::uint64_t end) noexcept;

 private:
  /// Ends of groups that are remembered, those of the highest groups.
  static constexpr std::size_t kRememberedGroups = 64;

  /// Where the end of `group` is, or belongs.
  [[nodiscard]] std::size_t place_of(std::uint64_t group) const noexcept;

  FullTrackName name_;
  std::uint64_t alias_;
  std::uint8_t publisher_priority_;
  bool mixed_;
  bool uses_datagrams_ = false;
  std::optional<ForwardingPreference> preference_;  ///< of the latest object
  std::optional<Location> largest_;                 ///< of the objects with status Normal
  std::optional<Location> end_of_track_;            ///< no object lies at or behind it
  /// No object of the group lies at or behind it. Ascending; the first `known_ends_` of them.
  std::array<Location, kRememberedGroups> group_ends_;
  std::size_t known_ends_ = 0;
};

}  // namespace msquic_py::moqt::session
