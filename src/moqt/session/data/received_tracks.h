#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "moqt/session/data/received_track.h"
#include "moqt/session/handles.h"

namespace msquic_py::moqt::session {

/// The tracks that this endpoint receives, by the alias their publisher gave them, and the aliases that have gone out
/// of use: late data for those is discarded at once instead of waiting for an introduction [d15 §10.1].
class ReceivedTracks {
 public:
  /// Null for an alias that no live subscription has.
  [[nodiscard]] ReceivedTrack* find(std::uint64_t alias) const noexcept;
  [[nodiscard]] ReceivedTrack* of(RequestHandle subscription) const noexcept;

  /// False when the alias belongs to another track (DUPLICATE_TRACK_ALIAS).
  [[nodiscard]] bool add(RequestHandle subscription, const FullTrackName& name, std::uint64_t alias,
                         std::uint8_t publisher_priority, bool mixed, const WantedObjects& wanted);
  template <class F>
  void for_each(F each) const {
    for (const auto& [alias, track] : by_alias_) each(*track);
  }
  /// Forgets the track and retires its alias.
  void remove(const ReceivedTrack& track);
  void retire(std::uint64_t alias, const FullTrackName& name);
  [[nodiscard]] bool retired(std::uint64_t alias) const noexcept;
  /// The aliases that the track had may be given to it again: they are retired no more.
  std::vector<std::uint64_t> reopen(const FullTrackName& name);
  void clear() { by_alias_.clear(); }

 private:
  static constexpr std::size_t kRetiredAliases = 64;

  struct Retired {
    std::uint64_t alias = 0;
    std::size_t name_hash = 0;
  };

  std::unordered_map<std::uint64_t, std::unique_ptr<ReceivedTrack>> by_alias_;
  std::vector<Retired> retired_;  ///< the latest, oldest first
};

}  // namespace msquic_py::moqt::session
