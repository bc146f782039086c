#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
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
    kDiscarding,  ///< STOP_SENDING was asked for; what arrives is dropped
  };

  explicit IncomingStream(IncomingStreamId stream_id, Draft draft) noexcept : id(stream_id), header_decoder(draft) {}

  IncomingStreamId id;
  State state = State::kHeader;
  Time last_progress{};

  wire::StreamHeaderDecoder header_decoder;
  wire::SubgroupHeader header;

  std::vector<base::SharedBytes> held;
  std::size_t held_bytes = 0;
  bool held_fin = false;

  ReceivedTrack* track = nullptr;
  RequestHandle subscription;
  std::optional<wire::SubgroupStreamDecoder> decoder;
  SubgroupProperties properties;
  std::uint64_t payload_left = 0;
  bool mid_header = false;  ///< part of an object header has arrived

  [[nodiscard]] bool opened() const noexcept { return state == State::kObjects; }
};

}  // namespace msquic_py::moqt::session
