#include "module.h"
#include "msquic_topics.h"

namespace msquic_py::python {

void bind_msquic(nb::module_& m) {
  bind_quic_library(m);
  bind_quic_errors(m);
  bind_quic_varint(m);
  bind_quic_development_certificate(m);
  bind_quic_certificate(m);
  bind_quic_session_ticket(m);
  bind_quic_registration(m);
  bind_quic_configuration(m);
  bind_quic_stream(m);
  bind_quic_connection(m);
  bind_quic_listener(m);
  bind_quic_async_operation(m);
  bind_quic_async_stream(m);
  bind_quic_async_connection(m);
  bind_quic_async_channel(m);
  bind_quic_async_listener(m);
}

}  // namespace msquic_py::python
