#pragma once

#include <cstdint>
#include <deque>

#include "base/shared_bytes.h"
#include "moqt/session/handles.h"
#include "moqt/session/request_path/message_stream.h"
#include "moqt/wire/message_type.h"
#include "moqt/wire/request_reference.h"

namespace msquic_py::moqt::session {

/// A bidirectional stream that carries one request, with its answers and its updates. Its record lives until the
/// transport says that both directions have ended.
struct RequestStream {
  RequestStream(RequestStreamId stream, const wire::Codec& codec, const SessionConfig& config) noexcept
      : id(stream), messages(codec, config, /*may_begin_with_stream_type=*/false), begun(stream.ours()) {}

  /// A request of ours that has gone out on this stream: the request itself, or an update.
  struct Awaited {
    RequestHandle request;  ///< stale when it has ended meanwhile
    wire::MessageType type;
  };
  /// A request of the peer whose answer has not gone out: the answers have to leave in the order of the requests,
  /// because nothing in them says which one is meant.
  struct Owed {
    wire::RequestReference request;
    base::SharedBytes answer;  ///< waits for those before it
    bool answered = false;
  };

  RequestStreamId id;
  MessageStream messages;
  RequestHandle request;             ///< null while there is none, or when it is over
  wire::RequestReference reference;  ///< of the request that began the stream
  wire::MessageType type{};          ///< the message that began it
  std::deque<Awaited> awaited;
  std::deque<RequestHandle> updates;  ///< of ours, which wait until the peer takes more
  std::deque<Owed> owed;
  bool begun;                 ///< the message that begins the request has come, or is ours
  bool sent_end = false;      ///< this endpoint's direction has ended
  bool received_end = false;  ///< the peer's direction has ended, or has been stopped
  bool fin = false;           ///< all of the peer's direction is here, perhaps not read yet
  bool goaway = false;        ///< a GOAWAY has come on it
  bool goaway_sent = false;   ///< one has gone out on it
};

}  // namespace msquic_py::moqt::session
