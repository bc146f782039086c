#include <chrono>
#include <string>

#include "dispatch_exit.h"
#include "dispatch_thread.h"
#include "msquic_arguments.h"
#include "msquic_errors.h"
#include "msquic_statistics.h"
#include "msquic_topics.h"
#include "quic/library.h"

namespace msquic_py::python {
namespace {

nb::object performance_counters() { return statistics_object(or_raise(quic::Library::performance_counters())); }

nb::dict live_objects() {
  const quic::LiveObjects o = quic::Library::live_objects();
  nb::dict values;
  values["registrations"] = o.registrations;
  values["configurations"] = o.configurations;
  values["listeners"] = o.listeners;
  values["connections"] = o.connections;
  values["streams"] = o.streams;
  return values;
}

void leave() {
  if (quic::Library::forked() || quic::Library::finalizing()) return;
  // First the handlers, which may use everything; then MsQuic's events; then nobody comes back for the GIL.
  Dispatcher::stop(std::chrono::milliseconds(500));
  {
    PyThreadState* const thread_state = PyEval_SaveThread();
    quic::Library::set_finalizing();
    PyEval_RestoreThread(thread_state);
  }
  begin_leaving();
}

}  // namespace

void bind_quic_library(nb::module_& m) {
  // What is alive at the end of the process is left to it on purpose.
  nb::set_leak_warnings(false);

  m.def(
      "open_api",
      [] {
        ensure_usable();
        or_raise(without_gil([] { return quic::Library::open(); }));
      },
      "Starts MsQuic now instead of with the first Registration. May be called twice.");
  m.def(
      "close_api",
      [](nb::handle timeout) {
        ensure_usable();
        const std::chrono::milliseconds patience = timeout_argument(timeout, "timeout");
        or_raise(without_gil([&] {
          // What was closed or dropped may still be closing in the background.
          static_cast<void>(quic::Library::wait_until_idle(patience));
          return quic::Library::close();
        }));
      },
      nb::arg("timeout").none() = 1.0, nb::sig("def close_api(timeout: float = 1.0) -> None"),
      "Ends MsQuic and its threads, after waiting at most `timeout` seconds for objects that are closing. The next\n"
      "Registration starts it again. There is no need to call it: the end of the process does it.\n\n"
      "Raises LibraryInUse, naming what is alive, when there are objects that were neither closed nor dropped.");
  m.def(
      "library_version", [] { return nb::str(or_raise(quic::Library::version()).c_str()); },
      nb::sig("def library_version() -> str"), "MsQuic's version, e.g. \"2.5.1.0\". Starts MsQuic.");
  m.def(
      "tls_provider", [] { return nb::str(or_raise(quic::Library::tls_provider()).c_str()); },
      nb::sig("def tls_provider() -> str"), "The TLS library in MsQuic, e.g. \"quictls\". Starts MsQuic.");
  m.def("performance_counters", performance_counters,
        nb::sig("def performance_counters() -> msquic.statistics.PerformanceCounters"),
        "MsQuic's counters for this process. Starts MsQuic.");
  m.def("live_objects", live_objects, nb::sig("def live_objects() -> dict[str, int]"),
        "How many objects of each kind are open in MsQuic, those that are closing in the background included.");
  m.def(
      "wait_until_idle",
      [](nb::handle timeout) {
        ensure_usable();
        const std::chrono::milliseconds patience = timeout_argument(timeout, "timeout");
        return without_gil([&] { return quic::Library::wait_until_idle(patience); });
      },
      nb::arg("timeout").none(), nb::sig("def wait_until_idle(timeout: float) -> bool"),
      "Waits until no object is open in MsQuic. False when that took longer than `timeout` seconds.");
  m.attr("package_version") = MSQUIC_PY_VERSION;
  m.def("leave", leave, "For atexit.");
  m.def(
      "after_fork_in_child",
      [] {
        quic::Library::after_fork_in_child();
        Dispatcher::after_fork_in_child();
      },
      "For os.register_at_fork.");
}

}  // namespace msquic_py::python
