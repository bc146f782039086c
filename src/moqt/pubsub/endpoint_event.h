#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "moqt/pubsub/fetch_reader.h"
#include "moqt/pubsub/fetch_response.h"
#include "moqt/pubsub/track_reader.h"
#include "moqt/pubsub/track_writer.h"
#include "moqt/session/event.h"

namespace msquic_py::moqt::pubsub {

// ---- what an endpoint tells its application, besides the session's own events ----

/// The peer accepted a subscription (SUBSCRIBE_OK).
struct ReaderEstablished {
  std::shared_ptr<TrackReader> reader;
};
/// The reader went from nothing to something to read; read until it has no more. Or an object has come once more, which
/// TrackReader::objects_repeated() counts.
struct ReaderReadable {
  std::shared_ptr<TrackReader> reader;
};
/// The reader's subscription ended; see TrackReader::end().
struct ReaderEnded {
  std::shared_ptr<TrackReader> reader;
};
/// The peer accepted a FETCH (FETCH_OK). Objects may have come before.
struct FetchReaderAccepted {
  std::shared_ptr<FetchReader> reader;
};
/// The reader of a FETCH went from nothing to something to read; read until it has no more.
struct FetchReaderReadable {
  std::shared_ptr<FetchReader> reader;
};
/// The FETCH ended; see FetchReader::end().
struct FetchReaderEnded {
  std::shared_ptr<FetchReader> reader;
};
/// Two thirds of the time that the publisher gave the subscription (EXPIRES) are over; an update renews it.
struct ReaderExpiring {
  std::shared_ptr<TrackReader> reader;
};
/// The publisher tells what has changed of the subscription without an update (PUBLISH_STATE_NOTIFY, draft-22 section
/// 9.10): FORWARD, LOCATION_FILTER, LARGEST_OBJECT, those that are there.
struct ReaderChanged {
  std::shared_ptr<TrackReader> reader;
  MessageParameters parameters;
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
/// A FETCH that the application is to answer: of a track without a writer (when EndpointConfig::reject_unknown_tracks
/// is off), or of objects that its writer does not keep (TrackOptions::answers_fetch).
struct FetchRequested {
  std::shared_ptr<FetchResponse> response;
  std::shared_ptr<TrackWriter> writer;  ///< null for an unknown track
};
/// The response has room again; see FetchResponse::writable().
struct FetchWritable {
  std::shared_ptr<FetchResponse> response;
};
/// The peer does not want the answer any more, or the session is over: the response has ended.
struct FetchWithdrawn {
  std::shared_ptr<FetchResponse> response;
};

/// Events of the session that the endpoint has no use for itself come through unchanged: Established, Closed,
/// GoawayReceived, SubscribeReceived and TrackStatusReceived for tracks without a writer (when
/// EndpointConfig::reject_unknown_tracks is off), PublishReceived, NamespacePublished, NamespaceSubscribed,
/// NamespaceDone, NamespaceCancelled, NamespaceUnsubscribed, NamespaceFound, NamespaceLost, NamespaceSubscriptionEnded,
/// NamespaceUpdateReceived for another prefix (the endpoint has accepted it; whoever tells of namespaces with
/// Session::announce() tells of those under the prefix), PublishSkipped, AuthorizationRequested, AuthorizationWithdrawn
/// (when SessionConfig::asks_authorization is on), and RequestAccepted/RequestRejected for announcements, namespace
/// subscriptions, track status requests, updates and PUBLISH.
using EndpointEvent =
    std::variant<std::monostate, ReaderEstablished, ReaderReadable, ReaderEnded, ReaderExpiring, ReaderChanged,
                 FetchReaderAccepted, FetchReaderReadable, FetchReaderEnded, WriterSubscribersChanged,
                 NewGroupRequested, FetchRequested, FetchWritable, FetchWithdrawn, session::Established,
                 session::Closed, session::GoawayReceived, session::SubscribeReceived, session::TrackStatusReceived,
                 session::PublishReceived, session::NamespacePublished, session::NamespaceSubscribed,
                 session::NamespaceDone, session::NamespaceCancelled, session::NamespaceUnsubscribed,
                 session::RequestAccepted, session::RequestRejected, session::NamespaceFound, session::NamespaceLost,
                 session::NamespaceSubscriptionEnded, session::NamespaceUpdateReceived, session::PublishSkipped,
                 session::AuthorizationRequested, session::AuthorizationWithdrawn>;

}  // namespace msquic_py::moqt::pubsub
