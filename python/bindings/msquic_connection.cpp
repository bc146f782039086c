#include "msquic_connection.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "dispatch_exit.h"
#include "dispatch_thread.h"
#include "locked_class.h"
#include "msquic_arguments.h"
#include "msquic_certificate.h"
#include "msquic_datagram_facts.h"
#include "msquic_errors.h"
#include "msquic_flags.h"
#include "msquic_registration.h"
#include "msquic_settings.h"
#include "msquic_statistics.h"
#include "msquic_topics.h"

namespace msquic_py::python {

nb::object address_tuple(const quic::Address& address) {
  if (address.family() == quic::Address::Family::Unspecified) return nb::none();
  return nb::make_tuple(address.host().c_str(), address.port());
}

namespace {

template <ConnectionEvent Which>
void set_handler(ConnectionObject& self, nb::handle handler) {
  ensure_usable();
  self.set_handler(Which, handler);
}

nb::object close_code(const ConnectionObject& self) {
  using Cause = quic::CloseReason::Cause;
  const quic::CloseReason reason = self.close_reason();
  if (reason.cause == Cause::None || (reason.cause == Cause::Transport && !reason.on_wire)) return nb::none();
  return nb::int_(reason.code);
}

nb::object statistics(ConnectionObject& self) {
  ensure_usable();
  const quic::Connection connection = self.connection();
  return statistics_object(or_raise(without_gil([&] { return connection.statistics(); })));
}

void update_settings(ConnectionObject& self, const nb::kwargs& named) {
  ensure_usable();
  quic::Settings settings;
  for (const auto& [name, value] : named) set_setting(settings, nb::cast<std::string>(name).c_str(), value);
  or_raise(self.connection().update_settings(settings));
}

void bind_handlers(LockedClass<ConnectionObject>& connection) {
  connection
      .def("set_on_connected", set_handler<kConnected>, nb::arg("handler").none(),
           nb::sig("def set_on_connected(self, handler: collections.abc.Callable[[bool], object] | "
                   "collections.abc.Callable[[], object] | None) -> None"),
           "`handler()` or `handler(resumed: bool)`: the handshake is complete; `resumed` when with a ticket. Which of "
           "the two\n"
           "is found out from the handler's signature when it is set.")
      .def("set_on_shutdown_complete", set_handler<kShutdownComplete>, nb::arg("handler").none(),
           nb::sig(
               "def set_on_shutdown_complete(self, handler: collections.abc.Callable[[bool], object] | None) -> None"),
           "`handler(app_close_in_progress: bool)`: the connection is over, the last event; see close_error for the "
           "reason.\n"
           "True when close() was called.")
      .def("set_on_peer_stream_started", set_handler<kPeerStreamStarted>, nb::arg("handler").none(),
           nb::sig("def set_on_peer_stream_started(self, handler: collections.abc.Callable[[Stream], object] | None) "
                   "-> None"),
           "`handler(stream: Stream)`: the peer opened a stream. It need not be stored. Streams that come before the "
           "handler\n"
           "is set are kept.")
      .def("set_on_datagram_state_changed", set_handler<kDatagramStateChanged>, nb::arg("handler").none(),
           nb::sig("def set_on_datagram_state_changed(self, handler: collections.abc.Callable[[bool, int], object] | "
                   "None) -> None"),
           "`handler(send_enabled: bool, max_send_length: int)`: whether and how large (in bytes) datagrams can be "
           "sent now.")
      .def("set_on_datagram_received", set_handler<kDatagramReceived>, nb::arg("handler").none(),
           nb::sig(
               "def set_on_datagram_received(self, handler: collections.abc.Callable[[bytes], object] | None) -> None"),
           "`handler(data: bytes)`, once per datagram. At most 4096 wait; then the oldest are dropped, see "
           "datagrams_dropped.")
      .def("set_on_datagram_send_state_changed", set_handler<kDatagramSendStateChanged>, nb::arg("handler").none(),
           nb::sig("def set_on_datagram_send_state_changed(self, handler: "
                   "collections.abc.Callable[[msquic.enums.DatagramSendState], object] | None) -> None"),
           "`handler(state: DatagramSendState)` for the datagrams sent from now on.")
      .def("set_on_streams_available", set_handler<kStreamsAvailable>, nb::arg("handler").none(),
           nb::sig("def set_on_streams_available(self, handler: collections.abc.Callable[[int, int], object] | None) "
                   "-> None"),
           "`handler(bidirectional: int, unidirectional: int)`: how many more streams the peer admits now.")
      .def("set_on_peer_needs_streams", set_handler<kPeerNeedsStreams>, nb::arg("handler").none(),
           nb::sig("def set_on_peer_needs_streams(self, handler: collections.abc.Callable[[bool], object] | None) -> "
                   "None"),
           "`handler(unidirectional: bool)`: the peer waits for more streams of this kind; see update_settings().")
      .def(
          "set_on_local_address_changed", set_handler<kLocalAddressChanged>, nb::arg("handler").none(),
          nb::sig("def set_on_local_address_changed(self, handler: collections.abc.Callable[[tuple[str, int]], object] "
                  "| None) -> None"),
          "`handler(address: tuple[str, int])`: this side sends from another address.")
      .def("set_on_peer_address_changed", set_handler<kPeerAddressChanged>, nb::arg("handler").none(),
           nb::sig("def set_on_peer_address_changed(self, handler: collections.abc.Callable[[tuple[str, int]], object] "
                   "| None) -> None"),
           "`handler(address: tuple[str, int])`: the peer sends from another address, as after a NAT forgot it.")
      .def("set_on_datagram_room", set_handler<kDatagramRoom>, nb::arg("handler").none(),
           nb::sig("def set_on_datagram_room(self, handler: collections.abc.Callable[[int], object] | "
                   "collections.abc.Callable[[], object] | None) -> None"),
           "`handler()` or `handler(bytes_waiting: int)`: more than half of datagram_send_queue_bytes waited, and now "
           "at most a\n"
           "quarter does: a sender that stopped may go on.")
      .def("set_on_shutdown_initiated", set_handler<kShutdownInitiated>, nb::arg("handler").none(),
           nb::sig("def set_on_shutdown_initiated(self, handler: "
                   "collections.abc.Callable[[msquic.exceptions.ConnectionFailed], object] | None) -> None"),
           "`handler(error: ConnectionFailed)`: the peer or the transport began to end the connection;\n"
           "on_shutdown_complete follows. Not called when this side ends it.")
      .def("set_on_resumption_ticket_received", set_handler<kResumptionTicketReceived>, nb::arg("handler").none(),
           nb::sig("def set_on_resumption_ticket_received(self, handler: "
                   "collections.abc.Callable[[msquic._session_ticket.SessionTicket], object] | "
                   "None) -> None"),
           "`handler(ticket: SessionTicket)`, clients: for set_resumption_ticket() of a later connection to the same "
           "server name\n"
           "with the same ALPN and trust settings. A SessionTicket is bytes. A secret.")
      .def(
          "set_on_resumed", set_handler<kResumed>, nb::arg("handler").none(),
          nb::sig("def set_on_resumed(self, handler: collections.abc.Callable[[bytes], object] | "
                  "collections.abc.Callable[[], object] | None) -> None"),
          "`handler()` or `handler(data: bytes)`, servers: the client returns with a ticket that carried `data`. "
          "Returning\n"
          "False refuses: the connection is shut down with code 1, and no stream and no early data of it is delivered; "
          "the\n"
          "client may come again without the ticket.")
      .def("set_on_early_data", set_handler<kEarlyData>, nb::arg("handler").none(),
           nb::sig("def set_on_early_data(self, handler: collections.abc.Callable[[bool], object] | None) -> None"),
           "`handler(accepted: bool)`, clients that sent early data: whether the server took it; what it did not take "
           "was "
           "sent again\n"
           "after the handshake. It comes with on_connected when the session was not resumed, else when the peer has "
           "acknowledged\n"
           "all of the first stream with early data, its end included.");
}

void bind_properties(LockedClass<ConnectionObject>& connection) {
  connection
      .def_prop_ro(
          "local_address", [](const ConnectionObject& self) { return address_tuple(self.local_address()); },
          nb::sig("def local_address(self, /) -> tuple[str, int] | None"),
          "(IP address, port); None before it is known.")
      .def_prop_ro(
          "remote_address", [](const ConnectionObject& self) { return address_tuple(self.remote_address()); },
          nb::sig("def remote_address(self, /) -> tuple[str, int] | None"),
          "(IP address, port); None before it is known.")
      .def_prop_ro("server_name", &ConnectionObject::server_name,
                   "The name that the client dialled; on a server the SNI, \"\" without.")
      .def_prop_ro(
          "negotiated_alpn",
          [](const ConnectionObject& self) {
            const std::string alpn = self.negotiated_alpn();
            return nb::bytes(alpn.data(), alpn.size());
          },
          "The ALPN in use; b\"\" before the handshake decided it, which on a server is from the beginning.")
      .def_prop_ro(
          "early_data_accepted", [](const ConnectionObject& self) { return self.early_data_accepted(); },
          nb::sig("def early_data_accepted(self, /) -> bool | None"),
          "Clients: whether the server took the early data; None before that is known (on_early_data), and when none "
          "was "
          "sent.")
      .def_prop_ro(
          "handshake", [](const ConnectionObject& self) { return handshake_object(self.handshake()); },
          nb::sig("def handshake(self, /) -> msquic.statistics.HandshakeInfo | None"),
          "The versions of QUIC and TLS, the cipher suite and the group in use; None before the handshake is complete.")
      .def_prop_ro(
          "original_destination_cid",
          [](const ConnectionObject& self) {
            const base::ByteVector id = self.original_destination_cid();
            return nb::bytes(id.data(), id.size());
          },
          "The connection ID that the client chose for the server at first (RFC 9000 section 7.2), the same on both "
          "sides,\n"
          "for finding a connection in both sides' logs; b\"\" before the handshake is complete or failed.")
      .def_prop_ro(
          "peer_certificate",
          [](const ConnectionObject& self) -> nb::object {
            const std::vector<base::ByteVector> chain = self.peer_chain();
            if (chain.empty()) return nb::none();
            return nb::bytes(chain.front().data(), chain.front().size());
          },
          nb::sig("def peer_certificate(self, /) -> bytes | None"),
          "The certificate that the peer showed, in DER. None before it came, from a client that was not asked or has "
          "none,\n"
          "and in a resumed session, where no certificate is shown.")
      .def_prop_ro(
          "peer_certificate_chain", [](const ConnectionObject& self) { return chain_tuple(self.peer_chain()); },
          nb::sig("def peer_certificate_chain(self, /) -> tuple[bytes, ...]"),
          "All certificates that the peer sent, in DER, its own first.")
      .def_prop_ro("is_server", &ConnectionObject::is_server, "Whether a listener accepted it.")
      .def_prop_ro(
          "is_closed", [](const ConnectionObject& self) { return self.is_closed() || self.is_over(); },
          "Whether the connection is over or was closed.")
      .def_prop_ro(
          "close_error", [](const ConnectionObject& self) { return close_exception(self.close_reason()); },
          nb::sig("def close_error(self, /) -> msquic.exceptions.ConnectionFailed | None"),
          "Why the connection ended, as an exception to raise or to look at; None while it is open and when this side\n"
          "closed it.")
      .def_prop_ro("close_code", close_code, nb::sig("def close_code(self, /) -> int | None"),
                   "The application's error code, or the QUIC error code when the transport ended the connection; None "
                   "while it is\n"
                   "open and when it ended without one, as by an idle timeout.")
      .def_prop_ro(
          "close_reason", [](const ConnectionObject& self) { return self.close_reason().reason; },
          "The peer's reason phrase, \"\" when it gave none.")
      .def_prop_ro(
          "closed_remotely", [](const ConnectionObject& self) { return self.close_reason().remote; },
          "Whether the peer ended the connection.");
}

}  // namespace

void bind_quic_connection(nb::module_& m) {
  static const std::string update_signature = "def update_settings(self, " + live_settings_parameters() + ") -> None";
  LockedClass<ConnectionObject> connection(
      m, "Connection", nb::type_slots(collectable_slots<ConnectionObject>), nb::is_weak_referenceable(),
      "A QUIC connection: a client's, or one that a Listener accepted.\n\n"
      "Keep a client's connection: when its last reference goes, it is shut down "
      "with code 0. An accepted one is held by\n"
      "its listener until it is over. Methods may be called on any thread and in "
      "handlers; only statistics() may block.\n"
      "Handlers run on the library's thread, never two at a time; when one raises, "
      "the error goes to sys.unraisablehook\n"
      "and to the logger \"msquic\", and the connection is shut down with code 1.");
  connection
      .def(
          "__init__",
          [](ConnectionObject* self, nb::handle registration) {
            ensure_usable();
            if (!nb::isinstance<RegistrationObject>(registration)) {
              raise_named("InvalidArgumentType", "registration must be a Registration");
            }
            Dispatcher::ensure_running();
            new (self) ConnectionObject(nb::borrow<nb::object>(registration));
            const nb::object object = nb::find(*self);
            self->mailbox()->owner().attach(object);
            nb::inst_ptr<RegistrationObject>(registration)->add_child(object);
          },
          nb::arg("registration").none(), nb::sig("def __init__(self, registration: Registration) -> None"),
          "A client's connection. Set its handlers, then start() it.")
      .def(
          "start",
          [](ConnectionObject& self, nb::handle configuration, nb::handle server_name, nb::handle port,
             nb::handle address, nb::handle local_address) {
            ensure_usable();
            self.start(configuration, server_name, port, address, local_address);
          },
          nb::arg("configuration").none(), nb::arg("server_name").none(), nb::arg("port").none(), nb::kw_only(),
          nb::arg("address").none() = nb::none(), nb::arg("local_address").none() = nb::none(),
          nb::sig("def start(self, configuration: Configuration, server_name: str, port: int, *, address: str | None = "
                  "None, "
                  "local_address: str | tuple[str, int] | None = None) -> None"),
          "Connects to a host name or IP address, which is also the name that the server's certificate must carry. "
          "With\n"
          "`address`, an IP address, nothing is looked up. `local_address`: the IP address to send from, or it and a "
          "port, 0\n"
          "for any free one; the property local_address tells the real one. Does not wait: on_connected or\n"
          "on_shutdown_complete follows.\n\n"
          "Raises CredentialsNotLoaded, TicketMismatch, InvalidArgument, or InvalidState when it was started "
          "before.\n\n"
          "`config` is another name of `configuration`.")
      .def(
          "start",
          [](ConnectionObject& self, nb::handle config, nb::handle server_name, nb::handle port, nb::handle address,
             nb::handle local_address) {
            ensure_usable();
            self.start(config, server_name, port, address, local_address);
          },
          nb::kw_only(), nb::arg("config").none(), nb::arg("server_name").none(), nb::arg("port").none(),
          nb::arg("address").none() = nb::none(), nb::arg("local_address").none() = nb::none(),
          nb::sig("def start(self, *, config: Configuration, server_name: str, port: int, address: str | None = None, "
                  "local_address: str | tuple[str, int] | None = None) -> None"))
      .def(
          "set_configuration",
          [](ConnectionObject& self, nb::handle configuration) {
            ensure_usable();
            self.set_configuration(configuration);
          },
          nb::arg("configuration").none(), nb::sig("def set_configuration(self, configuration: Configuration) -> None"),
          "An accepted connection has the configuration of its listener already; giving that again is fine, another "
          "one\n"
          "raises InvalidState. `config` is another name of `configuration`.")
      .def(
          "set_configuration",
          [](ConnectionObject& self, nb::handle config) {
            ensure_usable();
            self.set_configuration(config);
          },
          nb::kw_only(), nb::arg("config").none(),
          nb::sig("def set_configuration(self, *, config: Configuration) -> None"))
      .def(
          "shutdown",
          [](ConnectionObject& self, nb::handle flags, nb::handle error_code, nb::handle reason) {
            ensure_usable();
            self.shutdown(flags_argument(flags, "flags", connection_shutdown_flag::kSilent),
                          unsigned_argument(error_code, "error_code", kLargestCode), text_argument(reason, "reason"));
          },
          nb::arg("flags").none() = 0, nb::arg("error_code").none() = 0, nb::arg("reason").none() = "",
          nb::sig("def shutdown(self, flags: msquic.enums.ConnectionShutdownFlags = "
                  "msquic.enums.ConnectionShutdownFlags.NONE, error_code: int = 0, "
                  "reason: str = '') -> None"),
          "Ends the connection with the application's `error_code`, 0 to 2**62 - 1, and a reason phrase of at most 511 "
          "bytes\n"
          "(which reaches the peer with the code). on_shutdown_complete follows. Nothing happens when it is over.")
      .def(
          "open_stream",
          [](nb::handle_t<ConnectionObject> self, nb::handle flags) {
            ensure_usable();
            return nb::inst_ptr<ConnectionObject>(self)->open_stream(
                self, flags_argument(flags, "flags", stream_open_flag::kUnidirectional | stream_open_flag::kZeroRtt));
          },
          nb::arg("flags").none() = 0,
          nb::sig("def open_stream(self, flags: msquic.enums.StreamOpenFlags = msquic.enums.StreamOpenFlags.NONE) -> "
                  "Stream"),
          "A stream that is not started yet: call its start(), or send with SendFlags.START. Raises ConnectionClosing "
          "once\n"
          "the connection is being shut down.")
      .def(
          "send_datagram",
          [](ConnectionObject& self, nb::handle data, nb::handle flags, nb::handle on_state) {
            ensure_usable();
            self.send_datagram(
                data,
                flags_argument(flags, "flags",
                               send_flag::kAllowZeroRtt | send_flag::kDatagramPriority | send_flag::kCancelOnBlocked),
                on_state);
          },
          nb::arg("data").none(), nb::arg("flags").none() = 0, nb::arg("on_state").none() = nb::none(),
          nb::sig("def send_datagram(self, data: typing_extensions.Buffer, flags: msquic.enums.SendFlags = "
                  "msquic.enums.SendFlags.NONE, on_state: collections.abc.Callable[[msquic.enums.DatagramSendState], "
                  "object] | None = None) -> None"),
          "Sends an unreliable datagram (RFC 9221); the data is copied. What cannot be sent now waits, up to\n"
          "datagram_send_queue_bytes; beyond that the oldest are dropped (CANCELED), those without DGRAM_PRIORITY "
          "first. With\n"
          "CANCEL_ON_BLOCKED it does not wait. `on_state(state: DatagramSendState)` hears what\n"
          "becomes of this datagram, instead of the connection's handler; the last state is a final one. A lost\n"
          "one is given up only when something that was sent later is acknowledged: keep_alive_interval_ms sees to it. "
          "Raises\n"
          "DatagramTooLarge or DatagramUnavailable.")
      .def(
          "send_resumption_ticket",
          [](ConnectionObject& self, nb::handle flags, nb::handle data) {
            ensure_usable();
            self.send_resumption_ticket(flags_argument(flags, "flags", resumption_flag::kFinal), data);
          },
          nb::arg("flags").none() = 0, nb::arg("data").none() = nb::bytes("", 0),
          nb::sig("def send_resumption_ticket(self, flags: msquic.enums.SendResumptionFlags = "
                  "msquic.enums.SendResumptionFlags.NONE, "
                  "data: typing_extensions.Buffer = b'') -> None"),
          "Servers, after on_connected, with a server_resumption_level: gives the client a ticket that carries at most "
          "1000\n"
          "bytes for on_resumed.")
      .def(
          "set_resumption_ticket",
          [](ConnectionObject& self, nb::handle ticket) {
            ensure_usable();
            self.set_resumption_ticket(ticket);
          },
          nb::arg("ticket").none(),
          nb::sig("def set_resumption_ticket(self, ticket: typing_extensions.Buffer) -> None"),
          "Clients, before start(): a SessionTicket, or its bytes, of an earlier connection to the same server name "
          "with the\n"
          "same ALPN and trust settings; start() raises TicketMismatch for any other. Early data needs\n"
          "StreamOpenFlags.ZERO_RTT and SendFlags.ALLOW_0_RTT, and an attacker can replay it.")
      .def("statistics", statistics, nb::sig("def statistics(self) -> msquic.statistics.ConnectionStatistics"),
           "Counters of the live connection. May block until MsQuic's worker is free. Raises ClosedHandle when it is "
           "over.")
      .def("update_settings", update_settings, nb::arg("kwargs"), nb::sig(update_signature.c_str()),
           "Changes settings of the live connection, those that msquic.Settings says are live; the others keep their\n"
           "values. Takes effect soon, not at once. Raises InvalidArgument, ClosedHandle when the connection is over.")
      .def(
          "close",
          [](ConnectionObject& self) {
            ensure_usable();
            self.close();
          },
          "Shuts down with code 0 and gives the connection up; on_shutdown_complete(True) is the only event that "
          "still\n"
          "follows. Does not wait. May be called twice, and in any handler.")
      .def(
          "__enter__", [](nb::handle self) { return nb::borrow<nb::object>(self); },
          nb::sig("def __enter__(self) -> typing.Self"))
      .def(
          "__exit__", [](ConnectionObject& self, nb::args) { self.close(); },
          nb::sig("def __exit__(self, *args: object) -> None"))
      .def("__repr__", &ConnectionObject::describe);
  bind_handlers(connection);
  bind_properties(connection);
  bind_datagram_facts<ConnectionObject>(connection);
}

}  // namespace msquic_py::python
