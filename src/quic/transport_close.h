#pragma once

#include <cstdint>
#include <string>

#include "quic/connection_handler.h"

namespace msquic_py::quic {

/// Why a connection ended that no application closed. `raw` is MsQuic's status and `code` the QUIC error code that it
/// tells with it; `remote` when a CONNECTION_CLOSE of the peer came first.
///
/// MsQuic has one status, INTERNAL_ERROR, for most error codes of a peer, and one error code, INTERNAL_ERROR, for most
/// of its own reasons, which never were on the wire; what is meant follows from both.
///
/// MsQuic up to 2.5 has the wrong number for APPLICATION_ERROR, that of INVALID_TOKEN (0xb). Only a server says
/// INVALID_TOKEN, and only to a client that showed it one: `showed_token`. From anybody else 0xb is APPLICATION_ERROR.
///
/// `where`, which a message about an unreachable peer names: "192.0.2.1 port 4433".
CloseReason transport_close(std::int64_t raw, std::uint64_t code, bool remote, bool showed_token = false,
                            const std::string& where = {});

}  // namespace msquic_py::quic
