#pragma once

#include <cstdint>

#include "base/shared_bytes.h"
#include "moqt/model/location.h"
#include "moqt/model/object_status.h"
#include "moqt/session/data/subgroup_properties.h"
#include "moqt/session/handles.h"
#include "moqt/wire/fetch_stream.h"

namespace msquic_py::moqt::wire {
struct Codec;
struct ObjectDatagram;
}  // namespace msquic_py::moqt::wire

namespace msquic_py::moqt::session {

/// A stream of objects began. Also made for a stream that carries no object.
struct SubgroupOpened {
  RequestHandle subscription;
  IncomingStreamId stream = 0;
  SubgroupProperties properties;  ///< publisher_priority is always set
};

/// The header of an object on a stream is complete. Objects are reported as their bytes arrive: what is missing of
/// the payload follows in ObjectPayload events of the same stream.
struct ObjectReceived {
  RequestHandle subscription;
  IncomingStreamId stream = 0;
  Location location;
  std::uint64_t subgroup = 0;
  std::uint64_t payload_length = 0;
  /// The object as it was on the wire, from its Object ID Delta on: the header, and what had arrived of the payload
  /// in the same piece. Everything after the delta is the same for every receiver of the draft.
  base::SharedBytes wire;
  std::uint32_t delta_size = 0;         ///< bytes of the Object ID Delta at the beginning of `wire`
  std::uint32_t header_size = 0;        ///< bytes of the whole header, delta included
  std::uint32_t extensions_offset = 0;  ///< where in `wire` the extension pairs begin
  std::uint32_t extensions_size = 0;    ///< bytes of the pairs, their length field not counted
  std::uint8_t publisher_priority = 128;
  ObjectStatus status = ObjectStatus::kNormal;

  [[nodiscard]] base::SharedBytes payload() const noexcept { return wire.from(header_size); }
  [[nodiscard]] base::SharedBytes extensions() const noexcept { return wire.slice(extensions_offset, extensions_size); }
  /// Whether `wire` holds the whole object; if not, ObjectPayload events follow.
  [[nodiscard]] bool complete() const noexcept { return wire.size() - header_size == payload_length; }
};

/// More of the payload of the stream's latest object.
struct ObjectPayload {
  RequestHandle subscription;
  IncomingStreamId stream = 0;
  base::SharedBytes bytes;
  std::uint64_t remaining = 0;  ///< what is still to come after these bytes; 0: the object is complete
};

/// The header of an object on the stream that answers a FETCH of ours is complete. What is missing of the payload
/// follows in ObjectPayload events, whose `subscription` is the fetch.
struct FetchObjectReceived {
  RequestHandle fetch;
  IncomingStreamId stream = 0;
  Location location;
  std::uint64_t subgroup = 0;  ///< of an object that was a datagram: its Object ID
  std::uint64_t payload_length = 0;
  base::SharedBytes extensions;  ///< the raw pairs, without their length; by reference
  base::SharedBytes payload;     ///< what had arrived of it in the same piece; by reference
  std::uint8_t publisher_priority = 128;
  ObjectStatus status = ObjectStatus::kNormal;
  bool datagram = false;  ///< it travels as a datagram; only from draft 16 on it is said

  /// Whether `payload` is all of it; if not, ObjectPayload events follow.
  [[nodiscard]] bool complete() const noexcept { return payload.size() == payload_length; }
};

/// The publisher has left a part of the range out that it does not say to be empty: from the object or gap before on,
/// in the order of the fetch, or from its beginning (from draft 16 on; draft-22 section 11.4.1.2). More may follow.
struct FetchGapReceived {
  RequestHandle fetch;
  IncomingStreamId stream = 0;
  Location last;  ///< of the part
  wire::FetchGap gap = wire::FetchGap::kUnknown;
};

/// The answer to a FETCH of ours is complete: its stream has ended, and FETCH_OK has come. The last event of a fetch
/// that was not rejected, malformed or cancelled; the handle is stale.
struct FetchEnded {
  RequestHandle fetch;
  /// FIN: what did not come of the range, up to the End Location of FETCH_OK, does not exist [d15 §9.16.3]. With a
  /// FetchGapReceived before it, false, and the code is UNKNOWN_OBJECT_STATUS: everything has come but that. Otherwise
  /// the publisher reset the stream, or this endpoint gave it up; the latest object may be incomplete.
  bool finished = false;
  std::uint64_t reset_code = 0;
  bool fin = false;  ///< FIN, behind a FetchGapReceived or not
};

/// No more comes on this stream.
struct SubgroupEnded {
  RequestHandle subscription;
  IncomingStreamId stream = 0;
  /// FIN: every object of the subgroup since the start of the subscription was received. Otherwise the publisher
  /// reset the stream, or this endpoint gave it up; the latest object may be incomplete.
  bool finished = false;
  std::uint64_t reset_code = 0;
};

/// An object that came as a datagram [d15 §10.3]; always complete.
struct DatagramReceived {
  RequestHandle subscription;
  Location location;
  /// The datagram's type and everything after the track alias: what every receiver of the draft gets.
  std::uint64_t type = 0;
  base::SharedBytes after_alias;
  std::uint32_t extensions_offset = 0;  ///< in `after_alias`
  std::uint32_t extensions_size = 0;
  std::uint32_t payload_offset = 0;  ///< in `after_alias`; the payload is the rest
  std::uint8_t publisher_priority = 128;
  ObjectStatus status = ObjectStatus::kNormal;
  bool end_of_group = false;

  [[nodiscard]] base::SharedBytes payload() const noexcept { return after_alias.from(payload_offset); }
  [[nodiscard]] base::SharedBytes extensions() const noexcept {
    return after_alias.slice(extensions_offset, extensions_size);
  }
};

/// What `bytes`, decoded as `datagram`, bring to the application. `track_priority` counts when it has none of its own.
DatagramReceived datagram_received(const wire::Codec& codec, RequestHandle subscription, const base::SharedBytes& bytes,
                                   const wire::ObjectDatagram& datagram, std::uint8_t track_priority);

}  // namespace msquic_py::moqt::session
