#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/shared_bytes.h"
#include "moqt/session/gather_list.h"
#include "moqt/session/handles.h"

namespace msquic_py::moqt::session {

/// Write `bytes` to this endpoint's control stream, in order. In a draft with one control stream for both (see
/// has_own_control_streams()) the client opens that stream, bidirectional and before any other, when it sees the first
/// of these; otherwise each endpoint opens a unidirectional one then.
struct SendControl {
  base::SharedBytes bytes;
};

/// The priority of the control stream, before all others [d15 §7.2], and of the streams that carry requests.
constexpr std::uint16_t kControlStreamPriority = 0xffff;
constexpr std::uint16_t kRequestStreamPriority = kControlStreamPriority - 1;
/// What MsQuic's streams have by themselves; given to the first urgency in use, so that most streams need not be told.
constexpr std::uint16_t kUsualStreamPriority = 0x7fff;

/// Open a bidirectional stream for a request of ours; SendRequest for it follows.
struct OpenRequestStream {
  RequestStreamId stream;
};

/// Write `bytes`, which may be none, to a stream that carries a request, then finish this endpoint's direction if
/// `fin`.
struct SendRequest {
  RequestStreamId stream;
  base::SharedBytes bytes;
  bool fin = false;
};

/// Reset this endpoint's direction of a stream that carries a request; discard what of it is still unsent.
struct ResetRequest {
  RequestStreamId stream;
  std::uint64_t code = 0;
};

/// Tell the peer to stop sending on a stream that carries a request.
struct StopRequest {
  RequestStreamId stream;
  std::uint64_t code = 0;
};

/// Open a unidirectional stream for `stream`; data for it follows. Among streams that have unsent bytes, the transport
/// serves those of a higher `priority` first, and shares the path among those of the same.
struct OpenStream {
  StreamHandle stream;
  std::uint16_t priority = kUsualStreamPriority;
};

/// Another priority for `stream`, also for what the transport has of it already.
struct PrioritizeStream {
  StreamHandle stream;
  std::uint16_t priority = kUsualStreamPriority;
};

/// Write the slices to `stream`, then finish it if `fin`. Report the bytes with on_stream_bytes_sent() when the
/// transport no longer needs more of them in hand.
struct SendStream {
  StreamHandle stream;
  GatherList slices;
  bool fin = false;
};

/// Reset `stream` with an application error code; discard what of it is still unsent. No more follows for it.
struct ResetStream {
  StreamHandle stream;
  std::uint64_t code = 0;
};

/// Tell the peer to stop sending `stream`. The session ignores whatever still arrives on it.
struct StopSending {
  IncomingStreamId stream = 0;
  std::uint64_t code = 0;
};

/// Hand over no more of `stream` until ResumeStream, and grant the peer no more flow control for it: an application
/// that reads slowly makes the peer wait. What is on its way to the session still comes.
struct PauseStream {
  IncomingStreamId stream = 0;
};
struct ResumeStream {
  IncomingStreamId stream = 0;
};

/// Send the slices as one datagram. Report the bytes with on_datagram_sent() when they have left.
struct SendDatagram {
  GatherList slices;
};

/// Close the connection with this application error code. The last action of a session, always.
struct CloseSession {
  std::uint64_t code = 0;
  std::string reason;
};

/// What the session wants of the transport.
using Action = std::variant<std::monostate, SendControl, OpenRequestStream, SendRequest, ResetRequest, StopRequest,
                            OpenStream, PrioritizeStream, SendStream, ResetStream, StopSending, PauseStream,
                            ResumeStream, SendDatagram, CloseSession>;

}  // namespace msquic_py::moqt::session
