// The coroutines of msquic.asyncio.Connection.
#include "msquic_async_connection.h"
#include "msquic_async_operation.h"
#include "msquic_errors.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

enum Opening : std::int64_t { kUnidirectional = 1, kEarlyData = 2, kMayWait = 4 };

AsyncConnectionObject& connection_of(const AsyncOperation& operation) {
  return *nb::inst_ptr<AsyncConnectionObject>(nb::handle(operation.owner));
}

bool was_woken(PyObject* future) {
  return nb::cast<bool>(nb::handle(future).attr("done")()) && !nb::cast<bool>(nb::handle(future).attr("cancelled")());
}

template <AsyncConnectionWait wait>
void forget(AsyncOperation& operation) {
  connection_of(operation).forget(wait, operation.future, was_woken(operation.future));
}

/// Lets the operation wait. False when it should look again at once.
bool wait_for(AsyncOperation& operation, AsyncConnectionWait wait) {
  AsyncConnectionObject& connection = connection_of(operation);
  nb::object future = connection.channel().create_future();
  if (!connection.wait(wait, future)) return false;
  operation.future = future.release().ptr();
  return true;
}

/// `take` gives None as long as there is nothing.
template <AsyncConnectionWait wait, class Take>
PyObject* take_or_wait(AsyncOperation& operation, Take&& take) {
  while (true) {
    nb::object taken = take();
    if (!taken.is_none()) return taken.release().ptr();
    if (wait_for(operation, wait)) return nullptr;
  }
}

template <AsyncConnectionWait wait>
PyObject* attempt_open(AsyncOperation& operation) {
  return take_or_wait<wait>(operation, [&] {
    nb::object stream = connection_of(operation).open_stream(
        operation.owner, (operation.argument & kUnidirectional) != 0, (operation.argument & kEarlyData) != 0);
    if (stream.is_none() && (operation.argument & kMayWait) == 0) {
      raise_named("StreamLimitReached",
                  "the peer admits no more streams now: wait for some to end, or let open_stream() wait");
    }
    return stream;
  });
}

PyObject* attempt_accept(AsyncOperation& operation) {
  return take_or_wait<kWaitPeerStream>(operation,
                                       [&] { return connection_of(operation).take_peer_stream(operation.owner); });
}

PyObject* attempt_next(AsyncOperation& operation) {
  connection_of(operation).check_thread();
  try {
    return attempt_accept(operation);
  } catch (nb::python_error&) {
    if (!connection_of(operation).ended_in_order()) throw;
  }
  PyErr_SetNone(PyExc_StopAsyncIteration);
  return nullptr;
}

PyObject* attempt_datagram(AsyncOperation& operation) {
  return take_or_wait<kWaitDatagram>(operation, [&] { return connection_of(operation).take_datagram(); });
}

template <AsyncConnectionWait wait>
nb::object open(nb::handle self, const char* name, std::int64_t direction, bool may_wait, bool early_data) {
  return make_operation(
      self, name, attempt_open<wait>, forget<wait>,
      direction | (early_data ? std::int64_t{kEarlyData} : 0) | (may_wait ? std::int64_t{kMayWait} : 0));
}

}  // namespace

void bind_connection_operations(nb::class_<AsyncConnectionObject>& connection) {
  connection
      .def(
          "open_stream",
          [](nb::handle self, bool wait, bool early_data) {
            return open<kWaitBidirectionalCredit>(self, "Connection.open_stream", 0, wait, early_data);
          },
          nb::kw_only(), nb::arg("wait") = true, nb::arg("early_data") = false,
          nb::sig("def open_stream(self, *, wait: bool = True, early_data: bool = False) -> "
                  "collections.abc.Coroutine[typing.Any, typing.Any, msquic.asyncio.stream.Stream]"),
          "A new bidirectional stream.\n\n"
          "The peer limits how many may be open (RFC 9000 section 4.6). ``wait``: wait until it admits one more, in "
          "the\n"
          "order of the calls; else :class:`~msquic.StreamLimitReached` is raised at once. The peer learns of the "
          "stream\n"
          "with the first turn of the loop. ``early_data``: what is written before the handshake is complete goes out "
          "as\n"
          "0-RTT data, which an attacker can replay; it needs ``connect(ticket=…, early_data=True)``.\n\n"
          "Raises a :class:`~msquic.ConnectionFailed` when the connection is closed.")
      .def(
          "open_uni_stream",
          [](nb::handle self, bool wait, bool early_data) {
            return open<kWaitUnidirectionalCredit>(self, "Connection.open_uni_stream", kUnidirectional, wait,
                                                   early_data);
          },
          nb::kw_only(), nb::arg("wait") = true, nb::arg("early_data") = false,
          nb::sig("def open_uni_stream(self, *, wait: bool = True, early_data: bool = False) -> "
                  "collections.abc.Coroutine[typing.Any, typing.Any, msquic.asyncio.stream.Stream]"),
          "A new unidirectional stream, on which only this side sends; like :meth:`open_stream` otherwise.")
      .def(
          "accept_stream",
          [](nb::handle self) {
            return make_operation(self, "Connection.accept_stream", attempt_accept, forget<kWaitPeerStream>);
          },
          nb::sig("def accept_stream(self) -> collections.abc.Coroutine[typing.Any, typing.Any, "
                  "msquic.asyncio.stream.Stream]"),
          "The next stream that the peer opens, of either kind, in the order of their arrival.\n\n"
          "Raises a :class:`~msquic.ConnectionFailed` when the connection is closed and all were accepted.")
      .def(
          "_take_peer_stream",
          [](nb::handle self) { return nb::inst_ptr<AsyncConnectionObject>(self)->take_peer_stream(self); },
          nb::sig("def _take_peer_stream(self) -> msquic.asyncio.stream.Stream | None"),
          "The peer's next stream, None when there is none. Raises why none can come.")
      .def_prop_ro("_ended_in_order", &AsyncConnectionObject::ended_in_order)
      .def(
          "__anext__",
          [](nb::handle self) {
            return make_operation(self, "Connection.__anext__", attempt_next, forget<kWaitPeerStream>);
          },
          nb::sig("def __anext__(self) -> collections.abc.Coroutine[typing.Any, typing.Any, "
                  "msquic.asyncio.stream.Stream]"),
          "The next stream of the peer. The iteration ends when either side closed with code 0, else it raises why.")
      .def(
          "receive_datagram",
          [](nb::handle self) {
            return make_operation(self, "Connection.receive_datagram", attempt_datagram, forget<kWaitDatagram>);
          },
          nb::sig("def receive_datagram(self) -> collections.abc.Coroutine[typing.Any, typing.Any, bytes]"),
          "The oldest datagram that was received. Raises a :class:`~msquic.ConnectionFailed` when none can come.");
}

}  // namespace msquic_py::python
