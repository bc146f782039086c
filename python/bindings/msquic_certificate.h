#pragma once

#include <nanobind/nanobind.h>

#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "quic/certificate.h"
#include "quic/configuration.h"
#include "quic/peer_certificate.h"
#include "quic/server_configurations.h"

namespace msquic_py::python {

/// The native certificate of a Python Certificate. Raises InvalidArgumentType for anything else.
const quic::Certificate& certificate_argument(nanobind::handle value, const char* name);
/// A mapping of server names to Certificates. Names are converted to ASCII (IDNA).
std::map<std::string, quic::Certificate> certificates_by_name(nanobind::handle value, const char* name);
/// The first of such a mapping, in its order.
const quic::Certificate& first_certificate(nanobind::handle mapping);
/// What a listener uses from now on: `base` with other certificates, a Certificate or a mapping by server name, whose
/// first is for all other clients unless it says otherwise.
quic::ServerConfigurations with_certificates(const quic::Configuration& base, nanobind::handle certificates,
                                             const char* name);
/// The Python PeerCertificate for a verifier: a new reference, or null with a Python error set.
PyObject* peer_certificate_object(const std::vector<base::ByteVector>& chain, const std::string& server_name,
                                  const quic::CertificateVerdict& verdict, PyObject* connection);
/// A tuple of bytes.
nanobind::object chain_tuple(const std::vector<base::ByteVector>& chain);

}  // namespace msquic_py::python
