#include "msquic_registration.h"

#include <nanobind/stl/string.h>

#include "locked_class.h"
#include "msquic_arguments.h"
#include "msquic_errors.h"
#include "msquic_flags.h"
#include "msquic_handler_slot.h"
#include "msquic_topics.h"

namespace msquic_py::python {

void bind_quic_registration(nb::module_& m) {
  LockedClass<RegistrationObject>(
      m, "Registration", nb::type_slots(collectable_slots<RegistrationObject>), nb::is_weak_referenceable(),
      "A set of MsQuic worker threads, from which everything else is made. One per process is enough.\n\n"
      "Its objects hold it, so it may be dropped in any order; it closes by itself when the last of them is gone.")
      .def(
          "__init__",
          [](RegistrationObject* self, nb::handle app_name, nb::handle profile) {
            ensure_usable();
            const std::uint64_t number = unsigned_argument(profile, "profile", 3);
            new (self)
                RegistrationObject(text_argument(app_name, "app_name"), static_cast<quic::ExecutionProfile>(number));
          },
          nb::arg("app_name").none(), nb::arg("profile").none() = 0,
          nb::sig("def __init__(self, app_name: str, profile: msquic.enums.ExecutionProfile = "
                  "msquic.enums.ExecutionProfile.LOW_LATENCY) -> None"),
          "`app_name` is for MsQuic's own diagnostics. The first registration of a process starts MsQuic.")
      .def(
          "shutdown",
          [](RegistrationObject& self, nb::handle flags, nb::handle error_code) {
            self.shutdown(flags_argument(flags, "flags", connection_shutdown_flag::kSilent),
                          unsigned_argument(error_code, "error_code", kLargestCode));
          },
          nb::arg("flags").none() = 0, nb::arg("error_code").none() = 0,
          nb::sig("def shutdown(self, flags: msquic.enums.ConnectionShutdownFlags = "
                  "msquic.enums.ConnectionShutdownFlags.NONE, error_code: int = 0) -> None"),
          "Shuts every connection of this registration down with the application's `error_code`, 0 to 2**62 - 1. Does "
          "not wait.")
      .def(
          "close",
          [](RegistrationObject& self, nb::handle timeout) {
            ensure_usable();
            self.close(timeout_argument(timeout, "timeout"));
          },
          nb::arg("timeout").none() = 5.0, nb::sig("def close(self, timeout: float = 5.0) -> None"),
          "Closes the listeners, connections and configurations that were made from it, and waits at most `timeout`\n"
          "seconds until MsQuic is through with them. May be called in a handler, and twice.\n\n"
          "Raises LibraryInUse, naming what is still open, when the time is over; it then goes on closing by itself.")
      .def(
          "__enter__", [](nb::handle self) { return nb::borrow<nb::object>(self); },
          nb::sig("def __enter__(self) -> typing.Self"))
      .def(
          "__exit__", [](RegistrationObject& self, nb::args) { self.close(std::chrono::seconds(5)); },
          nb::sig("def __exit__(self, *args: object) -> None"))
      .def("__repr__", &RegistrationObject::describe);
}

}  // namespace msquic_py::python
