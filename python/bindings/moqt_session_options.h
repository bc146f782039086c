#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include "moqt/session/authorization/verdict.h"
#include "moqt/session/session_config.h"
#include "moqt_session_handles.h"
#include "moqt_session_link.h"
#include "runtime/endpoint.h"
#include "runtime/session_driver.h"

namespace msquic_py::python {

namespace nb = nanobind;

/// What a session is made with, as the Python package hands it over: a dict whose keys it has checked.
struct SessionOptions {
  runtime::SessionDriver::Options driver;
  SessionLink::Options link;
};

/// Keys: path, authority, max_request_id, tolerances, reader_queue_limit, max_object_size, receive_limit, timeout,
/// asks_namespaces, unknown_track_grace, tokens, publisher_tokens, asks_authorization, authorize_timeout,
/// token_cache_size. Raises
/// ValueError for a tolerance without that name and for numbers out of range.
SessionOptions session_options(const nb::dict& options);
/// How a server or a relay listens. Keys: max_sessions, handshake_timeout, gives_tickets. Raises
/// InvalidArgument for a configuration that is not for MOQT.
runtime::Endpoint::ListenOptions listening_options(const ChannelHandle& channel, std::uint64_t target,
                                                   nb::handle configuration, const std::string& host,
                                                   std::uint16_t port, const nb::dict& options,
                                                   runtime::SessionDriver::Options session);
/// What Python's word says: None allows, for `expires` seconds where it is not None; a request error code refuses; a
/// session is refused with the session error code.
moqt::session::Verdict verdict_of(nb::handle code, const std::string& reason, nb::handle session_code,
                                  nb::handle expires);
inline constexpr const char* kDecide =
    "def decide(self, whose: int, request: int, code: int | None, reason: str, session_code: int | None, "
    "expires: float | None) -> None";
/// Raises InvalidArgument for a configuration that names none of the ALPNs of MOQT.
void check_alpns(nb::handle configuration);

}  // namespace msquic_py::python
