#pragma once

#include <cstddef>
#include <variant>

#include "base/bytes.h"
#include "base/decoded.h"
#include "moqt/model/draft.h"
#include "moqt/wire/encode_error.h"
#include "moqt/wire/fetch.h"
#include "moqt/wire/message_type.h"
#include "moqt/wire/namespace.h"
#include "moqt/wire/publish.h"
#include "moqt/wire/request.h"
#include "moqt/wire/request_reference.h"
#include "moqt/wire/setup.h"
#include "moqt/wire/subscribe.h"

namespace msquic_py::moqt::wire {

/// What a message says, apart from the request that it is about.
using MessageBody = std::variant<ClientSetup, ServerSetup, Goaway, MaxRequestId, RequestsBlocked, RequestOk,
                                 RequestError, Subscribe, SubscribeOk, RequestUpdate, Unsubscribe, TrackStatus, Publish,
                                 PublishOk, PublishDone, Fetch, FetchOk, FetchCancel, PublishNamespace,
                                 PublishNamespaceDone, PublishNamespaceCancel, SubscribeNamespace, UnsubscribeNamespace,
                                 Setup, SubscribeTracks, Namespace, NamespaceDone, PublishSkipped, PublishStateNotify>;

MessageType type_of(const MessageBody& body) noexcept;

/// Any message of a control or request stream.
struct ControlMessage {
  RequestReference request{};  ///< without meaning where the draft writes no Request ID in front of the body
  MessageBody body{};
  bool operator==(const ControlMessage&) const = default;
};

struct DecodedControlMessage {
  ControlMessage message;
  std::size_t size;  ///< bytes it occupied at the beginning of the input
};

/// The largest control message: a nine-byte type, the length, and the longest payload. A receiver that keeps
/// this much never needs more to make progress.
inline constexpr std::size_t kMaxControlMessageSize = 9 + 2 + 65535;

/// The control message at the beginning of `bytes`. NeedMore while it is incomplete; a Violation as soon as the
/// bytes cannot become a message of the draft. Whether the message may come now, from that peer, is not checked.
base::Decoded<DecodedControlMessage> decode_control_message(Draft draft, base::Bytes bytes);

/// Appends the message to `out`; on error `out` is as before.
EncodeResult encode_control_message(Draft draft, const ControlMessage& message, base::ByteVector& out);

}  // namespace msquic_py::moqt::wire
