#pragma once

#include "module.h"

namespace msquic_py::python {

// One function per file msquic_<topic>.cpp. A class must be bound before a function that takes or returns it, so that
// signatures name it.
void bind_quic_library(nb::module_& m);
void bind_quic_errors(nb::module_& m);
void bind_quic_varint(nb::module_& m);
void bind_quic_development_certificate(nb::module_& m);
void bind_quic_certificate(nb::module_& m);
void bind_quic_session_ticket(nb::module_& m);
void bind_quic_registration(nb::module_& m);
void bind_quic_configuration(nb::module_& m);
void bind_quic_connection(nb::module_& m);
void bind_quic_stream(nb::module_& m);
void bind_quic_listener(nb::module_& m);
void bind_quic_async_channel(nb::module_& m);
void bind_quic_async_operation(nb::module_& m);
void bind_quic_async_stream(nb::module_& m);
void bind_quic_async_connection(nb::module_& m);
void bind_quic_async_listener(nb::module_& m);

}  // namespace msquic_py::python
