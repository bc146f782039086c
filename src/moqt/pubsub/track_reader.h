#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "moqt/model/full_track_name.h"
#include "moqt/model/malformed_track.h"
#include "moqt/model/message_parameters.h"
#include "moqt/pubsub/kept_pieces.h"
#include "moqt/pubsub/object_queue.h"
#include "moqt/pubsub/received_locations.h"
#include "moqt/pubsub/received_object.h"
#include "moqt/session/event.h"
#include "moqt/session/session.h"

namespace msquic_py::moqt::pubsub {

/// How a subscription ended.
struct TrackEnd {
  enum class Cause : std::uint8_t {
    kRejected,       ///< REQUEST_ERROR; `code` is a RequestErrorCode
    kDone,           ///< PUBLISH_DONE; `code` is a PublishDoneCode
    kMalformed,      ///< the track broke the rules of [d15 §2.4.2]; the session unsubscribed
    kCancelled,      ///< by this endpoint
    kSessionClosed,  ///< `code` is a SessionErrorCode
  };
  Cause cause = Cause::kCancelled;
  std::uint64_t code = 0;
  std::string reason;
  std::uint64_t missing_streams = 0;
  std::uint64_t stream_count = 0;  ///< of PUBLISH_DONE
  /// Of a REQUEST_ERROR, see session::RequestRejected.
  std::optional<std::uint64_t> retry_after_ms{};
  std::optional<session::Redirect> redirect{};
};

/// How much of what a publisher sends one endpoint keeps until the application takes it.
struct ReceiveLimits {
  /// Bytes of complete objects that may wait in one reader; beyond it the oldest are dropped. As many bytes again may
  /// belong to objects that are still arriving; beyond it the object that grew is dropped, unless it is the only one.
  std::size_t reader_queue = 64 * 1024 * 1024;
  /// The largest payload that is put together. A publisher announces any length: a larger object is skipped.
  std::size_t object = 256 * 1024 * 1024;
  /// All of it together for all readers of the session; beyond it the reader that holds the most loses its oldest.
  std::size_t session = 512 * 1024 * 1024;
  /// Bytes of complete objects that may wait in one fetch. Beyond it the publisher is made to wait: nothing is dropped.
  std::size_t fetch_queue = 4 * 1024 * 1024;
};

/// Receives one track: puts the pieces of objects together and queues them. Made by Endpoint. Objects of one
/// stream keep their order; objects of different streams come in the order in which they were completed.
class TrackReader {
 public:
  enum class State : std::uint8_t { kPending, kEstablished, kEnded };

  TrackReader(session::Session& session, session::RequestHandle subscription, FullTrackName track,
              const ReceiveLimits& limits, const std::shared_ptr<ReceiveBudget>& budget);
  ~TrackReader();
  TrackReader(const TrackReader&) = delete;
  TrackReader& operator=(const TrackReader&) = delete;

  [[nodiscard]] session::RequestHandle subscription() const noexcept { return subscription_; }
  [[nodiscard]] const FullTrackName& track() const noexcept { return track_; }
  [[nodiscard]] State state() const noexcept { return state_; }
  /// Of SUBSCRIBE_OK or PUBLISH.
  [[nodiscard]] const MessageParameters& parameters() const noexcept { return parameters_; }
  /// NEW_GROUP_REQUEST's value [d15 §9.2.1.12]: the largest group that is known here plus one, 0 before any is.
  [[nodiscard]] std::uint64_t first_unknown_group() const noexcept { return first_unknown_group_; }
  /// Set in state kEnded; objects queued before can still be read.
  [[nodiscard]] const std::optional<TrackEnd>& end() const noexcept { return end_; }

  /// Takes the oldest complete object into `object`, whose vectors are reused. False when there is none.
  bool read(ReceivedObject& object) { return ready_->pop(object); }
  [[nodiscard]] std::size_t available() const { return ready_->size(); }
  [[nodiscard]] std::size_t queued_bytes() const { return ready_->bytes(); }
  /// Where the complete objects wait; any thread may take them from there.
  [[nodiscard]] const std::shared_ptr<ObjectQueue>& queue() const noexcept { return ready_; }
  /// Whole objects that have come, also those that were dropped later, and the bytes of their payloads.
  [[nodiscard]] std::uint64_t objects_received() const noexcept { return ready_->received(); }
  [[nodiscard]] std::uint64_t bytes_received() const noexcept { return ready_->received_bytes(); }
  /// Objects dropped because the application read too slowly (the oldest go first), objects that were larger than
  /// ReceiveLimits::object, and objects that never became complete because their stream was reset.
  [[nodiscard]] std::uint64_t objects_dropped() const noexcept { return ready_->dropped(); }
  [[nodiscard]] std::uint64_t objects_too_large() const noexcept { return ready_->too_large(); }
  [[nodiscard]] std::uint64_t objects_incomplete() const noexcept { return objects_incomplete_; }
  /// Objects that came again because another subscription of this endpoint to the track, under the same Track Alias,
  /// wants them, too (draft-22 section 3.1). They are not delivered again.
  [[nodiscard]] std::uint64_t objects_repeated() const noexcept { return objects_repeated_; }
  /// Streams that were reset because something on them was too late (DELIVERY_TIMEOUT) or failed: what they had left is
  /// missing. CANCELLED is not counted: it also ends a stream that has a gap which this endpoint wanted.
  [[nodiscard]] std::uint64_t streams_cut() const noexcept { return streams_cut_; }

  /// SUBSCRIBE_UPDATE; see Session::update.
  session::SessionResult<session::RequestHandle> update(MessageParameters parameters);
  /// UNSUBSCRIBE. Objects that were complete stay readable.
  void cancel();

 private:
  friend class Endpoint;
  struct OpenStream {
    session::SubgroupProperties properties;
    std::optional<std::uint64_t> last_object;
    bool said_end = false;  ///< the last object was the end of the group, in so many words
    bool assembling = false;
    std::size_t arrived = 0;  ///< bytes of `object` so far
    ReceivedObject object;
  };

  void on_accepted(const MessageParameters& parameters);
  void know_group(std::uint64_t group) noexcept { first_unknown_group_ = std::max(first_unknown_group_, group + 1); }
  void on(const session::SubgroupOpened& event);
  void on(session::ObjectReceived& event);
  void on(session::ObjectPayload& event);
  void on(const session::SubgroupEnded& event);
  void on(session::DatagramReceived& event);
  void on_end(TrackEnd end);
  /// `bytes` more of the stream's object have come. Gives the object up when there is no room.
  void hold(OpenStream& stream, std::size_t bytes);
  void release(OpenStream& stream);
  void deliver(ReceivedObject&& object);
  /// Whether an object there has been delivered and comes again for another subscription.
  [[nodiscard]] bool repeats(Location location);
  /// Whether there is something to read after there was nothing, since the last call.
  [[nodiscard]] bool became_readable() noexcept { return std::exchange(became_readable_, false); }
  void deliver_implied_end(std::uint64_t group, std::uint64_t subgroup, std::uint64_t after, std::uint8_t priority,
                           bool datagram);

  session::Session& session_;
  session::RequestHandle subscription_;
  FullTrackName track_;
  const ReceiveLimits limits_;
  const std::shared_ptr<ReceiveBudget> budget_;
  State state_ = State::kPending;
  MessageParameters parameters_;
  std::uint64_t first_unknown_group_ = 0;
  std::optional<TrackEnd> end_;
  std::unordered_map<session::IncomingStreamId, OpenStream> streams_;
  std::size_t arriving_bytes_ = 0;
  std::size_t arriving_objects_ = 0;
  std::shared_ptr<ObjectQueue> ready_;
  bool became_readable_ = false;
  std::uint64_t objects_incomplete_ = 0;
  std::uint64_t objects_repeated_ = 0;
  std::uint64_t streams_cut_ = 0;
  ReceivedLocations received_;  ///< only where aliases may be shared
  bool shares_alias_ = false;
  KeptPieces pieces_;
};

}  // namespace msquic_py::moqt::pubsub
