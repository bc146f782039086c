#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/shared_bytes.h"
#include "moqt/model/error_codes.h"
#include "moqt/session/data/early_objects.h"
#include "moqt/session/data/held_datagrams.h"
#include "moqt/session/data/incoming_stream.h"
#include "moqt/session/data/received_tracks.h"
#include "moqt/session/event.h"
#include "moqt/session/session_config.h"
#include "moqt/session/time.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/datagram.h"

namespace msquic_py::moqt::session {

/// What the incoming data plane may ask of the session around it.
class IncomingDataContext {
 public:
  virtual ~IncomingDataContext() = default;
  virtual void emit(Event&& event) = 0;
  virtual void stop_sending(IncomingStreamId stream, StreamResetCode code) = 0;
  virtual void close(std::uint64_t code, std::string_view reason) = 0;
  virtual void sweep_streams_after(Duration delay) = 0;
  /// A stream of this subscription ended: its PUBLISH_DONE may be complete now.
  virtual void on_stream_ended(RequestHandle subscription) = 0;
  virtual void on_malformed(RequestHandle subscription, MalformedTrack reason) = 0;
  /// The stream of that fetch has begun; it has ended; this endpoint gives it up, which takes a FETCH_CANCEL.
  virtual void on_fetch_stream(RequestHandle fetch) = 0;
  virtual void on_fetch_stream_ended(RequestHandle fetch, bool finished, std::uint64_t code) = 0;
  virtual void on_fetch_given_up(RequestHandle fetch, StreamResetCode code) = 0;
  virtual void pause_stream(IncomingStreamId stream, bool paused) = 0;
  /// Bytes of the peer's unidirectional control stream, its type included; the stream has `ended`.
  virtual void on_control_stream(base::Bytes bytes, bool ended) = 0;
};

/// All streams and datagrams that the peer sends, attributed to subscriptions by track alias and to fetches by Request
/// ID.
class IncomingData {
 public:
  IncomingData(IncomingDataContext& context, const SessionConfig& config, const wire::Codec& codec) noexcept
      : context_(context), config_(config), codec_(codec) {}

  // ---- for the transport ----

  void on_data(Time now, IncomingStreamId id, base::SharedBytes bytes, bool fin);
  void on_reset(IncomingStreamId id, std::uint64_t code);
  void on_datagram(Time now, const base::SharedBytes& bytes);
  /// Looks for streams that have not moved for too long.
  void sweep(Time now);

  // ---- for requests ----

  /// The track with that alias; null when no subscription has it.
  [[nodiscard]] const ReceivedTrack* track_with(std::uint64_t alias) const noexcept { return tracks_.find(alias); }
  /// False when the alias belongs to another live track (DUPLICATE_TRACK_ALIAS).
  [[nodiscard]] bool add_track(RequestHandle subscription, const FullTrackName& name, std::uint64_t alias,
                               std::uint8_t publisher_priority, const WantedObjects& wanted);
  /// What the subscription wants from now on; nothing where it has no alias.
  void set_wanted(RequestHandle subscription, const WantedObjects& wanted);
  /// No stream that begins from now on is for this subscription, which shares its alias with others.
  void close_to_new_streams(RequestHandle subscription);
  /// Whether the alias is, or was, that of other subscriptions, too: nobody can tell then whose its streams are.
  [[nodiscard]] bool shares_alias(RequestHandle subscription) const noexcept;
  /// The subscription has no alias yet: it may get one that the track has, or had, or just that one. What comes under
  /// those is for it, too, perhaps; until release_held(), or unexpect() when nothing came of it.
  void expect(RequestHandle subscription, const FullTrackName& name, std::optional<std::uint64_t> alias = std::nullopt);
  void unexpect(RequestHandle subscription);
  /// Delivers what has waited for this subscription's alias. Apart from add_track() so that the answer can be
  /// reported before the objects.
  void release_held(RequestHandle subscription);
  /// Stops every stream of the subscription; its alias is retired, late data for it is dropped silently.
  void remove_track(RequestHandle subscription);
  /// A PUBLISH with this alias may not be reported yet: its streams wait with the publisher, paused, for
  /// release_held(). refuse_alias(): it never will be.
  void reserve_alias(std::uint64_t alias);
  void unreserve_alias(std::uint64_t alias);
  void refuse_alias(std::uint64_t alias, const FullTrackName& name);
  /// Data for this alias, which that track had, is of no interest any more.
  void retire_alias(std::uint64_t alias, const FullTrackName& name);
  /// The same of an alias that was given to a subscription which had been cancelled; but who waits for an alias now
  /// may have come in its place.
  void retire_unclaimed(std::uint64_t alias);
  [[nodiscard]] std::uint64_t streams_seen(RequestHandle subscription) const noexcept;
  [[nodiscard]] std::size_t streams_open(RequestHandle subscription) const noexcept;
  /// Whether the track's objects come as datagrams, as far as is known.
  [[nodiscard]] bool uses_datagrams(RequestHandle subscription) const noexcept;
  void stop(IncomingStreamId id, StreamResetCode code);
  void pause(IncomingStreamId id, bool paused);
  /// FETCH goes out with this ID: its stream may come.
  ReceivedFetch& add_fetch(std::uint64_t request_id, RequestHandle fetch, GroupOrder order);
  /// Null before add_fetch() and after remove_fetch().
  [[nodiscard]] ReceivedFetch* fetch(std::uint64_t request_id) noexcept;
  /// The fetch is over; its stream, if it still comes, is stopped.
  void remove_fetch(std::uint64_t request_id, StreamResetCode code);
  void clear();

 private:
  using State = IncomingStream::State;

  void read_header(IncomingStream& stream, base::SharedBytes bytes);
  void open_control(IncomingStream& stream, const base::SharedBytes& rest);
  void hold(IncomingStream& stream, base::SharedBytes bytes);
  void hold_back(IncomingStream& stream);
  void open(IncomingStream& stream, ReceivedTrack& track);
  void read_objects(IncomingStream& stream, base::SharedBytes bytes);
  /// Reads what has waited for the alias of this stream.
  void read_held(IncomingStream& stream, ReceivedTrack& track);
  void open_fetch(IncomingStream& stream, std::uint64_t request_id, base::SharedBytes rest);
  void read_fetch(IncomingStream& stream, base::SharedBytes bytes);
  /// False when the stream is not to be read on.
  bool deliver(IncomingStream& stream, wire::FetchObjectStart start);
  /// A piece has been read to its end: the stream keeps that much of an object header; stops it when that is too much.
  void keep(IncomingStream& stream, std::size_t kept, bool mid_object);
  void end_fetch(IncomingStream& stream, bool finished, std::uint64_t code);
  /// False when the stream is not to be read on.
  bool deliver(IncomingStream& stream, const base::SharedBytes& chunk, wire::ObjectStart start);
  void finish(IncomingStream& stream);
  /// Reports the stream to a subscription that does not know of it yet.
  void join(IncomingStream& stream, ReceivedTrack::Receiver& receiver, const SubgroupProperties& properties);
  [[nodiscard]] bool is_expected(const ReceivedTrack& track) const;
  [[nodiscard]] EarlyObjects::Room early_room() const;
  void keep_early(IncomingStream& stream, const EarlyObjects::Piece& piece);
  /// What came before the subscription had the alias of this track.
  void release_early(ReceivedTrack& track, RequestHandle subscription);
  /// Stops all streams of the track, which nobody receives any more, and retires its alias.
  void forget(const ReceivedTrack& track);
  void tell_malformed(const ReceivedTrack& track, MalformedTrack reason);
  /// The present object is for those who want it.
  void choose_takers(IncomingStream& stream, Location location, base::Bytes extensions);
  /// Reports something of the present object, or of the stream's end, to whom it concerns.
  template <class ObjectEvent>
  void tell(IncomingStream& stream, ObjectEvent event, bool to_all = false);
  /// Ends its part in the counts of those who heard of it, and tells who they are.
  std::vector<RequestHandle> leave_takers(IncomingStream& stream);
  /// Stops the least urgent stream if `newcomer` is one too many; the newcomer itself if no other can be judged.
  void make_room(IncomingStream& newcomer);
  /// Reads no more of the stream. Its record stays until the transport has nothing more to report: forget_finished().
  /// Those that had heard of it.
  std::vector<RequestHandle> give_up(IncomingStream& stream, StreamResetCode code);
  void forget_finished(IncomingStreamId id);
  /// The stream keeps that much of an object header now.
  void note_kept(IncomingStream& stream, std::size_t bytes) noexcept;
  void leave_held(IncomingStream& stream) noexcept;
  void end(IncomingStream& stream);
  void violate(const base::Violation& violation) { context_.close(violation.code, violation.what); }
  void deliver_datagram(ReceivedTrack& track, const base::SharedBytes& bytes, const wire::ObjectDatagram& datagram);
  [[nodiscard]] std::vector<IncomingStreamId> held_for(std::uint64_t alias) const;
  [[nodiscard]] bool has_held_room(std::size_t bytes) const noexcept {
    if (config_.account && !config_.account->has_room()) return false;
    return held_bytes_ + held_datagrams_.bytes() + bytes <= config_.limits.max_unknown_alias_bytes;
  }
  void arm_sweep();
  [[nodiscard]] Duration sweep_period() const noexcept;

  IncomingDataContext& context_;
  const SessionConfig& config_;
  const wire::Codec& codec_;
  std::unordered_map<IncomingStreamId, std::unique_ptr<IncomingStream>> streams_;
  ReceivedTracks tracks_;
  std::unordered_map<std::uint64_t, ReceivedFetch> fetches_;  ///< by Request ID
  HeldDatagrams held_datagrams_;
  std::multiset<std::uint64_t> reserved_;  ///< aliases
  /// A subscription whose alias is not known, and aliases of the track that were retired before.
  struct Expected {
    RequestHandle subscription;
    FullTrackName track;
    std::optional<std::uint64_t> alias;  ///< nothing: any
    std::vector<std::uint64_t> reopened;
  };
  std::vector<Expected> expected_;
  EarlyObjects early_;
  std::size_t held_streams_ = 0;
  std::size_t held_bytes_ = 0;  ///< of streams
  std::size_t kept_bytes_ = 0;  ///< of object headers that are not complete
  Time now_{};
  bool sweep_armed_ = false;
  bool has_control_ = false;  ///< the peer's control stream has come
};

}  // namespace msquic_py::moqt::session
