#pragma once

#include <nanobind/nanobind.h>

#include <mutex>

#include "quic/listener.h"

namespace msquic_py::python {

/// The listener of a server or a relay that runs on a thread of its own, for the threads of Python. Empty before it
/// listens and when it is over, so that nothing of MsQuic stays open for an object that Python still holds.
class SharedListener {
 public:
  void set(quic::Listener listener) noexcept;
  [[nodiscard]] quic::Listener get() const noexcept;

 private:
  mutable std::mutex mutex_;
  quic::Listener listener_;
};

inline constexpr const char* kLocalAddress = "def local_address(self, /) -> tuple[str, int] | None";
inline constexpr const char* kReplaceCertificates =
    "def replace_certificates(self, configuration: msquic._native.quic.Configuration, certificates: "
    "msquic._native.quic.Certificate | collections.abc.Mapping[str, msquic._native.quic.Certificate]) -> None";

/// (host, port), or None while it accepts nobody.
nanobind::object local_address_of(const SharedListener& listener);
/// Other certificates for clients that come from now on: `configuration` (a Python one) with one Certificate, or a
/// mapping by server name. Raises InvalidArgumentType, and what loading them does.
void replace_certificates(const SharedListener& listener, nanobind::handle configuration,
                          nanobind::handle certificates);

}  // namespace msquic_py::python
