#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/ledger/ledger.h"
#include "moqt/model/full_track_name.h"
#include "moqt/session/time.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"
#include "relay/track.h"

namespace msquic_py::relay {

/// Every track that the relay knows: those that somebody publishes or wants, and those of which something is cached.
class TrackTable {
 public:
  TrackTable(const RelayLimits& limits, RelayCounters& counters, const base::Ledger& ledger) noexcept
      : limits_(limits), counters_(counters), ledger_(ledger) {}

  [[nodiscard]] bool empty() const noexcept { return tracks_.empty(); }
  [[nodiscard]] Track* find(const moqt::FullTrackName& name) const;
  /// Null when there are too many, or when no memory is left.
  Track* find_or_create(const moqt::FullTrackName& name);
  /// Forgets the track if nobody uses it and nothing of it is kept.
  void release(Track& track);
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [name, track] : tracks_) visit(*track);
  }

  /// The tracks that publishers have sent PUBLISH for, in that order.
  [[nodiscard]] const std::map<std::uint64_t, Track*>& offers() const noexcept { return offers_; }
  /// The track is offered now: it goes to the end of the order.
  void offer(Track& track);

  /// When the Supply has something to do for the track; nothing: never.
  void set_alarm(Track& track, std::optional<moqt::session::Time> due);
  /// One whose alarm is due, which is taken from it; null when there is none.
  Track* take_due(moqt::session::Time now);

  /// What became of the objects of all subscriptions, of tracks that are forgotten too.
  [[nodiscard]] moqt::objects::DeliveryAccount account() const;

  /// Drops what is too old, and the oldest of what is too much for all tracks together.
  void settle(moqt::session::Time now);
  /// When settle() has something to do.
  [[nodiscard]] std::optional<moqt::session::Time> next_deadline() const;

 private:
  /// Whether `bytes` that stores count as theirs are too much, or what is held because of them.
  [[nodiscard]] bool too_much(std::size_t bytes) const noexcept;
  void erase(Track& track);
  void count() noexcept;

  const RelayLimits& limits_;
  RelayCounters& counters_;
  const base::Ledger& ledger_;
  std::unordered_map<moqt::FullTrackName, std::unique_ptr<Track>> tracks_;
  std::map<std::uint64_t, Track*> offers_;
  std::set<std::pair<moqt::session::Time, Track*>> alarms_;
  std::uint64_t next_offer_ = 1;
  std::size_t idle_ = 0;  ///< tracks of which only the cache is left
  std::uint64_t evicted_by_past_tracks_ = 0;
  moqt::objects::DeliveryAccount past_deliveries_;
};

}  // namespace msquic_py::relay
