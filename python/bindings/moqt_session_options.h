#pragma once

#include <nanobind/nanobind.h>

#include "moqt/session/session_config.h"
#include "moqt_session_link.h"
#include "quic/credentials.h"
#include "runtime/session_driver.h"

namespace msquic_py::python {

namespace nb = nanobind;

/// What a session is made with, as the Python package hands it over: a dict whose keys it has checked.
struct SessionOptions {
  runtime::SessionDriver::Options driver;
  SessionLink::Options link;
};

/// Keys: path, authority, max_request_id, tolerances, reader_queue_limit, timeout, unknown_track_grace, implementation,
/// authorization_tokens. Raises ValueError for a tolerance without that name and for numbers out of range.
SessionOptions session_options(const nb::dict& options);
/// Keys: verify, ca_file, fingerprints, cert_file, key_file.
quic::Credentials client_credentials(const nb::dict& options);
quic::Credentials server_credentials(const nb::dict& options);

}  // namespace msquic_py::python
