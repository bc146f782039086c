#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command_line/client_program.h"
#include "command_line/transfer_report.h"
#include "moqt-sub/recording.h"
#include "moqt-sub/track_choice.h"
#include "moqt-sub/track_feed.h"
#include "moqt/pubsub/endpoint.h"
#include "moqt/pubsub/track_reader.h"
#include "msf/catalog.h"
#include "runtime/session_driver.h"

namespace msquic_py::apps {

struct SubscriberOptions {
  ClientOptions client;
  moqt::FullTrackName track;        ///< of the single-track form, and its namespace that of the catalog
  bool single = false;              ///< this one track, whatever the catalog says
  bool list = false;                ///< print the catalog's tracks and leave
  std::vector<std::string> tracks;  ///< names of the catalog's tracks to take; empty: all that can be
  moqt::SubscriptionFilter filter = moqt::SubscriptionFilter::next_group_start();
  std::uint8_t priority = 128;
  bool wait_for_publisher = true;  ///< subscribe when the namespace is published; otherwise a refusal is the end
  bool follow = false;  ///< subscribe again when the tracks ended, for example because their publisher restarts
  std::uint64_t max_objects = 0;  ///< stop after that many; 0: no limit
  bool opaque = false;            ///< objects are written as they are, media or not
  /// The first and the last group that are fetched; then nothing is subscribed to.
  std::optional<std::pair<std::uint64_t, std::uint64_t>> fetch;
  std::optional<std::uint64_t> join;  ///< groups before the present one that are fetched; nothing: none, nor that one
};

/// Receives the tracks of a catalog, or a single track, on one session and records them.
class Subscriber final : public ClientRole, public runtime::EventLoop::Participant {
 public:
  /// `recording` may be null when only the catalog is listed.
  Subscriber(runtime::EventLoop& loop, SubscriberOptions options, TransferReport& report);
  ~Subscriber() override;
  /// What is recorded to; before the loop runs. `path` as in Recording::open().
  Recording::Outcome open(const std::string& path, Recording::Format format);

  /// Unsubscribes and leaves. Loop thread.
  void stop() override;
  /// Nothing: the tracks ended as their publisher said, or stop() was called, and nothing is missing.
  [[nodiscard]] const std::optional<std::string>& failure() const noexcept override { return failure_; }
  [[nodiscard]] int exit_code() const override { return exit_code_; }
  [[nodiscard]] std::string summary() const override;
  [[nodiscard]] TransferStatus status() const;

  void on_dialled(runtime::SessionDriver& driver) override { driver_ = &driver; }
  bool on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time now) override;
  void on_finished(runtime::SessionDriver& driver, const transport::CloseReason& reason) override;
  std::optional<runtime::EventLoop::Time> turn(runtime::EventLoop::Time now) override;

 private:
  using Reader = std::shared_ptr<moqt::pubsub::TrackReader>;
  using Past = TrackFeed::Past;
  /// A track of the recording; it outlives the subscriptions that fill it one after the other.
  struct Slot {
    std::string role;  ///< of the catalog, or the track's name
    Recording::SourceId source;
  };
  /// Tracks of one catalog that follow others. They are subscribed to at once, but recorded when those that this
  /// catalog no longer names have ended: what is left of them may still be on its way, and has an earlier place in the
  /// file.
  struct Successors {
    struct Track {
      msf::Track track;
      base::ByteVector initialization;
      Reader reader;
      Past past;
    };
    msf::Catalog catalog;
    std::vector<Track> tracks;
  };
  /// What waits for the output makes the subscriber stop reading; the session then holds it.
  static constexpr std::size_t kMostQueued = 16 * 1024 * 1024;
  static constexpr std::chrono::seconds kDrainPatience{3};
  static constexpr std::chrono::milliseconds kTick{500};
  static constexpr std::chrono::seconds kSuccessorPatience{3};
  /// How often a track is asked for whose publisher is not back yet.
  static constexpr std::chrono::milliseconds kAskAgain{200};

  // subscriber_session.cpp: what is asked of the session, and what it says
  struct Events;
  void handle(const moqt::pubsub::EndpointEvent& event);
  void on_offer(const moqt::session::PublishReceived& offer);
  void on_namespace(const moqt::TrackNamespace& track_namespace, moqt::session::RequestHandle told_by);
  void on_reader_ended(const Reader& reader);
  void on_catalog_end(const moqt::pubsub::TrackEnd& end);
  void on_feed_end(TrackFeed& feed, const moqt::pubsub::TrackEnd& end);
  void subscribe();
  void subscribe_single();
  void on_single_refused(const moqt::pubsub::TrackEnd& end);
  void wait_for_namespace();
  Reader request(const moqt::FullTrackName& track, moqt::SubscriptionFilter filter);
  /// The groups of --fetch.
  Past request_past(const moqt::FullTrackName& track);
  Past request_past_from(const moqt::FullTrackName& track, std::optional<moqt::Location> start);
  void on_fetch_ended(TrackFeed& feed, const moqt::pubsub::FetchEnd& end);
  /// The beginning of the recording, if it lies before the subscription's; null when it does not.
  Past join(const Reader& reader);
  /// What a subscription has left out.
  Past request_missing(const moqt::FullTrackName& track, moqt::Location start, moqt::Location end);
  void on_past_ended(const Past& past);
  /// A FETCH for the rest of a track that can't be subscribed to any more may have ended.
  void conclude_lost_feeds();
  [[nodiscard]] bool subscribed() const noexcept { return catalog_ || !feeds_.empty(); }

  // subscriber_comeback.cpp: between two sessions
  /// The session is over, and another one is made.
  void suspend();
  /// Asks for what is not subscribed to any more.
  void go_on();
  /// Whether a track that ended so, or was refused, is asked for again in a moment.
  bool comes_back(const moqt::pubsub::TrackEnd& end);
  void ask_again_soon();
  void ask_again(runtime::EventLoop::Time now);

  // subscriber_tracks.cpp: the catalog, and which tracks are recorded
  void read_catalog();
  void on_catalog(const msf::Catalog& catalog);
  void take_tracks(const TrackChoice& choice);
  void begin_successors();
  [[nodiscard]] bool all_follow(const msf::Catalog& catalog) const;
  void add_track(const msf::Track& track, base::Bytes initialization, Reader reader, Past past);
  void add_feed(const std::string& name, bool builds_on_earlier, Recording::SourceId source, Reader reader, Past past);
  Recording::SourceId slot_for(const msf::Track& track, base::Bytes initialization);

  // subscriber.cpp: what comes of it
  void end_feeds();
  void take_warnings();
  TrackFeed* feed_of(const Reader& reader) noexcept;
  void pump();
  void conclude_when_ended();
  void retire(TrackFeed& feed);
  [[nodiscard]] std::uint64_t objects_left() const noexcept;
  [[nodiscard]] Losses losses() const;
  void leave();
  /// The exit code where nothing has failed and nothing was lost on the way.
  void conclude_what_is_recorded();
  void leave_when_written(runtime::EventLoop::Time now);
  void fail(std::string why, int code);
  void warn(const std::string& text);

  runtime::EventLoop& loop_;
  SubscriberOptions options_;
  std::string track_name_;  ///< for people: of options_.track
  TransferReport& report_;
  std::unique_ptr<Recording> recording_;
  runtime::SessionDriver* driver_ = nullptr;
  std::optional<moqt::pubsub::Endpoint> endpoint_;

  Reader catalog_;                                     ///< subscription of the catalog track
  std::optional<msf::Catalog> known_;                  ///< the catalog as it is now
  std::optional<moqt::session::RequestHandle> offer_;  ///< PUBLISH of the single track, while the catalog is asked for
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<TrackFeed>> feeds_;
  std::deque<Successors> successors_;
  TransferStatus before_;  ///< of feeds that are gone
  Losses losses_before_;

  bool waiting_for_namespace_ = false;
  std::optional<moqt::session::RequestHandle> announcement_;  ///< the namespace is published
  std::optional<runtime::EventLoop::Time> successors_until_;  ///< all tracks have ended; others may follow
  std::optional<runtime::EventLoop::Time> lost_at_;           ///< a session or track; until it is there again
  std::optional<runtime::EventLoop::Time> ask_again_at_;      ///< for what was refused
  bool leaving_ = false;
  bool stopped_ = false;  ///< by the user
  std::optional<runtime::EventLoop::Time> give_up_output_;
  std::optional<std::string> failure_;
  int exit_code_ = 0;
};

}  // namespace msquic_py::apps
