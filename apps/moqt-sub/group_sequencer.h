#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "moqt/pubsub/received_object.h"

namespace msquic_py::apps {

/// What a track has lost on its way.
struct Losses {
  std::uint64_t objects = 0;         ///< inside of groups of which something came
  std::uint64_t groups_cut = 0;      ///< groups whose end never came
  std::uint64_t groups_skipped = 0;  ///< groups of which nothing came, between others
  std::uint64_t late = 0;            ///< objects that came after their group had been given up

  [[nodiscard]] bool any() const noexcept { return objects + groups_cut + groups_skipped + late != 0; }
  bool operator==(const Losses&) const = default;
};

/// Puts the objects of one track into the order of their locations. Groups travel on streams of their own, and so do
/// their subgroups, and a packet that is lost or overtaken holds up only its own stream: the next group may begin to
/// arrive before the present one is complete, the one after it before the next, and a later object before an earlier
/// one. All of them wait here, but not for ever. What is missing in between is asked for, and counted when it is not to
/// be had.
///
/// An object may build on all before it in its own subgroup and in those with lower IDs (draft-15 [d15 §2.2]): once
/// one of these is lost, the rest of the group is of no use to a decoder. A stream brings everything or breaks, so a
/// subgroup that went on behind a gap has not lost anything there; where the track has other, higher subgroups, what is
/// missing belongs to them.
class GroupSequencer {
 public:
  struct Emitted {
    bool starts_group = false;
    bool broken = false;  ///< what it may build on is missing
  };
  using Emit = std::function<void(const moqt::pubsub::ReceivedObject& object, Emitted place)>;
  /// Places of the track from `first` up to, without, `end`.
  struct Range {
    moqt::Location first;
    moqt::Location end;
    bool operator==(const Range&) const = default;
  };
  /// Tries to get what is missing there before it is given up. True: what there is of it is added, then fetch_over() is
  /// called. False: it is not to be had.
  using Ask = std::function<bool(const Range& missing)>;
  using Time = std::chrono::steady_clock::time_point;
  /// Bytes that may wait for the present group before it is given up.
  static constexpr std::size_t kMaxWaiting = 64 * 1024 * 1024;
  /// How long a whole later group waits while nothing comes of the present one: a stream that was reset never tells
  /// that its group is over. A group that does not follow the present one waits as long for those in between.
  static constexpr std::chrono::seconds kPatience{2};
  /// How long objects behind a gap in the present group wait for what is missing: another stream may bring it.
  static constexpr std::chrono::milliseconds kGapPatience{500};
  /// How long the first group of a track waits for one before it: enough for a lost packet to be sent again, too short
  /// for people to notice.
  static constexpr std::chrono::milliseconds kBeginning{50};
  /// Group IDs that are further apart belong to a publisher that was started again (they follow its clock), and nothing
  /// is missing.
  static constexpr std::uint64_t kNewLife = 100;
  static constexpr std::uint64_t kLastGroup = (std::uint64_t{1} << 62) - 1;

  explicit GroupSequencer(Emit emit, Ask ask = {}) : emit_(std::move(emit)), ask_(std::move(ask)) {}

  /// Everything that the track will ever have is subscribed to, so its first group is not the first to come here by
  /// necessity. To be called before any object is added.
  void begin_with_track() noexcept {
    begins_with_track_ = true;
    wanted_from_ = moqt::Location{};
  }
  /// Nothing has come before the session was lost, and this is the first place of what had been subscribed to.
  void begin_at(moqt::Location place) noexcept { wanted_from_ = place; }
  void add(moqt::pubsub::ReceivedObject object, Time now);
  /// The group is known to be whole although its publisher need not have told its end: a fetch has come to a later one.
  void whole(std::uint64_t group, Time now);
  /// What is missing and was asked for has come as far as this place: what has not come of it does not exist.
  void fetched_until(moqt::Location place, Time now);
  /// Nothing more comes of what was asked for. All of it came when fetched_until() has said so.
  void fetch_over(Time now);
  /// A stream of the track was cut: that a group has no end says something from now on.
  void note_cut() noexcept { streams_are_cut_ = true; }
  /// What was asked for will not come, and streams broke off. Both are asked for on the next session.
  void session_lost() noexcept {
    asking_ = false;
    asked_until_ = known_;
    streams_are_cut_ = true;
  }
  /// The track is over, and everything of it is here that its streams bring. True: something was asked for; to be
  /// called again behind fetch_over(). `tail`: what the track may have behind its last object is missing, too.
  bool ask_for_the_rest(bool tail);
  /// Everything from the place returned on is being fetched, without a subscription; to be called behind
  /// session_lost(). The place is that of something that came, where anything has.
  std::optional<moqt::Location> fetch_the_rest();
  /// What was fetched ends in this group, and the subscription goes on from there: when nothing more comes of it, it
  /// was whole already, and its end is told by nobody.
  void joined(std::uint64_t group) noexcept { joined_ = group; }
  /// Gives up what does not come when it is time to. To be called now and then.
  void tend(Time now);
  /// When the first group has waited long enough for one before it; nothing unless it waits.
  [[nodiscard]] std::optional<Time> begins_at() const;
  /// Objects may be missing inside of streams, too: some were dropped on this side.
  void distrust_streams() noexcept { streams_are_whole_ = false; }
  /// Emits whatever still waits, in order, and begins anew: a track published again may begin at group 0. `complete`:
  /// the publisher said that the track is over, so a group without an end was cut.
  void flush(bool complete);
  [[nodiscard]] Losses losses() const noexcept {
    Losses losses = losses_;
    // Where no end was ever told, a missing one says nothing.
    losses.groups_cut = ends_are_told_ ? groups_without_end_ : 0;
    return losses;
  }
  [[nodiscard]] std::uint64_t groups() const noexcept { return groups_; }

 private:
  struct Waiting {
    std::deque<moqt::pubsub::ReceivedObject> objects;
    bool whole = false;  ///< its end is here
    Time first{};        ///< when its first object came
    Time last{};
  };
  /// An object of the present group.
  void take(moqt::pubsub::ReceivedObject object, Time now);
  void emit(const moqt::pubsub::ReceivedObject& object);
  /// Emits what waits behind a gap as far as it follows.
  void emit_following();
  /// Nothing more is expected of what is missing before the first of ahead_.
  void give_gap_up();
  void give_gaps_up();
  [[nodiscard]] bool may_advance(Time now) const;
  /// What is missing before the first of `ahead_`, or before the group `next`, and was not asked for yet.
  bool ask_for_gap();
  bool ask_for_groups_before(std::uint64_t next);
  bool ask(moqt::Location first, moqt::Location end);
  [[nodiscard]] bool ends_count() const noexcept { return ends_are_told_ || streams_are_cut_; }
  [[nodiscard]] bool known_before(moqt::Location place) const noexcept { return known_ && place <= *known_; }
  [[nodiscard]] bool fetched(moqt::Location place) const noexcept { return known_ && place < *known_; }
  void begin();
  void advance();
  void take_up(std::uint64_t group, Waiting& waiting);
  void close_group();
  [[nodiscard]] bool whole_group_waits() const;

  Emit emit_;
  Ask ask_;
  bool asking_ = false;                        ///< something was asked for, and may still come
  std::optional<moqt::Location> asked_until_;  ///< nothing before this place is asked for again
  std::optional<moqt::Location> known_;        ///< what has not come before this place does not exist
  std::optional<std::uint64_t> joined_;
  bool begins_with_track_ = false;
  std::optional<moqt::Location> wanted_from_;
  std::optional<std::uint64_t> group_;        ///< the one being emitted
  std::optional<std::uint64_t> next_object_;  ///< nothing: the subscription began inside of this group
  bool group_ended_ = false;
  bool group_started_ = false;
  /// Of the present group, behind a gap, by Object ID. An end that is told stands for the objects before it.
  std::map<std::uint64_t, moqt::pubsub::ReceivedObject> ahead_;
  std::size_t ahead_bytes_ = 0;
  Time gap_since_{};
  std::uint64_t missing_here_ = 0;            ///< objects of the present group that were given up
  std::optional<std::uint64_t> broken_from_;  ///< objects of this subgroup and of higher ones build on what is missing
  std::set<std::uint64_t> subgroups_;         ///< that this track has had
  bool datagrams_ = false;
  bool streams_are_whole_ = true;
  bool ends_are_told_ = false;  ///< this publisher marks the ends of its groups
  bool streams_are_cut_ = false;
  std::map<std::uint64_t, Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  Time last_{};  ///< when the latest object of the present group came
  std::uint64_t groups_ = 0;
  std::uint64_t groups_without_end_ = 0;
  Losses losses_;
};

}  // namespace msquic_py::apps
