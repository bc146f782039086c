#pragma once

#include <optional>
#include <string_view>

#include "quic/address.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// Why nobody can be reached at `address`, and nobody can reach this machine there, whatever the network is like: it
/// means something on one interface only and names none, or it stands for many machines. `doing` is for the message,
/// for example "listen on". Nothing when the address is an ordinary one.
std::optional<Error> check_kind(const Address& address, std::string_view doing);

}  // namespace msquic_py::quic
