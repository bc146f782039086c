#include "msquic_listener.h"

#include <nanobind/stl/string.h>

#include "dispatch_thread.h"
#include "locked_class.h"
#include "msquic_arguments.h"
#include "msquic_errors.h"
#include "msquic_registration.h"
#include "msquic_statistics.h"
#include "msquic_topics.h"

namespace msquic_py::python {

void bind_quic_listener(nb::module_& m) {
  LockedClass<ListenerObject>(m, "Listener", nb::type_slots(collectable_slots<ListenerObject>),
                              nb::is_weak_referenceable(),
                              "Accepts connections. It holds those that it accepted until they are over, so that they "
                              "need not be stored; when it\n"
                              "is closed or dropped, the connections that nobody else holds are shut down.")
      .def(
          "__init__",
          [](ListenerObject* self, nb::handle registration) {
            ensure_usable();
            if (!nb::isinstance<RegistrationObject>(registration)) {
              raise_named("InvalidArgumentType", "registration must be a Registration");
            }
            Dispatcher::ensure_running();
            new (self) ListenerObject(nb::borrow<nb::object>(registration));
            const nb::object object = nb::find(*self);
            self->mailbox()->owner().attach(object);
            nb::inst_ptr<RegistrationObject>(registration)->add_child(object);
          },
          nb::arg("registration").none(), nb::sig("def __init__(self, registration: Registration) -> None"))
      .def(
          "start",
          [](ListenerObject& self, nb::handle configuration, nb::handle alpn_list, nb::handle port, nb::handle host,
             nb::handle handshake_timeout_ms) {
            ensure_usable();
            self.start(configuration, alpn_list, port, host, handshake_timeout_ms);
          },
          nb::arg("configuration").none(), nb::arg("alpn_list").none(), nb::arg("port").none(),
          nb::arg("host").none() = nb::none(), nb::kw_only(), nb::arg("handshake_timeout_ms").none() = 10000,
          nb::sig("def start(self, configuration: Configuration, alpn_list: collections.abc.Sequence[str | bytes], "
                  "port: int, "
                  "host: str | None = None, *, handshake_timeout_ms: int | None = 10000) -> "
                  "None"),
          "Starts listening; also again after stop(). Port 0 chooses a free one, see `port`. `host` is an IP address "
          "of this\n"
          "machine, None means all; the socket is bound to all anyway, others are refused by QUIC. The configuration "
          "must\n"
          "have the ALPNs too. A handshake that takes longer than `handshake_timeout_ms` (up to 2**40; decisions "
          "about\n"
          "certificates included) is ended, with HandshakeTimeout; None or 0: never, while the client keeps saying\n"
          "something.\n\n"
          "Raises AddressInUse when another socket has the port, AlpnInUse when a listener of "
          "this\n"
          "process has one of the ALPNs there. `config` is another name of `configuration`.")
      .def(
          "start",
          [](ListenerObject& self, nb::handle config, nb::handle alpn_list, nb::handle port, nb::handle host,
             nb::handle handshake_timeout_ms) {
            ensure_usable();
            self.start(config, alpn_list, port, host, handshake_timeout_ms);
          },
          nb::kw_only(), nb::arg("config").none(), nb::arg("alpn_list").none(), nb::arg("port").none(),
          nb::arg("host").none() = nb::none(), nb::arg("handshake_timeout_ms").none() = 10000,
          nb::sig("def start(self, *, config: Configuration, alpn_list: collections.abc.Sequence[str | bytes], port: "
                  "int, host: str | None = None, handshake_timeout_ms: int | None = 10000) -> "
                  "None"))
      .def(
          "set_certificates",
          [](ListenerObject& self, nb::handle certificates) {
            ensure_usable();
            self.set_certificates(certificates);
          },
          nb::arg("certificates").none(),
          nb::sig(
              "def set_certificates(self, certificates: Certificate | collections.abc.Mapping[str, Certificate]) -> "
              "None"),
          "Replaces the certificates of the started listener: one for everybody, or several by server name as in\n"
          "Configuration.load_credential(). New clients get the new ones; accepted connections go on undisturbed, and\n"
          "resumption tickets stay good. What a certificate is for is not compared with the names.")
      .def(
          "replace_certificate",
          [](ListenerObject& self, nb::handle certificate, nb::handle server_name) {
            ensure_usable();
            self.replace_certificate(certificate, server_name);
          },
          nb::arg("certificate").none(), nb::arg("server_name").none() = nb::none(),
          nb::sig("def replace_certificate(self, certificate: Certificate, server_name: str | None = None) -> None"),
          "The same for the certificate of one server name, or with None for the one that clients without a "
          "certificate "
          "of\n"
          "their own name get.")
      .def(
          "stop",
          [](ListenerObject& self) {
            ensure_usable();
            self.stop();
          },
          "Accepts no more connections. Accepted ones live on.")
      .def(
          "close",
          [](ListenerObject& self, nb::handle timeout) {
            ensure_usable();
            self.close(timeout_argument(timeout, "timeout"));
          },
          nb::arg("timeout").none() = 5.0, nb::sig("def close(self, timeout: float = 5.0) -> None"),
          "Stops, drops the connections that nobody else holds, and waits at most `timeout` seconds for MsQuic. May "
          "be\n"
          "called twice, and in any handler.")
      .def(
          "set_on_new_connection",
          [](ListenerObject& self, nb::handle handler) {
            ensure_usable();
            self.set_handler(handler);
          },
          nb::arg("handler").none(),
          nb::sig("def set_on_new_connection(self, handler: collections.abc.Callable[[Connection], object] | None) -> "
                  "None"),
          "`handler(connection: Connection)`: a client connects; the handshake goes on meanwhile, set its handlers "
          "here. At\n"
          "most 1024 connections wait for the handler to be set; further clients are refused.")
      .def(
          "statistics",
          [](const ListenerObject& self) {
            ensure_usable();
            return statistics_object(or_raise(self.statistics()));
          },
          nb::sig("def statistics(self) -> msquic.statistics.ListenerStatistics"),
          "Counters since start(). Does not block. Raises InvalidState while stopped.")
      .def_prop_ro(
          "port", [](const ListenerObject& self) { return self.address().port(); },
          "The UDP port it listens on, the real one when 0 was asked for; 0 while stopped.")
      .def_prop_ro(
          "local_address",
          [](const ListenerObject& self) -> nb::object {
            const quic::Address address = self.address();
            if (address.port() == 0) return nb::none();
            return ListenerObject::address_tuple(address);
          },
          nb::sig("def local_address(self, /) -> tuple[str, int] | None"),
          "(IP address, port), \"::\" for all addresses; None while stopped.")
      .def(
          "__enter__", [](nb::handle self) { return nb::borrow<nb::object>(self); },
          nb::sig("def __enter__(self) -> typing.Self"))
      .def(
          "__exit__", [](ListenerObject& self, nb::args) { self.close(std::chrono::seconds(5)); },
          nb::sig("def __exit__(self, *args: object) -> None"))
      .def("__repr__", &ListenerObject::describe);
}

}  // namespace msquic_py::python
