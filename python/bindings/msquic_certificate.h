#pragma once

#include <nanobind/nanobind.h>

#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "quic/certificate.h"
#include "quic/peer_certificate.h"

namespace msquic_py::python {

/// The native certificate of a Python Certificate. Raises InvalidArgumentType for anything else.
const quic::Certificate& certificate_argument(nanobind::handle value, const char* name);
/// A mapping of server names to Certificates. Names are converted to ASCII (IDNA).
std::map<std::string, quic::Certificate> certificates_by_name(nanobind::handle value, const char* name);
/// The first of such a mapping, in its order.
const quic::Certificate& first_certificate(nanobind::handle mapping);
/// The Python PeerCertificate for a verifier: a new reference, or null with a Python error set.
PyObject* peer_certificate_object(const std::vector<base::ByteVector>& chain, const std::string& server_name,
                                  const quic::CertificateVerdict& verdict, PyObject* connection);
/// A tuple of bytes.
nanobind::object chain_tuple(const std::vector<base::ByteVector>& chain);

}  // namespace msquic_py::python
