#pragma once

// Two forms that several messages share: a bare Request ID, and a Request ID with parameters.

#include "moqt_message.h"

namespace msquic_py::python {

template <class W>
void bind_request_reference(nb::module_& m, const char* name, const char* doc, const char* request_id_doc) {
  MessageClass<W> message(m, name, doc);
  message.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id) { new (self) Message<W>(W{}, reference(request_id)); },
      nb::arg("request_id") = 0);
  message.fields(request_id_doc);
}

template <class W>
MessageClass<W> bind_request_answer(nb::module_& m, const char* name, const char* doc, const char* request_id_doc) {
  MessageClass<W> message(m, name, doc);
  message.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id, nb::handle parameters) {
        construct(self, W{}, parameters, reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg("parameters") = nb::make_tuple(),
      nb::sig("def __init__(self, request_id: int = 0, parameters: collections.abc.Iterable[Parameter] = ()) -> None"));
  message.fields(request_id_doc);
  bind_parameter_access(message.get());
  return message;
}

}  // namespace msquic_py::python
