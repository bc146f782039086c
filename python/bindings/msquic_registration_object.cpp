#include "dispatch_exit.h"
#include "msquic_connection.h"
#include "msquic_errors.h"
#include "msquic_flags.h"
#include "msquic_registration.h"

namespace nb = nanobind;

namespace msquic_py::python {

RegistrationObject::RegistrationObject(std::string app_name, quic::ExecutionProfile profile)
    : app_name_(std::move(app_name)),
      // The first one starts MsQuic and its threads.
      registration_(or_raise(without_gil([&] { return quic::Registration::open(app_name_, profile); }))),
      children_(nb::module_::import_("weakref").attr("WeakValueDictionary")()) {}

const quic::Registration& RegistrationObject::open_handle() const {
  ensure_usable();
  if (!registration_) raise_named("ClosedHandle", "the registration is closed: make another one");
  return registration_;
}

quic::Registration RegistrationObject::open_handle(nb::handle registration) {
  const ObjectLock lock(registration);
  return nb::inst_ptr<RegistrationObject>(registration)->open_handle();
}

void RegistrationObject::add_child(nb::handle child) { children_[nb::steal(PyLong_FromVoidPtr(child.ptr()))] = child; }

void RegistrationObject::shutdown(unsigned flags, std::uint64_t code) {
  const quic::Registration& registration = open_handle();
  if ((flags & connection_shutdown_flag::kSilent) == 0) {
    quic::Registration shared = registration;
    without_gil([&] { shared.shutdown(code); });
    return;
  }
  for (const nb::handle reference : nb::list(children_.attr("valuerefs")())) {
    const nb::object child = reference();
    ConnectionObject* connection = nullptr;
    if (child.is_none() || !nb::try_cast(child, connection)) continue;
    const ObjectLock lock(child);
    connection->shutdown(flags, code, {});
  }
}

void RegistrationObject::close(std::chrono::milliseconds timeout) {
  if (!registration_) return;
  for (const nb::handle reference : nb::list(children_.attr("valuerefs")())) {
    const nb::object child = reference();
    if (!child.is_none()) child.attr("close")();
  }
  quic::Registration registration = std::move(registration_);
  registration_ = {};
  or_raise(without_gil([&] { return registration.close(timeout); }));
}

std::string RegistrationObject::describe() const {
  return "<Registration '" + app_name_ + "'" + (registration_ ? ">" : " closed>");
}

}  // namespace msquic_py::python
