#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "moqt/model/full_track_name.h"
#include "moqt/model/malformed_track.h"
#include "moqt/model/message_parameters.h"
#include "moqt/pubsub/received_object.h"
#include "moqt/session/event.h"
#include "moqt/session/ring_queue.h"
#include "moqt/session/session.h"

namespace msquic_py::moqt::pubsub {

/// How a subscription ended.
struct TrackEnd {
  enum class Cause : std::uint8_t {
    kRejected,       ///< REQUEST_ERROR; `code` is a RequestErrorCode
    kDone,           ///< PUBLISH_DONE; `code` is a PublishDoneCode
    kMalformed,      ///< the track broke the rules of section 2.4.2; the session unsubscribed
    kCancelled,      ///< by this endpoint
    kSessionClosed,  ///< `code` is a SessionErrorCode
  };
  Cause cause = Cause::kCancelled;
  std::uint64_t code = 0;
  std::string reason;
  std::uint64_t missing_streams = 0;
  std::uint64_t stream_count = 0;  ///< of PUBLISH_DONE
};

/// Receives one track: puts the pieces of objects together and queues them. Made by Endpoint. Objects of one
/// stream keep their order; objects of different streams come in the order in which they were completed.
class TrackReader {
 public:
  enum class State : std::uint8_t { kPending, kEstablished, kEnded };

  TrackReader(session::Session& session, session::RequestHandle subscription, FullTrackName track,
              std::size_t queue_limit);
  TrackReader(const TrackReader&) = delete;
  TrackReader& operator=(const TrackReader&) = delete;

  [[nodiscard]] session::RequestHandle subscription() const noexcept { return subscription_; }
  [[nodiscard]] const FullTrackName& track() const noexcept { return track_; }
  [[nodiscard]] State state() const noexcept { return state_; }
  /// Of SUBSCRIBE_OK or PUBLISH.
  [[nodiscard]] const MessageParameters& parameters() const noexcept { return parameters_; }
  /// Set in state kEnded; objects queued before can still be read.
  [[nodiscard]] const std::optional<TrackEnd>& end() const noexcept { return end_; }

  /// Takes the oldest complete object into `object`, whose vectors are reused. False when there is none.
  bool read(ReceivedObject& object);
  [[nodiscard]] std::size_t available() const noexcept { return ready_.size(); }
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return queued_bytes_; }
  /// Objects dropped because the application read too slowly (the oldest go first), and objects that never became
  /// complete because their stream was reset.
  [[nodiscard]] std::uint64_t objects_dropped() const noexcept { return objects_dropped_; }
  [[nodiscard]] std::uint64_t objects_incomplete() const noexcept { return objects_incomplete_; }

  /// SUBSCRIBE_UPDATE; see Session::update.
  session::SessionResult<session::RequestHandle> update(MessageParameters parameters);
  /// UNSUBSCRIBE. Objects that were complete stay readable.
  void cancel();

 private:
  friend class Endpoint;
  struct OpenStream {
    session::SubgroupProperties properties;
    std::optional<std::uint64_t> last_object;
    bool assembling = false;
    ReceivedObject object;
  };

  void on_accepted(const MessageParameters& parameters);
  void on(const session::SubgroupOpened& event);
  void on(session::ObjectReceived& event);
  void on(session::ObjectPayload& event);
  void on(const session::SubgroupEnded& event);
  void on(session::DatagramReceived& event);
  void on_end(TrackEnd end);
  ReceivedObject fresh_object();
  void deliver(ReceivedObject&& object);
  void deliver_implied_end(std::uint64_t group, std::uint64_t subgroup, std::uint64_t after, std::uint8_t priority,
                           bool datagram);

  session::Session& session_;
  session::RequestHandle subscription_;
  FullTrackName track_;
  std::size_t queue_limit_;
  State state_ = State::kPending;
  MessageParameters parameters_;
  std::optional<TrackEnd> end_;
  std::unordered_map<session::IncomingStreamId, OpenStream> streams_;
  session::RingQueue<ReceivedObject> ready_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t objects_dropped_ = 0;
  std::uint64_t objects_incomplete_ = 0;
  std::vector<std::vector<base::SharedBytes>> spare_;  ///< emptied piece lists, for the next objects
};

}  // namespace msquic_py::moqt::pubsub
