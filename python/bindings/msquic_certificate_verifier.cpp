// The question to a Python verifier, and its answer.
#include <string>

#include "dispatch_thread.h"
#include "msquic_certificate.h"
#include "msquic_configuration.h"
#include "msquic_connection.h"
#include "msquic_connection_mailbox.h"
#include "msquic_errors.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

/// The error with which the library would refuse the certificate, or None.
nb::object verdict_object(const quic::CertificateVerdict& verdict) {
  if (verdict.good()) return nb::none();
  quic::CloseReason reason;
  reason.cause = quic::CloseReason::Cause::Transport;
  reason.on_wire = true;
  reason.code = 0x100 + std::uint64_t{quic::alert_for(verdict.status)};
  reason.status = verdict.status;
  reason.message = verdict.message;
  return close_exception(reason);
}

}  // namespace

PyObject* peer_certificate_object(const std::vector<base::ByteVector>& chain, const std::string& server_name,
                                  const quic::CertificateVerdict& verdict, PyObject* connection) {
  try {
    const base::ByteVector& leaf = chain.front();
    return nb::module_::import_("msquic._peer_certificate")
        .attr("PeerCertificate")(nb::bytes(leaf.data(), leaf.size()), chain_tuple(chain),
                                 nb::str(server_name.data(), server_name.size()), verdict_object(verdict),
                                 nb::handle(connection))
        .release()
        .ptr();
  } catch (nb::python_error& raised) {
    raised.restore();
    return nullptr;
  }
}

void ConnectionMailbox::deliver_certificate(ConnectionObject& connection, ObjectLock& lock, PyObject* owner) {
  std::optional<Shown> shown;
  {
    const std::lock_guard inside(mutex_);
    shown.swap(certificate_);
  }
  if (!shown || !connection.connection()) return;
  const nb::handle configuration = connection.verifying();
  std::chrono::milliseconds timeout{0};
  PyObject* const verifier =
      configuration.is_valid() ? ConfigurationObject::verifier_of(configuration, timeout) : nullptr;
  if (verifier == nullptr) {
    // It was taken away meanwhile.
    static_cast<void>(connection.connection().complete_certificate(shown->verdict.good(), shown->verdict.message));
    return;
  }
  PyObject* argument = peer_certificate_object(shown->chain, shown->server_name, shown->verdict, owner);
  const bool late_before = std::chrono::steady_clock::now() - shown->when > timeout;
  lock.unlock();
  PyObject* const result = late_before ? nullptr : call_handler_for_result(verifier, &argument, 1);
  lock.lock();
  if (late_before) Py_XDECREF(argument);
  const bool accept = result == Py_True;
  std::string message;
  if (result == nullptr) {
    message = late_before ? "the certificate verifier was not asked in time: handlers ran too long"
                          : "the certificate verifier raised an exception";
  } else if (!accept && result != Py_False) {
    message = "the certificate verifier returned neither True nor False";
    PyErr_SetString(PyExc_TypeError, "a certificate verifier must return True or False; the certificate was refused");
    report_handler_error(verifier);
  } else {
    message = "the certificate verifier refused the certificate";
  }
  Py_XDECREF(result);
  const bool counted = connection.connection() && connection.connection().complete_certificate(accept, message);
  if (!counted && std::chrono::steady_clock::now() - shown->when > timeout) {
    PyErr_SetString(PyExc_TimeoutError,
                    "the decision about a certificate took longer than the verifier's timeout; it was refused");
    report_handler_error(verifier);
  }
  Py_DECREF(verifier);
}

}  // namespace msquic_py::python
