#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "dispatch_exit.h"
#include "msquic_certificate.h"
#include "msquic_connection.h"
#include "msquic_errors.h"
#include "msquic_statistics.h"
#include "quic/connection.h"

namespace msquic_py::python {

/// What the asyncio classes of both packages tell about their connection. T has connection().
template <class T, class Class>
void bind_connection_facts(Class& c) {
  namespace nb = nanobind;
  c.def(
       "_statistics",
       [](T& self) {
         const quic::Connection connection = self.connection();
         return statistics_object(or_raise(without_gil([&] { return connection.statistics(); })));
       },
       nb::sig("def _statistics(self) -> msquic.statistics.ConnectionStatistics"),
       "Blocks until MsQuic's worker is free.")
      .def_prop_ro(
          "handshake", [](T& self) { return handshake_object(self.connection().handshake()); },
          nb::sig("def handshake(self, /) -> msquic.statistics.HandshakeInfo | None"),
          "The versions of QUIC and TLS, the cipher suite and the group in use; None before the handshake is complete.")
      .def_prop_ro(
          "original_destination_cid",
          [](T& self) {
            const base::ByteVector id = self.connection().original_destination_cid();
            return nb::bytes(reinterpret_cast<const char*>(id.data()), id.size());
          },
          "The connection ID that the client chose for the server at first (RFC 9000 section 7.2), the same on both "
          "sides,\n"
          "for finding a connection in both sides' logs; b\"\" before the handshake is complete or failed.")
      .def_prop_ro(
          "local_address", [](T& self) { return address_tuple(self.connection().local_address()); },
          nb::sig("def local_address(self, /) -> tuple[str, int] | None"), "(IP address, port) of this side.")
      .def_prop_ro(
          "remote_address", [](T& self) { return address_tuple(self.connection().remote_address()); },
          nb::sig("def remote_address(self, /) -> tuple[str, int] | None"), "(IP address, port) of the peer.")
      .def_prop_ro(
          "server_name", [](T& self) { return self.connection().server_name(); },
          "The name that the client dialled; on a server the SNI, \"\" without.")
      .def_prop_ro("_alpn",
                   [](T& self) {
                     const std::string alpn = self.connection().negotiated_alpn();
                     return nb::bytes(alpn.data(), alpn.size());
                   })
      .def_prop_ro(
          "peer_certificate",
          [](T& self) -> nb::object {
            const base::ByteVector der = self.connection().peer_certificate();
            if (der.empty()) return nb::none();
            return nb::bytes(reinterpret_cast<const char*>(der.data()), der.size());
          },
          nb::sig("def peer_certificate(self, /) -> bytes | None"),
          "The peer's certificate in DER; None when it showed none, when a session was resumed, and without "
          "verification.")
      .def_prop_ro(
          "peer_certificate_chain", [](T& self) { return chain_tuple(self.connection().peer_certificate_chain()); },
          nb::sig("def peer_certificate_chain(self, /) -> tuple[bytes, ...]"),
          "All certificates that the peer sent, in DER, its own first.")
      .def(
          "_complete_certificate",
          [](T& self, bool accept, const std::string& reason) {
            return self.connection().complete_certificate(accept, reason);
          },
          nb::arg("accept"), nb::arg("reason"),
          nb::sig("def _complete_certificate(self, accept: bool, reason: str) -> bool"),
          "The verifier's decision; False when there is nothing to decide any more.");
}

}  // namespace msquic_py::python
