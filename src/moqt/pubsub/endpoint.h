#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>

#include "moqt/model/full_track_name.h"
#include "moqt/model/message_parameters.h"
#include "moqt/model/track_namespace.h"
#include "moqt/pubsub/track_options.h"
#include "moqt/pubsub/track_reader.h"
#include "moqt/pubsub/track_writer.h"
#include "moqt/session/event.h"
#include "moqt/session/ring_queue.h"
#include "moqt/session/session.h"

namespace msquic_py::moqt::pubsub {

// ---- what an endpoint tells its application, besides the session's own events ----

/// The peer accepted a subscription (SUBSCRIBE_OK).
struct ReaderEstablished {
  std::shared_ptr<TrackReader> reader;
};
/// The reader went from nothing to something to read; read until it has no more.
struct ReaderReadable {
  std::shared_ptr<TrackReader> reader;
};
/// The reader's subscription ended; see TrackReader::end().
struct ReaderEnded {
  std::shared_ptr<TrackReader> reader;
};
/// Somebody began (or stopped) to receive a track of ours; see TrackWriter::subscribers().
struct WriterSubscribersChanged {
  std::shared_ptr<TrackWriter> writer;
};
/// A subscriber asks for a new group (NEW_GROUP_REQUEST; the track has dynamic_groups). 0: as soon as possible,
/// otherwise only if the present group is below it.
struct NewGroupRequested {
  std::shared_ptr<TrackWriter> writer;
  std::uint64_t group = 0;
};

/// Events of the session that the endpoint has no use for itself come through unchanged: Established, Closed,
/// GoawayReceived, SubscribeReceived and TrackStatusReceived for tracks without a writer (when
/// EndpointConfig::reject_unknown_tracks is off), PublishReceived, NamespacePublished, NamespaceSubscribed,
/// NamespaceDone, NamespaceCancelled, NamespaceUnsubscribed, and RequestAccepted/RequestRejected for announcements,
/// namespace subscriptions, track status requests, updates and PUBLISH.
using EndpointEvent = std::variant<std::monostate, ReaderEstablished, ReaderReadable, ReaderEnded,
                                   WriterSubscribersChanged, NewGroupRequested, session::Established, session::Closed,
                                   session::GoawayReceived, session::SubscribeReceived, session::TrackStatusReceived,
                                   session::PublishReceived, session::NamespacePublished, session::NamespaceSubscribed,
                                   session::NamespaceDone, session::NamespaceCancelled, session::NamespaceUnsubscribed,
                                   session::RequestAccepted, session::RequestRejected>;

struct EndpointConfig {
  /// REQUEST_ERROR DOES_NOT_EXIST for a SUBSCRIBE or TRACK_STATUS of a track without a writer. Off: the application
  /// gets the event and must answer, with add_track() and accept_subscribe(), or with reject().
  bool reject_unknown_tracks = true;
  ReceiveLimits receive;
};

/// What an application uses on top of one session: writers for the tracks it publishes, readers for the tracks it
/// receives. Sans-I/O as the session is, and not thread-safe. Drive it so: advance the session, drain_session(),
/// handle poll_event() until false, then drain the session's actions. Requests that need nothing of the endpoint
/// (publish_namespace, subscribe_namespace, track_status …) are made on the session itself.
class Endpoint {
 public:
  explicit Endpoint(session::Session& session, EndpointConfig config = {});
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  ~Endpoint();

  /// Takes every event that the session has ready.
  void drain_session();
  bool poll_event(EndpointEvent& event);
  [[nodiscard]] session::Session& session() noexcept { return session_; }

  // ---- publish ----

  /// From now on a SUBSCRIBE or TRACK_STATUS for this track is answered automatically. kDuplicate if it has a writer.
  session::SessionResult<std::shared_ptr<TrackWriter>> add_track(FullTrackName track, const TrackOptions& options = {});
  /// Offers the track with PUBLISH; without waiting for the answer, objects flow unless `forward` is false.
  session::SessionResult<session::RequestHandle> publish(const std::shared_ptr<TrackWriter>& writer,
                                                         bool forward = true, MessageParameters parameters = {});
  /// Answers a SubscribeReceived event with SUBSCRIBE_OK.
  session::SessionResult<void> accept_subscribe(session::RequestHandle request,
                                                const std::shared_ptr<TrackWriter>& writer);
  /// Forgets a track; its subscribers get PUBLISH_DONE unless it has been finished already.
  void remove_track(const FullTrackName& track);

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

 private:
  struct Dispatch;

  /// Tells the application of a NEW_GROUP_REQUEST, if there is one and the track listens to it.
  void request_new_group(const std::shared_ptr<TrackWriter>& writer, std::optional<std::uint64_t> group);
  /// Forgets readers and subscriptions that the application itself has ended.
  void forget_ended();
  /// Adds what a subscriber is told of a track to `parameters`.
  static MessageParameters describe(const TrackWriter& writer, MessageParameters parameters);

  session::Session& session_;
  EndpointConfig config_;
  std::shared_ptr<ReceiveBudget> budget_;
  session::RingQueue<EndpointEvent> events_;
  std::unordered_map<FullTrackName, std::shared_ptr<TrackWriter>> writers_;
  std::unordered_map<session::RequestHandle, std::shared_ptr<TrackWriter>> publishing_;
  std::unordered_map<session::RequestHandle, std::shared_ptr<TrackReader>> readers_;
};

}  // namespace msquic_py::moqt::pubsub
