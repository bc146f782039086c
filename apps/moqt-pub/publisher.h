#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command_line/client_program.h"
#include "command_line/transfer_report.h"
#include "loc/header_extensions.h"
#include "media/pacer.h"
#include "moqt-pub/media_input.h"
#include "moqt-pub/outgoing_catalog.h"
#include "moqt-pub/outgoing_track.h"
#include "moqt/pubsub/endpoint.h"
#include "runtime/session_driver.h"

namespace msquic_py::apps {

struct PublisherOptions {
  ClientOptions client;
  moqt::TrackNamespace name_space;
  /// The one track of all media (Packaging::Muxed) or of length-framed objects. Nothing: a catalog, and a track for
  /// each stream of the input.
  std::optional<std::string> single_track;
  std::uint8_t priority = 128;
  /// Nothing: the present time in milliseconds. An object must not come back with other contents
  /// [d15 §2.1], and a publisher that was restarted does not know how far it had been.
  std::optional<std::uint64_t> first_group;
  /// How objects say when they were captured, and more. Nothing: as suits the draft that a session speaks.
  std::optional<loc::Version> loc_version;
  bool offer_with_publish = false;  ///< PUBLISH in place of PUBLISH_NAMESPACE
  bool pace = true;                 ///< send at the speed of the media, where the format knows it
  bool wait_for_subscriber = true;  ///< begin with the first subscriber; otherwise what nobody wants is dropped
  /// Seconds that tracks which have ended are offered on another session to subscribers who were there on the one that
  /// was lost, as long as none of them has come back.
  double tail = 20;
};

/// Publishes an input on one session: announces the tracks, and sends one object per unit, a group for each start.
class Publisher final : public ClientRole, public runtime::EventLoop::Participant {
 public:
  /// The loop ends when the publisher is done; then see failure().
  Publisher(runtime::EventLoop& loop, PublisherOptions options, InputOptions input, TransferReport& report);
  ~Publisher() override;

  /// Ends the tracks after what was sent already. Loop thread.
  void stop() override;
  /// Nothing: everything was published.
  [[nodiscard]] const std::optional<std::string>& failure() const noexcept override { return failure_; }
  [[nodiscard]] int exit_code() const override;
  [[nodiscard]] std::string summary() const override;
  [[nodiscard]] TransferStatus status() const;

  void on_dialled(runtime::SessionDriver& driver) override { driver_ = &driver; }
  bool on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time now) override;
  [[nodiscard]] std::optional<runtime::EventLoop::Time> next_deadline(
      const runtime::SessionDriver& driver) const override;
  void on_finished(runtime::SessionDriver& driver, const transport::CloseReason& reason) override;
  std::optional<runtime::EventLoop::Time> turn(runtime::EventLoop::Time now) override;

 private:
  using Time = runtime::EventLoop::Time;
  /// A subscriber that has this much waiting makes the publisher wait.
  static constexpr std::size_t kLowWater = 1024 * 1024;
  /// How long the first subscriber's other subscriptions may take before the media begin without them.
  static constexpr Time::duration kGathering = std::chrono::milliseconds(500);

  /// A group of media that lasts longer than this is worth a warning.
  static constexpr std::chrono::seconds kLongGroup{5};
  /// How long tracks that follow others wait for whoever reads the catalog.
  static constexpr Time::duration kChange = std::chrono::seconds(2);
  /// With --resume: what is kept of a track for those who have missed it.
  static constexpr moqt::objects::Retention kKept{16 * 1024 * 1024, SIZE_MAX, std::chrono::seconds(60)};
  /// How long tracks that have ended are offered behind the latest of those who have come back as well.
  static constexpr Time::duration kTail = std::chrono::seconds(5);

  struct Events;
  // publisher_events.cpp
  void handle(const moqt::pubsub::EndpointEvent& event, Time now);

  /// The tracks that follow; those before are over.
  void change_tracks(const std::vector<MediaTrack>& media, Time now);
  /// Keeps their numbers for the summary, and forgets them.
  void retire_tracks();
  bool add_track(const std::string& name, std::uint8_t priority, bool extensions,
                 std::shared_ptr<moqt::pubsub::TrackWriter>& writer);
  // publisher_comeback.cpp: between two sessions
  /// The session is over, and another one is made: the tracks stay, and what is written of them is kept for a while.
  void suspend();
  /// Publishes the tracks on the session that there is now.
  void go_on(Time now);
  /// Whether an input without a pace of its own waits until somebody takes it again.
  [[nodiscard]] bool holds_input() const;
  /// Somebody takes a track, or has asked for one that has ended.
  void subscriber_came(Time now);
  /// All of them, those that have ended included.
  [[nodiscard]] std::vector<std::shared_ptr<moqt::pubsub::TrackWriter>> writers() const;
  void make_ready();

  [[nodiscard]] std::string new_name(bool video);
  bool announce();
  /// When the media may begin; Time::max(): not before something changes.
  [[nodiscard]] Time begins(Time now);
  std::optional<Time> send_due(Time now);
  bool send(const MediaUnit& unit, Time due);
  void report_skipped();
  void warn(const std::string& text);
  /// GOAWAY, and no --resume: what is still to come of the input will not be published.
  void leave_a_server_that_goes();
  void finish_tracks();
  /// Leaves once the peer has everything.
  void leave_when_sent();
  void close();
  void fail(std::string why);
  void give_up(const char* what, moqt::session::SessionError error);
  [[nodiscard]] std::size_t queued_bytes() const;
  [[nodiscard]] std::uint64_t first_group();

  runtime::EventLoop& loop_;
  TransferReport& report_;
  PublisherOptions options_;
  Packaging packaging_;
  runtime::SessionDriver* driver_ = nullptr;
  std::optional<moqt::pubsub::Endpoint> endpoint_;
  bool established_ = false;
  loc::Version loc_version_ = loc::Version::k01;  ///< of the present session
  bool announced_ = false;
  std::optional<OutgoingCatalog> catalog_;
  std::vector<OutgoingTrack> tracks_;
  std::vector<std::shared_ptr<moqt::pubsub::TrackWriter>> ended_;  ///< finished, their last objects on the way
  std::size_t videos_named_ = 0, audios_named_ = 0;

  std::optional<Time> first_wanted_;
  std::optional<Time> others_until_;  ///< how long the tracks that follow others wait for a subscriber
  bool begun_ = false;
  bool finishing_ = false;
  std::optional<Time> tail_until_;  ///< those who come back as well have had time to
  bool has_subscribers_ = false;    ///< in the present session
  bool missed_ = false;             ///< the subscribers of a session that was lost: none of them has come back
  bool closing_ = false;            ///< this side has closed the session, and for a good reason
  Pacer pacer_;
  std::optional<std::int64_t> wall_origin_;  ///< microseconds since the epoch at media time 0
  std::uint64_t objects_before_ = 0, groups_before_ = 0, bytes_before_ = 0, skipped_before_ = 0;  ///< tracks ended
  std::uint64_t skipped_told_ = 0;
  bool long_group_told_ = false;
  bool server_goes_ = false;  ///< before everything was published
  bool lost_ = false;         ///< the connection ended when the work had begun
  std::optional<std::chrono::microseconds> media_start_;
  std::chrono::microseconds media_end_{0};
  std::optional<std::string> failure_;
  MediaInput input_;  // last: its thread may call back as soon as it is made
};

}  // namespace msquic_py::apps
