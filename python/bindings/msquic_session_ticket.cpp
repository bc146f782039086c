#include "msquic_session_ticket.h"

#include "msquic_arguments.h"
#include "msquic_errors.h"
#include "msquic_topics.h"
#include "quic/resumption_ticket.h"

namespace msquic_py::python {

PyObject* session_ticket_object(base::Bytes ticket) {
  // Not nanobind's objects: Python code runs below; see EventTarget::dispatch().
  PyObject* const module = PyImport_ImportModule("msquic._session_ticket");
  if (module == nullptr) return nullptr;
  PyObject* const bytes =
      PyBytes_FromStringAndSize(reinterpret_cast<const char*>(ticket.data()), static_cast<Py_ssize_t>(ticket.size()));
  PyObject* const object = bytes == nullptr ? nullptr : PyObject_CallMethod(module, "SessionTicket", "O", bytes);
  Py_XDECREF(bytes);
  Py_DECREF(module);
  return object;
}

void bind_quic_session_ticket(nb::module_& m) {
  m.def(
      "read_session_ticket",
      [](nb::handle data) -> nb::object {
        const HeldBuffer held(data, "data");
        const auto ticket = quic::ResumptionTicket::decode(held.bytes());
        if (!ticket) raise_named("InvalidArgument", "these bytes are not a session ticket of this library");
        return nb::make_tuple(nb::str(ticket->server_name.data(), ticket->server_name.size()),
                              nb::bytes(ticket->alpn.data(), ticket->alpn.size()));
      },
      nb::arg("data").none(), nb::sig("def read_session_ticket(data: typing_extensions.Buffer) -> tuple[str, bytes]"),
      "For what server name and ALPN a ticket is good.");
}

}  // namespace msquic_py::python
