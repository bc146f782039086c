#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "command_line/transfer_report.h"
#include "moqt-sub/group_sequencer.h"
#include "moqt-sub/recording.h"
#include "moqt/pubsub/fetch_reader.h"
#include "moqt/pubsub/track_reader.h"

namespace msquic_py::apps {

/// One track on its way from the session into the recording: in order, from where a decoder can begin, its losses and
/// delays counted.
class TrackFeed {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    std::string name;
    /// Objects build on those before them in their group (video, and a single MP4): the first one has to be there, and
    /// what comes behind a gap can't be decoded.
    bool builds_on_earlier = false;
  };
  using Past = std::shared_ptr<moqt::pubsub::FetchReader>;
  /// FETCH of what is missing, from `start` on, up to `end` as a FETCH says it. Null: it can't be asked for.
  using Fetch = std::function<Past(moqt::Location start, moqt::Location end)>;
  /// `past` brings what came before `reader` begins, and is written first; null without a late join. Without a `reader`
  /// it is all that is recorded. `fetch` asks for what the subscription leaves out. The recording and the report
  /// outlive the feed.
  TrackFeed(Options options, std::shared_ptr<moqt::pubsub::TrackReader> reader, Past past, Fetch fetch,
            Recording& recording, Recording::SourceId source, TransferReport& report);

  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }
  [[nodiscard]] Recording::SourceId source() const noexcept { return source_; }
  [[nodiscard]] const std::shared_ptr<moqt::pubsub::TrackReader>& reader() const noexcept { return reader_; }

  /// Null without a late join.
  [[nodiscard]] const Past& past() const noexcept { return past_; }
  /// What is missing and was asked for; null when nothing is.
  [[nodiscard]] const Past& repair() const noexcept { return repair_; }

  [[nodiscard]] const moqt::FullTrackName& track() const noexcept { return track_; }

  /// The session, or its publisher, was lost: takes what has come. What is missing behind it is asked for when the next
  /// session has brought more. An error shows when it has.
  void lose(std::uint64_t most);
  [[nodiscard]] bool lost() const noexcept { return lost_; }
  /// A track that is lost and can't be subscribed to any more may have ended meanwhile: asks for the rest of it, which
  /// is the repair() then. False: it can't be asked for.
  bool ask_for_the_rest();
  /// It came, and with it the end of the track.
  [[nodiscard]] bool has_the_rest() const noexcept { return lost_ && end_repaired_; }
  /// The track comes on another session.
  void go_on(std::shared_ptr<moqt::pubsub::TrackReader> reader);
  /// What is still to come of a feed without a reader.
  void go_on_with(Past past);
  /// Behind the latest object of the past; nothing before the first one.
  [[nodiscard]] std::optional<moqt::Location> next_place() const;
  /// It has been subscribed to, or has lost a session since.
  [[nodiscard]] bool had_a_session() const;

  /// Takes what has come, at most `most` objects. An error: nothing more can be written.
  Recording::Outcome take(std::uint64_t most);
  /// When to call take() though nothing has come.
  [[nodiscard]] std::optional<Clock::time_point> begins_at() const { return sequencer_.begins_at(); }
  /// The track is over: takes what has come, and asks for what is missing. True: end() has to wait for the repair().
  bool repairs_before_the_end(std::uint64_t most);
  /// The track is over. `complete`: its publisher said so. What still waited for its turn is written.
  Recording::Outcome end(bool complete, std::uint64_t most);
  [[nodiscard]] bool ended() const noexcept { return ended_; }

  [[nodiscard]] std::uint64_t objects() const noexcept { return objects_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t groups() const noexcept { return sequencer_.groups(); }
  [[nodiscard]] Losses losses() const;
  /// Objects came, and no decoder could begin with any of them.
  [[nodiscard]] bool came_too_late() const noexcept { return passed_over_ && !begun_; }
  /// The track has had objects, whether any of them came or not.
  [[nodiscard]] bool had_objects() const;
  /// What should have come before the subscription did not, or not all of it.
  [[nodiscard]] bool lacks_past() const noexcept { return lacks_past_; }
  /// A warning that is due: nothing decodable for long, damage. At most one a call.
  std::optional<std::string> take_warning(Clock::time_point now);

 private:
  static constexpr std::chrono::seconds kLongWait{10};

  void write(const moqt::pubsub::ReceivedObject& object, GroupSequencer::Emitted place);
  /// Whether a decoder can make use of the object; counts and tells when not.
  bool decodable(const moqt::pubsub::ReceivedObject& object, GroupSequencer::Emitted place);
  /// Puts what has come into order.
  void collect(Clock::time_point now);
  /// Takes what was fetched. False: more of it is to come.
  bool take_past(Clock::time_point now);
  /// Takes a part that `fetch` has left out where it is the next to be read, and tells of it.
  bool take_gap(moqt::pubsub::FetchReader& fetch);
  bool ask(const GroupSequencer::Range& missing);
  void take_repair(Clock::time_point now);
  void put(moqt::pubsub::ReceivedObject object, Clock::time_point now);
  /// The largest object of the track, as the session said that it has come back on, when it has not come.
  [[nodiscard]] std::optional<moqt::Location> missing_end() const;

  Options options_;
  const moqt::FullTrackName track_;
  std::shared_ptr<moqt::pubsub::TrackReader> reader_;
  bool lost_ = false;                 ///< there is no session that brings it
  bool went_on_ = false;              ///< it comes on another session than its first one
  std::uint64_t dropped_before_ = 0;  ///< objects, on earlier sessions
  Past past_;
  Fetch fetch_;
  Past repair_;
  GroupSequencer::Range asked_;
  std::uint64_t repaired_objects_ = 0;
  bool repair_lacks_ = false;        ///< a part of it was left out
  std::uint64_t cuts_repaired_ = 0;  ///< streams that were cut before everything missing had come
  std::uint64_t groups_repaired_ = 0;
  std::optional<std::uint64_t> repaired_group_;  ///< the latest of them
  bool tail_repaired_ = false;
  bool end_repaired_ = false;                   ///< everything up to the end of the track has come
  std::optional<moqt::Location> latest_;        ///< the largest that has come
  std::optional<moqt::Location> first_wanted_;  ///< where the subscription began of which nothing has come
  Losses lost_end_;
  bool lacks_past_ = false;
  bool past_over_ = false;                 ///< everything of it has been taken
  std::optional<moqt::Location> past_at_;  ///< its latest object
  Recording& recording_;
  Recording::SourceId source_;
  TransferReport& report_;
  GroupSequencer sequencer_;
  bool ended_ = false;
  bool headless_ = false;  ///< the first object of this group, which it needs, did not come
  bool begun_ = false;     ///< a decoder can use what comes from now on
  Clock::time_point since_ = Clock::now();
  std::uint64_t objects_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t damaged_ = 0;  ///< damaged themselves, or by what is missing
  bool broken_told_ = false;
  bool passed_over_ = false;  ///< what came before a group began
  std::uint64_t streams_missing_ = 0;
  std::uint64_t most_ = 0;  ///< objects that may still be written
  std::optional<std::string> warning_;
  std::optional<std::string> failure_;
  base::ByteVector scratch_;
};

}  // namespace msquic_py::apps
