#pragma once

#include <nanobind/nanobind.h>

#include "quic/connection.h"

namespace msquic_py::python {

/// What both classes of connections tell about datagrams. T has connection(), mailbox() and datagram_backlog().
template <class T, class Class>
void bind_datagram_facts(Class& c) {
  c.def_prop_ro(
       "max_datagram_size", [](T& self) { return self.connection().max_datagram_size(); },
       "The largest datagram that can be sent now, in bytes; 0 when none can. Changes with the path's MTU.")
      .def_prop_ro(
          "datagrams_dropped", [](const T& self) { return self.mailbox()->datagrams_dropped(); },
          "Received datagrams that were dropped, the oldest first, because nobody took them: at most 4096 wait, or 4 "
          "MiB.")
      .def_prop_ro(
          "datagrams_waiting", [](const T& self) { return self.datagram_backlog().count; },
          "Datagrams of this side that are not sent yet.")
      .def_prop_ro(
          "datagram_bytes_waiting", [](const T& self) { return self.datagram_backlog().bytes; },
          "Their payload, in bytes.")
      .def_prop_ro(
          "datagrams_dropped_unsent", [](const T& self) { return self.datagram_backlog().dropped; },
          "Datagrams of this side that were never sent, because newer ones needed the room or because they were not to "
          "wait.");
}

}  // namespace msquic_py::python
