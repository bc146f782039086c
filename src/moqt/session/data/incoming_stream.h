#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/shared_bytes.h"
#include "moqt/session/data/received_fetch.h"
#include "moqt/session/data/received_track.h"
#include "moqt/session/data/subgroup_properties.h"
#include "moqt/session/handles.h"
#include "moqt/session/time.h"
#include "moqt/wire/object_stream.h"
#include "moqt/wire/stream_header_decoder.h"

namespace msquic_py::moqt::session {

/// One unidirectional stream that the peer writes.
struct IncomingStream {
  enum class State : std::uint8_t {
    kHeader,      ///< its type and header are still arriving
    kHeld,        ///< its track alias is unknown; what arrives is kept for a while
    kObjects,     ///< objects of `track`
    kFetch,       ///< objects of `fetch`
    kControl,     ///< the peer's control stream
    kPadding,     ///< nothing that counts
    kDiscarding,  ///< STOP_SENDING was asked for; what arrives is dropped
  };

  IncomingStream(IncomingStreamId stream_id, const wire::Codec& codec) noexcept
      : id(stream_id), header_decoder(codec) {}

  IncomingStreamId id;
  State state = State::kHeader;
  Time last_progress{};

  wire::StreamHeaderDecoder header_decoder;
  wire::SubgroupHeader header;

  bool fin = false;  ///< all of it has arrived: there is nothing to stop, and the transport reports nothing more

  std::vector<base::SharedBytes> held;
  std::size_t held_bytes = 0;

  /// A subscription that hears of the stream.
  struct Taker {
    RequestHandle subscription;
    bool takes = true;  ///< the present object
  };
  ReceivedTrack* track = nullptr;
  Taker taker;                ///< null: nobody wants any of it so far
  std::vector<Taker> others;  ///< where several subscriptions share the alias
  bool early = false;         ///< it began while another subscription to the track was without an answer
  bool told = false;          ///< for which something of it has been kept
  std::optional<wire::SubgroupStreamDecoder> decoder;
  SubgroupProperties properties;
  ReceivedFetch* fetch = nullptr;
  std::optional<wire::FetchStreamDecoder> fetch_decoder;
  std::uint64_t payload_left = 0;
  bool mid_header = false;     ///< part of an object header has arrived
  std::size_t kept_bytes = 0;  ///< of that part
  bool paused = false;         ///< the transport has been told to hand over no more

  [[nodiscard]] bool opened() const noexcept { return state == State::kObjects; }
  template <class F>
  void for_each_taker(F each) const {
    if (taker.subscription) each(taker);
    for (const Taker& other : others) each(other);
  }
  [[nodiscard]] Taker* taker_of(RequestHandle subscription) noexcept {
    if (taker.subscription == subscription) return &taker;
    const auto found = std::find_if(others.begin(), others.end(),
                                    [&](const Taker& other) { return other.subscription == subscription; });
    return found == others.end() ? nullptr : &*found;
  }
  void remove_taker(RequestHandle subscription) {
    if (taker.subscription == subscription) taker = {};
    std::erase_if(others, [&](const Taker& other) { return other.subscription == subscription; });
  }
  /// Whether it carries objects of somebody.
  [[nodiscard]] bool attributed() const noexcept { return opened() || state == State::kFetch; }

  /// What has begun and is not complete, so that the stream may not stand still for good.
  enum class Missing : std::uint8_t { kNothing, kAlias, kHeader, kPayload };
  [[nodiscard]] Missing missing() const noexcept {
    if (state == State::kHeld) return Missing::kAlias;
    if (state == State::kHeader || (attributed() && mid_header)) return Missing::kHeader;
    return attributed() && payload_left > 0 ? Missing::kPayload : Missing::kNothing;
  }
};

}  // namespace msquic_py::moqt::session
