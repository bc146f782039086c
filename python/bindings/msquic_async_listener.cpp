#include "msquic_async_listener.h"

#include "msquic_arguments.h"
#include "msquic_errors.h"
#include "msquic_statistics.h"
#include "msquic_topics.h"

namespace msquic_py::python {

void bind_quic_async_listener(nb::module_& m) {
  nb::class_<AsyncListenerObject>(m, "AsyncListener", nb::type_slots(collectable_slots<AsyncListenerObject>),
                                  nb::is_weak_referenceable(), "The native part of msquic.asyncio.Server.")
      .def(
          "__init__",
          [](AsyncListenerObject* self, nb::handle channel, nb::handle registration, nb::object on_connection,
             nb::handle limits, std::size_t backlog) {
            ensure_usable();
            new (self) AsyncListenerObject(nb::borrow<nb::object>(channel), registration, std::move(on_connection),
                                           limits_argument(limits), backlog);
            self->set_self(nb::find(*self));
            self->mailbox()->owner().attach(self->self());
          },
          nb::arg("channel"), nb::arg("registration"), nb::arg("on_connection"), nb::arg("limits"), nb::arg("backlog"),
          nb::sig(
              "def __init__(self, channel: AsyncChannel, registration: Registration, on_connection: "
              "collections.abc.Callable[[AsyncConnection | None], object], limits: tuple[int, int, int, int, float], "
              "backlog: int) -> None"))
      .def(
          "_start",
          [](AsyncListenerObject& self, nb::handle configuration, nb::handle alpn_list, nb::handle host,
             nb::handle port, nb::handle handshake_timeout) {
            self.start(configuration, alpn_argument(alpn_list), host,
                       static_cast<std::uint16_t>(unsigned_argument(port, "port", 65535)),
                       handshake_timeout.is_none() ? std::chrono::milliseconds()
                                                   : timeout_argument(handshake_timeout, "handshake_timeout"));
          },
          nb::arg("configuration").none(), nb::arg("alpn_list"), nb::arg("host").none(), nb::arg("port"),
          nb::arg("handshake_timeout").none(),
          nb::sig("def _start(self, configuration: Configuration, alpn_list: collections.abc.Sequence[str | bytes], "
                  "host: str | None, port: int, handshake_timeout: float | None) -> None"))
      .def("_set_certificates", &AsyncListenerObject::set_certificates, nb::arg("certificates").none(),
           nb::sig("def _set_certificates(self, certificates: Certificate | collections.abc.Mapping[str, Certificate]) "
                   "-> None"),
           "For connections that come from now on.")
      .def(
          "_statistics",
          [](AsyncListenerObject& self) { return statistics_object(or_raise(self.listener().statistics())); },
          nb::sig("def _statistics(self) -> msquic.statistics.ListenerStatistics"))
      .def(
          "_stop",
          [](AsyncListenerObject& self) {
            self.channel().guard_thread();
            return self.stop();
          },
          "Accepts no more connections. False: some have begun their handshake and are still to come, and None "
          "after them.")
      .def(
          "_close",
          [](AsyncListenerObject& self, nb::handle code, nb::handle reason) {
            self.channel().guard_thread();
            self.close(unsigned_argument(code, "code", kLargestCode), text_argument(reason, "reason"));
          },
          nb::arg("code"), nb::arg("reason"), nb::sig("def _close(self, code: int, reason: str) -> None"),
          "Accepts no more connections, and closes those that were not handed out.")
      .def_prop_ro(
          "_local_address",
          [](const AsyncListenerObject& self) -> nb::object {
            const quic::Address address = self.address();
            if (address.port() == 0) return nb::none();
            return nb::make_tuple(address.host().c_str(), address.port());
          },
          nb::sig("def _local_address(self, /) -> tuple[str, int] | None"));
}

}  // namespace msquic_py::python
