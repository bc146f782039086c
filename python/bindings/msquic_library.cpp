#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "dispatch_exit.h"
#include "dispatch_thread.h"
#include "moqt_session_thread.h"
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

template <class T>
void set_option(std::optional<T>& option, nb::handle value, const char* name, std::uint64_t largest) {
  if (!value.is_none()) option = static_cast<T>(unsigned_argument(value, name, largest));
}

void configure(nb::handle workers, nb::handle load_balancing, nb::handle fixed_server_id, nb::handle retry_percent,
               nb::handle queue_delay, nb::handle stateless, nb::handle binding_stateless, nb::handle expiration,
               nb::handle reset_key, nb::handle versions) {
  ensure_usable();
  quic::LibraryOptions options;
  set_option(options.workers, workers, "workers", 65535);
  set_option(options.load_balancing, load_balancing, "load_balancing", 2);
  set_option(options.fixed_server_id, fixed_server_id, "fixed_server_id", 0xffffffff);
  if (!retry_percent.is_none()) {
    const double percent = PyFloat_AsDouble(retry_percent.ptr());
    if (percent == -1.0 && PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      raise_named("InvalidArgumentType", "retry_memory_percent must be a number");
    }
    if (!(percent >= 0.0 && percent <= 100.0))
      raise_named("InvalidArgument", "retry_memory_percent must be from 0 to 100");
    options.retry_memory_limit = static_cast<std::uint16_t>(percent / 100.0 * 65535.0);
  }
  set_option(options.max_worker_queue_delay_ms, queue_delay, "max_worker_queue_delay_ms", 60000);
  set_option(options.max_stateless_operations, stateless, "max_stateless_operations", 0xffffffff);
  set_option(options.max_binding_stateless_operations, binding_stateless, "max_binding_stateless_operations", 65535);
  set_option(options.stateless_operation_expiration_ms, expiration, "stateless_operation_expiration_ms", 65535);
  if (!versions.is_none()) options.quic_versions = numbers_argument(versions, "quic_versions");
  if (!reset_key.is_none()) {
    const HeldBuffer buffer(reset_key, "stateless_reset_key");
    auto& key = options.stateless_reset_key.emplace();
    if (buffer.bytes().size() != key.size()) raise_named("InvalidArgument", "stateless_reset_key must have 32 bytes");
    std::copy(buffer.bytes().begin(), buffer.bytes().end(), key.begin());
  }
  or_raise(quic::Library::configure(options));
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
      "configure", configure, nb::kw_only(), nb::arg("workers").none() = nb::none(),
      nb::arg("load_balancing").none() = nb::none(), nb::arg("fixed_server_id").none() = nb::none(),
      nb::arg("retry_memory_percent").none() = nb::none(), nb::arg("max_worker_queue_delay_ms").none() = nb::none(),
      nb::arg("max_stateless_operations").none() = nb::none(),
      nb::arg("max_binding_stateless_operations").none() = nb::none(),
      nb::arg("stateless_operation_expiration_ms").none() = nb::none(),
      nb::arg("stateless_reset_key").none() = nb::none(), nb::arg("quic_versions").none() = nb::none(),
      nb::sig("def configure(*, workers: int | None = None, load_balancing: msquic.enums.LoadBalancing | int | None = "
              "None, fixed_server_id: int | None = None, retry_memory_percent: float | None = None, "
              "max_worker_queue_delay_ms: int | None = None, max_stateless_operations: int | None = None, "
              "max_binding_stateless_operations: int | None = None, stateless_operation_expiration_ms: int | None = "
              "None, stateless_reset_key: typing_extensions.Buffer | None = None, quic_versions: "
              "collections.abc.Sequence[int] | None = None) -> None"),
      "Settings of MsQuic for the whole process. What is left out keeps its value.\n\n"
      "`workers`: threads of MsQuic, 1 to the number of processors; by default as many as this process may use, by "
      "its\n"
      "affinity and its control group, at most 8. `load_balancing` and `fixed_server_id` (0 to 2**32 - 1): what "
      "servers\n"
      "write into connection IDs. These three must come before the first Registration, or after close_api().\n\n"
      "`retry_memory_percent`: 0 to 100, default 0.1; when handshakes hold more of the machine's memory, servers ask\n"
      "clients to prove their address first (0: always). `max_worker_queue_delay_ms`: 1 to 60000, default 250; a "
      "worker\n"
      "that is behind by more refuses new connections. `max_stateless_operations` 16 and\n"
      "`max_binding_stateless_operations` 100: answers without a connection that may wait, per worker and per port.\n"
      "`stateless_operation_expiration_ms` 100: for how long the same client gets no other such answer.\n\n"
      "`stateless_reset_key`: 32 random bytes, secret. A server that was restarted with the key that it had tells its "
      "former\n"
      "clients at once that their connections are gone (RFC 9000 section 10.3); without, they wait for a timeout.\n"
      "`quic_versions`: which of 1 (RFC 9000) and 0x6b3343cf (version 2, RFC 9369) servers speak, and clients unless "
      "their\n"
      "configuration says otherwise. Clients with another one are told; those that know the first one are moved to "
      "it.\n\n"
      "Raises LibraryInUse when it is too late, InvalidArgument naming the limits.");
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
        Dispatcher::after_fork_in_child();
        if (!quic::Library::forked()) renew_session_loop();
      },
      "For os.register_at_fork.");
}

}  // namespace msquic_py::python
