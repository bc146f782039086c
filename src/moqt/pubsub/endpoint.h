#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "moqt/model/full_track_name.h"
#include "moqt/model/message_parameters.h"
#include "moqt/objects/outlet.h"
#include "moqt/pubsub/endpoint_event.h"
#include "moqt/pubsub/fetch_answers.h"
#include "moqt/pubsub/track_options.h"
#include "moqt/session/ring_queue.h"
#include "moqt/session/session.h"

namespace msquic_py::moqt::pubsub {

struct EndpointConfig {
  /// REQUEST_ERROR DOES_NOT_EXIST for a SUBSCRIBE, TRACK_STATUS or FETCH of a track without a writer. Off: the
  /// application gets the event and must answer.
  bool reject_unknown_tracks = true;
  ReceiveLimits receive;
  /// Called when the session has got something to send outside of its own turn: another session's turn wrote to a track
  /// that both publish. The session's thread; it must not call the endpoint.
  std::function<void()> wake;
};

/// What an application uses on top of one session: writers for the tracks it publishes, readers for the tracks it
/// receives. Sans-I/O as the session is, and not thread-safe. Drive it so: advance the session, drain_session(),
/// handle poll_event() until false, then drain the session's actions. Requests that need nothing of the endpoint
/// (publish_namespace, subscribe_namespace, track_status …) are made on the session itself.
class Endpoint final : private objects::Outlet {
 public:
  explicit Endpoint(session::Session& session, EndpointConfig config = {});
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  ~Endpoint() override;

  /// Takes every event that the session has ready. `now` tells track writers the time, which their objects age by;
  /// without it nothing of theirs is too old.
  void drain_session(session::Time now = {});
  /// When drain_session() has something to do although the session has no event: a stream that waits to be acknowledged
  /// has waited long enough, or what is kept of a track is too old. Nothing when nothing of the kind is ahead.
  [[nodiscard]] std::optional<session::Time> next_deadline() const noexcept;
  bool poll_event(EndpointEvent& event);
  [[nodiscard]] session::Session& session() noexcept { return session_; }

  // ---- publish ----

  /// From now on a SUBSCRIBE, TRACK_STATUS or FETCH for this track is answered automatically. kDuplicate if it has a
  /// writer.
  session::SessionResult<std::shared_ptr<TrackWriter>> add_track(FullTrackName track, const TrackOptions& options = {});
  /// The same for a writer that other sessions of this thread have as well, of whatever draft; EndpointConfig::wake
  /// must be set. One that is finished is answered with SUBSCRIBE_OK and PUBLISH_DONE: those who were with an earlier
  /// session learn what they may fetch.
  session::SessionResult<void> add_track(const std::shared_ptr<TrackWriter>& writer);
  /// Offers the track with PUBLISH; without waiting for the answer, objects flow unless `forward` is false.
  session::SessionResult<session::RequestHandle> publish(const std::shared_ptr<TrackWriter>& writer,
                                                         bool forward = true, MessageParameters parameters = {});
  /// Answers a SubscribeReceived event with SUBSCRIBE_OK.
  session::SessionResult<void> accept_subscribe(session::RequestHandle request,
                                                const std::shared_ptr<TrackWriter>& writer);
  /// Answers a FetchRequested event out of what `writer` keeps. kUnknownRequest: it has ended.
  session::SessionResult<void> answer_fetch(const std::shared_ptr<FetchResponse>& response,
                                            const std::shared_ptr<TrackWriter>& writer);
  /// Forgets a track; its subscribers here get PUBLISH_DONE unless it has been finished already. A writer that only
  /// this session had is finished.
  void remove_track(const FullTrackName& track);

  /// Subscriptions of the peer to tracks of ours, an unanswered PUBLISH included.
  [[nodiscard]] std::size_t publications() const noexcept { return publishing_.size(); }
  /// The track that this SUBSCRIBE of the peer, or PUBLISH of ours, is about; null for another request.
  [[nodiscard]] std::shared_ptr<TrackWriter> published_with(session::RequestHandle request) const noexcept;
  /// Whether objects wait for any of them.
  [[nodiscard]] bool has_unsent() const noexcept;

  // ---- receive ----

  session::SessionResult<std::shared_ptr<TrackReader>> subscribe(FullTrackName track,
                                                                 MessageParameters parameters = {});
  /// Answers a PublishReceived event with PUBLISH_OK and gives a reader, established. Objects that came before the
  /// answer are in it.
  session::SessionResult<std::shared_ptr<TrackReader>> accept_publish(session::RequestHandle request,
                                                                      MessageParameters parameters = {});
  /// Answers any request of the peer with REQUEST_ERROR.
  session::SessionResult<void> reject(session::RequestHandle request, RequestErrorCode code,
                                      std::string_view reason = {});
  /// FETCH of past objects, from `start` up to, without, `end`; an `end` with Object ID 0 takes all of its group in.
  session::SessionResult<std::shared_ptr<FetchReader>> fetch(FullTrackName track, Location start, Location end,
                                                             MessageParameters parameters = {});
  /// FETCH of what came before a subscription with the filter Largest Object, which may still wait for its answer:
  /// what it brings and what `reader` brings have no gap between them and nothing twice.
  session::SessionResult<std::shared_ptr<FetchReader>> join(const TrackReader& reader, session::JoiningStart start,
                                                            MessageParameters parameters = {});

 private:
  struct Dispatch;
  struct Track {
    std::shared_ptr<TrackWriter> writer;
    bool shared = false;  ///< with other sessions
    /// It had ended before it came to this session. Who subscribes hears so, and how far it went: what is kept of it
    /// can be fetched.
    bool over = false;
  };
  struct Publication {
    std::shared_ptr<TrackWriter> writer;
    objects::Subscription* subscription = nullptr;
  };

  // ---- objects::Outlet ----
  void make_ready() override;
  void settle_later() override { unsettled_ = true; }

  /// Lets go of what has ended, and of streams that took too long.
  void settle();
  [[nodiscard]] bool is_over(const TrackWriter& writer) const noexcept;
  void add_publication(session::RequestHandle request, const std::shared_ptr<TrackWriter>& writer);
  /// Tells the application of a NEW_GROUP_REQUEST, if there is one and the track listens to it.
  void request_new_group(const std::shared_ptr<TrackWriter>& writer, std::optional<std::uint64_t> group);
  void request_fetch(const session::FetchReceived& event, const std::shared_ptr<TrackWriter>& writer);
  std::shared_ptr<FetchReader> read_fetch(session::RequestHandle request, FullTrackName track);
  /// Forgets readers and subscriptions that the application itself has ended.
  void forget_ended();
  /// Adds what a subscriber is told of a track to `parameters`.
  static MessageParameters describe(const TrackWriter& writer, MessageParameters parameters);

  session::Session& session_;
  EndpointConfig config_;
  std::shared_ptr<ReceiveBudget> budget_;
  session::RingQueue<EndpointEvent> events_;
  session::Time now_{};
  bool unsettled_ = false;
  std::unordered_map<FullTrackName, Track> writers_;
  std::unordered_map<session::RequestHandle, Publication> publishing_;
  std::unordered_map<session::RequestHandle, std::shared_ptr<TrackReader>> readers_;
  std::unordered_map<session::RequestHandle, std::shared_ptr<FetchReader>> fetch_readers_;
  std::unordered_map<session::RequestHandle, std::weak_ptr<FetchResponse>> responses_;
  FetchAnswers answers_;
};

}  // namespace msquic_py::moqt::pubsub
