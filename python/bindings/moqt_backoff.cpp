#include <chrono>
#include <cstdint>

#include "base/backoff.h"
#include "moqt_topics.h"

namespace msquic_py::python {

using base::Backoff;

void bind_backoff(nb::module_& m) {
  nb::class_<Backoff>(m, "Backoff", "How long to wait before trying again.", nb::is_final())
      .def(
          "__init__",
          [](Backoff* self, double first, double longest) {
            const auto milliseconds = [](double seconds) {
              return Backoff::Duration(static_cast<Backoff::Duration::rep>(seconds * 1000));
            };
            new (self) Backoff({milliseconds(first), milliseconds(longest)});
          },
          nb::arg("first"), nb::arg("longest"))
      .def(
          "next", [](Backoff& self) { return std::chrono::duration<double>(self.next()).count(); },
          "It has failed: seconds until the next attempt.")
      .def("reset", &Backoff::reset, "It works: the next failure is a first one again.");
  m.def(
      "attempt_limit",
      [](std::uint32_t attempt, double longest) {
        const Backoff::Duration most(static_cast<Backoff::Duration::rep>(longest * 1000));
        return std::chrono::duration<double>(base::attempt_limit(attempt, most)).count();
      },
      nb::arg("attempt"), nb::arg("longest"),
      "Seconds that attempt number `attempt`, from 1 on, to reach a server again may last; no more than `longest`.");
}

}  // namespace msquic_py::python
