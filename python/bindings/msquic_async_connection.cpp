#include "msquic_async_connection.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "dispatch_exit.h"
#include "msquic_arguments.h"
#include "msquic_certificate.h"
#include "msquic_connection.h"
#include "msquic_connection_facts.h"
#include "msquic_datagram_facts.h"
#include "msquic_errors.h"
#include "msquic_registration.h"
#include "msquic_session_ticket.h"
#include "msquic_settings.h"
#include "msquic_statistics.h"
#include "msquic_topics.h"

namespace msquic_py::python {
namespace {

AsyncConnectionWait wait_argument(std::uint32_t wait) {
  if (wait >= kAsyncConnectionWaits) raise_named("InvalidArgument", "there is nothing to wait for with that number");
  return static_cast<AsyncConnectionWait>(wait);
}

void bind_waiting(nb::class_<AsyncConnectionObject>& connection) {
  connection
      .def(
          "_wait",
          [](AsyncConnectionObject& self, std::uint32_t wait, nb::handle future) {
            return self.wait(wait_argument(wait), future);
          },
          nb::arg("wait"), nb::arg("future"),
          nb::sig("def _wait(self, wait: int, future: asyncio.Future[None]) -> bool"),
          "Settles `future` when `wait` may have come true. False when it has already.")
      .def(
          "_check_loop", [](AsyncConnectionObject& self) { self.channel().check_loop(); },
          "Raises RuntimeError when another loop runs than that of the connection.")
      .def(
          "_forget",
          [](AsyncConnectionObject& self, std::uint32_t wait, nb::handle future, bool woken) {
            self.forget(wait_argument(wait), future, woken);
          },
          nb::arg("wait"), nb::arg("future"), nb::arg("woken"),
          nb::sig("def _forget(self, wait: int, future: asyncio.Future[None], woken: bool) -> None"),
          "The coroutine that waited for `future` went away; `woken`: after it was settled, so the next one is woken.");
}

void bind_traffic(nb::class_<AsyncConnectionObject>& connection) {
  connection
      .def("_take_datagram", &AsyncConnectionObject::take_datagram, nb::sig("def _take_datagram(self) -> bytes | None"),
           "The oldest datagram.")
      .def("_send_datagram", &AsyncConnectionObject::send_datagram, nb::arg("data"), nb::arg("priority"),
           nb::arg("cancel_on_blocked"), nb::arg("future").none(),
           nb::sig("def _send_datagram(self, data: typing_extensions.Buffer, priority: bool, cancel_on_blocked: bool, "
                   "future: asyncio.Future[int] | None) -> None"))
      .def_prop_ro("_has_datagram_room", [](AsyncConnectionObject& self) { return self.datagram_backlog().has_room; })
      .def("_send_ticket", &AsyncConnectionObject::send_ticket, nb::arg("data"),
           nb::sig("def _send_ticket(self, data: typing_extensions.Buffer) -> None"))
      .def(
          "_shutdown",
          [](AsyncConnectionObject& self, nb::handle code, nb::handle reason) {
            self.shutdown(unsigned_argument(code, "code", kLargestCode), text_argument(reason, "reason"));
          },
          nb::arg("code"), nb::arg("reason"), nb::sig("def _shutdown(self, code: int, reason: str) -> None"))
      .def(
          "_begin_close",
          [](AsyncConnectionObject& self, nb::handle code, nb::handle reason) {
            return self.begin_close(unsigned_argument(code, "code", kLargestCode), text_argument(reason, "reason"));
          },
          nb::arg("code"), nb::arg("reason"), nb::sig("def _begin_close(self, code: int, reason: str) -> bool"),
          "Nothing new begins. False when there is nothing on the way that _shutdown() would cut off: it is shut down.")
      .def_prop_ro("_acknowledged", &AsyncConnectionObject::acknowledged, "Bytes that the peer has acknowledged.")
      .def_prop_ro("_close_timeout", &AsyncConnectionObject::close_timeout)
      .def_prop_ro(
          "_loop", [](AsyncConnectionObject& self) { return self.channel().loop(); },
          nb::sig("def _loop(self, /) -> asyncio.AbstractEventLoop"))
      .def_prop_ro(
          "interrupted_handlers", [](AsyncConnectionObject& self) { return self.interrupted_handlers(); },
          "Handlers of serve_streams() that ended because the peer reset or stopped their stream, or went away.")
      .def("_count_interrupted", [](AsyncConnectionObject& self) { ++self.interrupted_handlers(); });
}

void update_settings(AsyncConnectionObject& self, const nb::kwargs& named) {
  quic::Settings settings;
  for (const auto& [name, value] : named) set_setting(settings, nb::cast<std::string>(name).c_str(), value);
  or_raise(self.connection().update_settings(settings));
}

void bind_observation(nb::class_<AsyncConnectionObject>& connection) {
  // It outlives the module, which refers to it.
  static const std::string update_signature = "def update_settings(self, " + live_settings_parameters() + ") -> None";
  connection.def(
      "update_settings", update_settings, nb::arg("kwargs"), nb::sig(update_signature.c_str()),
      "Changes settings of the live connection, those that msquic.Settings says are live; the others keep their\n"
      "values. Takes effect soon, not at once. Raises InvalidArgument, ClosedHandle when the connection is over.");
}

void bind_properties(nb::class_<AsyncConnectionObject>& connection) {
  connection
      .def_prop_ro(
          "is_server", [](AsyncConnectionObject& self) { return self.connection().is_server(); },
          "Whether a server accepted it.")
      .def_prop_ro(
          "is_closed", [](AsyncConnectionObject& self) { return self.is_closing(); },
          "Whether it is over or about to be, whoever closed it.")
      .def_prop_ro("_is_over", &AsyncConnectionObject::is_over)
      .def(
          "_tell_log",
          [](nb::handle self) { nb::inst_ptr<AsyncConnectionObject>(self)->mailbox()->tell_log(self.ptr()); },
          nb::sig("def _tell_log(self) -> None"))
      .def_prop_ro("_is_connected", [](AsyncConnectionObject& self) { return self.mailbox()->is_connected(); })
      .def_prop_ro(
          "resumed", [](AsyncConnectionObject& self) { return self.mailbox()->is_resumed(); },
          "Whether the handshake resumed an earlier session.")
      .def_prop_ro(
          "early_data_accepted", [](AsyncConnectionObject& self) { return self.mailbox()->early_data_accepted(); },
          nb::sig("def early_data_accepted(self, /) -> bool | None"),
          "Clients: whether the server took the early data (RFC 9001 section 4.6.2); None before that is known, and "
          "when "
          "none was sent.\n"
          "What it did not take was sent again after the handshake. See wait_early_data().")
      .def_prop_ro(
          "resumption_data",
          [](AsyncConnectionObject& self) {
            const base::ByteVector data = self.mailbox()->resumption_data();
            return nb::bytes(reinterpret_cast<const char*>(data.data()), data.size());
          },
          "Servers: what the ticket of a client that returned carried; b\"\" without.")
      .def_prop_ro(
          "close_error", [](const AsyncConnectionObject& self) { return close_exception(self.close_reason()); },
          nb::sig("def close_error(self, /) -> msquic.exceptions.ConnectionFailed | None"),
          "Why the connection ended, an exception to look at; None while it is open and when this side closed it.")
      .def_prop_ro(
          "ticket",
          [](AsyncConnectionObject& self) -> nb::object {
            const auto ticket = self.mailbox()->newest_ticket();
            if (!ticket) return nb::none();
            nb::object object = nb::steal(session_ticket_object(*ticket));
            if (!object.is_valid()) nb::raise_python_error();
            return object;
          },
          nb::sig("def ticket(self, /) -> msquic._session_ticket.SessionTicket | None"),
          "Clients: the newest ticket that the server gave, for connect(ticket=…); None before the first one. A "
          "secret.");
}

}  // namespace

AsyncLimits limits_argument(nb::handle limits) {
  AsyncLimits out;
  out.read = nb::cast<std::uint64_t>(limits[0]);
  out.write = nb::cast<std::uint64_t>(limits[1]);
  out.connection_read = nb::cast<std::uint64_t>(limits[2]);
  out.streams = nb::cast<std::uint64_t>(limits[3]);
  out.close_timeout = nb::cast<double>(limits[4]);
  return out;
}

void bind_quic_async_connection(nb::module_& m) {
  nb::class_<AsyncConnectionObject> connection(
      m, "AsyncConnection", nb::type_slots(collectable_slots<AsyncConnectionObject>), nb::is_weak_referenceable(),
      "The native part of msquic.asyncio.Connection.");
  connection
      .def(
          "__init__",
          [](AsyncConnectionObject* self, nb::handle channel, nb::handle registration, nb::handle limits) {
            ensure_usable();
            if (!nb::isinstance<RegistrationObject>(registration)) {
              raise_named("InvalidArgumentType", "registration must be a Registration");
            }
            new (self) AsyncConnectionObject(nb::borrow<nb::object>(channel), registration, limits_argument(limits));
            self->set_self(nb::find(*self));
            self->mailbox()->owner().attach(self->self());
          },
          nb::arg("channel"), nb::arg("registration").none(), nb::arg("limits"),
          nb::sig("def __init__(self, channel: AsyncChannel, registration: Registration, limits: tuple[int, int, int, "
                  "int, float]) -> None"),
          "`limits`: bytes to be read and to be written of a stream, bytes to be read of the connection, streams to "
          "be\n"
          "accepted, seconds that the end waits for a peer that takes nothing.")
      .def("_start", &AsyncConnectionObject::start, nb::arg("configuration").none(), nb::arg("server_name"),
           nb::arg("address"), nb::arg("port"), nb::arg("local_address").none(), nb::arg("ticket").none(),
           nb::sig("def _start(self, configuration: Configuration, server_name: str, address: str, port: int, "
                   "local_address: str | tuple[str, int] | None, ticket: bytes | None) -> None"))
      .def("__repr__", &AsyncConnectionObject::describe);
  bind_waiting(connection);
  bind_connection_operations(connection);
  bind_traffic(connection);
  bind_properties(connection);
  bind_connection_facts<AsyncConnectionObject>(connection);
  bind_datagram_facts<AsyncConnectionObject>(connection);
  bind_observation(connection);
}

}  // namespace msquic_py::python
