#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/shared_bytes.h"
#include "moqt/model/error_codes.h"
#include "moqt/session/data/incoming_stream.h"
#include "moqt/session/data/received_track.h"
#include "moqt/session/event.h"
#include "moqt/session/session_config.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::session {

/// What the incoming data plane may ask of the session around it.
class IncomingDataContext {
 public:
  virtual void emit(Event event) = 0;
  virtual void stop_sending(IncomingStreamId stream, StreamResetCode code) = 0;
  virtual void close(std::uint64_t code, std::string_view reason) = 0;
  virtual void sweep_streams_after(Duration delay) = 0;
  /// A stream of this subscription ended: its PUBLISH_DONE may be complete now.
  virtual void on_stream_ended(RequestHandle subscription) = 0;
  virtual void on_malformed(RequestHandle subscription, MalformedTrack reason) = 0;

 protected:
  ~IncomingDataContext() = default;
};

/// All streams and datagrams that the peer sends, attributed to subscriptions by track alias.
class IncomingData {
 public:
  IncomingData(IncomingDataContext& context, const SessionConfig& config) noexcept : context_(context), config_(config) {}

  // ---- for the transport ----

  void on_data(Time now, IncomingStreamId id, base::SharedBytes bytes, bool fin);
  void on_reset(IncomingStreamId id, std::uint64_t code);
  void on_datagram(Time now, const base::SharedBytes& bytes);
  /// Looks for streams that have not moved for too long.
  void sweep(Time now);

  // ---- for requests ----

  /// False when the alias belongs to another live track (DUPLICATE_TRACK_ALIAS).
  [[nodiscard]] bool add_track(RequestHandle subscription, const FullTrackName& name, std::uint64_t alias,
                               std::uint8_t publisher_priority);
  /// Delivers what has waited for this subscription's alias. Apart from add_track() so that the answer can be
  /// reported before the objects.
  void release_held(RequestHandle subscription);
  /// Stops every stream of the subscription; its alias is retired, late data for it is dropped silently.
  void remove_track(RequestHandle subscription);
  /// Data for this alias is of no interest any more.
  void retire_alias(std::uint64_t alias);
  [[nodiscard]] std::uint64_t streams_seen(RequestHandle subscription) const noexcept;
  [[nodiscard]] std::size_t streams_open(RequestHandle subscription) const noexcept;
  /// Whether the track's objects come as datagrams, as far as is known.
  [[nodiscard]] bool uses_datagrams(RequestHandle subscription) const noexcept;
  void stop(IncomingStreamId id, StreamResetCode code);
  void clear();

 private:
  using State = IncomingStream::State;

  void read_header(IncomingStream& stream, base::SharedBytes bytes, bool fin);
  void hold(IncomingStream& stream, base::SharedBytes bytes, bool fin);
  void open(IncomingStream& stream, ReceivedTrack& track);
  void read_objects(IncomingStream& stream, base::SharedBytes bytes, bool fin);
  /// False when the stream is not to be read on.
  bool deliver(IncomingStream& stream, const base::SharedBytes& chunk, wire::ObjectStart start);
  void finish(IncomingStream& stream);
  void give_up(IncomingStream& stream, StreamResetCode code);
  void end(IncomingStream& stream);
  void violate(const base::Violation& violation) { context_.close(violation.code, violation.what); }
  void deliver_datagram(ReceivedTrack& track, const base::SharedBytes& bytes);
  [[nodiscard]] ReceivedTrack* find_track(std::uint64_t alias) const noexcept;
  [[nodiscard]] ReceivedTrack* track_of(RequestHandle subscription) const noexcept;
  [[nodiscard]] bool retired(std::uint64_t alias) const noexcept;
  void arm_sweep();
  [[nodiscard]] Duration sweep_period() const noexcept;

  struct HeldDatagram {
    std::uint64_t alias = 0;
    base::SharedBytes bytes;
    Time since{};
  };

  IncomingDataContext& context_;
  const SessionConfig& config_;
  std::unordered_map<IncomingStreamId, std::unique_ptr<IncomingStream>> streams_;
  std::unordered_map<std::uint64_t, std::unique_ptr<ReceivedTrack>> tracks_;  ///< by alias
  std::vector<HeldDatagram> held_datagrams_;
  std::size_t held_streams_ = 0;
  std::size_t held_bytes_ = 0;
  static constexpr std::size_t kRetiredAliases = 64;
  std::vector<std::uint64_t> retired_;  ///< a ring
  std::size_t next_retired_ = 0;
  Time now_{};
  bool sweep_armed_ = false;
};

}  // namespace msquic_py::moqt::session
