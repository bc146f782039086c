#include "moqt_shared_listener.h"

#include <utility>

#include "dispatch_exit.h"
#include "msquic_certificate.h"
#include "msquic_configuration.h"
#include "msquic_errors.h"

namespace msquic_py::python {

namespace nb = nanobind;

void SharedListener::set(quic::Listener listener) noexcept {
  {
    const std::lock_guard lock(mutex_);
    std::swap(listener_, listener);
  }
  // What was there goes without the lock: its end calls MsQuic.
}

quic::Listener SharedListener::get() const noexcept {
  const std::lock_guard lock(mutex_);
  return listener_;
}

nb::object local_address_of(const SharedListener& listener) {
  const quic::Address address = listener.get().local_address();
  if (address.port() == 0) return nb::none();
  return nb::make_tuple(address.host().c_str(), address.port());
}

void replace_certificates(const SharedListener& listener, nb::handle configuration, nb::handle certificates) {
  ensure_usable();
  or_raise(listener.get().set_configurations(
      with_certificates(ConfigurationObject::loaded(configuration), certificates, "certificate")));
}

}  // namespace msquic_py::python
