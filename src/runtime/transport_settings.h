#pragma once

#include "quic/settings.h"

namespace msquic_py::runtime {

/// QUIC settings that suit MOQT: datagrams on ([d15 §3.1] demands them), sends not copied by MsQuic (an object's bytes
/// are shared by all subscribers until they are acknowledged), windows large enough for a key frame, keep-alives so
/// that a quiet subscription stays up. `incoming_streams`: unidirectional streams that the peer may have open; more
/// than Limits::max_incoming_streams, so that beyond that one is stopped [d15 §12.1] and the next one need not wait.
/// `open_requests`: as Limits::max_open_requests; what is too much waits with the peer.
quic::Settings transport_settings(std::uint16_t incoming_streams = 1024 + 128, std::uint64_t open_requests = 256);

}  // namespace msquic_py::runtime
