#include "msquic_async_stream.h"

#include <nanobind/stl/string.h>

#include "msquic_arguments.h"
#include "msquic_errors.h"
#include "msquic_topics.h"

namespace msquic_py::python {
namespace {

void bind_reading(nb::class_<AsyncStreamObject>& stream) {
  stream
      .def(
          "_take_until",
          [](AsyncStreamObject& self, nb::handle separator, std::uint64_t most) {
            const HeldBuffer buffer(separator, "separator");
            bool overrun = false;
            nb::object taken = self.take_until(buffer.bytes(), most, overrun);
            return overrun ? nb::object(nb::none()) : taken;
          },
          nb::arg("separator"), nb::arg("most"),
          nb::sig("def _take_until(self, separator: bytes, most: int) -> bytes | asyncio.Future[None] | None"),
          "Up to and with `separator`; the rest at the end; a future to wait for when it is not here; None when it is "
          "not\n"
          "within `most`.")
      .def("at_eof", &AsyncStreamObject::at_eof, "Whether everything was read and the peer finished its direction.")
      .def(
          "stop",
          [](AsyncStreamObject& self, nb::handle code) { self.stop(unsigned_argument(code, "code", kLargestCode)); },
          nb::arg("code") = 0, nb::sig("def stop(self, code: int = 0) -> None"),
          "STOP_SENDING (RFC 9000 section 19.5) with the application's `code`, 0 to 2**62 - 1: nothing more is wanted, "
          "and what\n"
          "was not read is dropped. Raises InvalidState on a unidirectional stream that was opened here.");
}

void bind_writing(nb::class_<AsyncStreamObject>& stream) {
  stream
      .def("write", &AsyncStreamObject::write, nb::arg("data"),
           nb::sig("def write(self, data: typing_extensions.Buffer) -> None"),
           "Queues the bytes of any contiguous bytes-like object. Never waits: `await drain()` between writes.\n\n"
           "Up to 4 KiB are copied. More is not: it must not change, and a bytearray can't be resized, until it is "
           "acknowledged.\n"
           "What is written in one turn of the loop goes out together.\n\n"
           "Raises StreamStopped when the peer wants no more, InvalidState after write_eof() or reset(), a\n"
           "ConnectionFailed when the connection is over, BufferError when far more waits than drain() would allow.")
      .def("write_eof", &AsyncStreamObject::write_eof,
           "Ends this side's direction after what was written (FIN). May be called twice. Raises like write().")
      .def(
          "reset",
          [](AsyncStreamObject& self, nb::handle code) { self.reset(unsigned_argument(code, "code", kLargestCode)); },
          nb::arg("code") = 0, nb::sig("def reset(self, code: int = 0) -> None"),
          "RESET_STREAM (RFC 9000 section 19.4) with the application's `code`, 0 to 2**62 - 1: abandons this side's\n"
          "direction; what has not arrived may never do. Raises InvalidState on a unidirectional stream of the peer.")
      .def("_check_writable", &AsyncStreamObject::check_writable, "Raises why nothing can be written any more.")
      .def("_wait_writable", &AsyncStreamObject::wait_writable, nb::arg("level"),
           nb::sig("def _wait_writable(self, level: int) -> asyncio.Future[None] | None"),
           "A future for when at most `level` bytes are on the way; None when that is so already.");
}

}  // namespace

void bind_quic_async_stream(nb::module_& m) {
  nb::class_<AsyncStreamObject> stream(m, "AsyncStream", nb::type_slots(collectable_slots<AsyncStreamObject>),
                                       nb::is_weak_referenceable(), "The native part of msquic.asyncio.Stream.");
  bind_stream_operations(stream);
  bind_reading(stream);
  bind_writing(stream);
  stream
      .def_prop_rw(
          "priority", &AsyncStreamObject::priority,
          [](AsyncStreamObject& self, nb::handle priority) {
            self.set_priority(static_cast<std::uint16_t>(unsigned_argument(priority, "priority", 65535)));
          },
          nb::for_setter(nb::arg("priority").none()), nb::for_getter(nb::sig("def priority(self) -> int")),
          nb::for_setter(nb::sig("def priority(self, priority: int) -> None")),
          "0 (last) to 65535 (first) among the connection's streams; 32767 unless set.")
      .def_prop_ro("id", &AsyncStreamObject::id, "The stream ID (RFC 9000 section 2.1).")
      .def_prop_ro("is_local", &AsyncStreamObject::is_local, "Whether this side opened it.")
      .def_prop_ro("is_unidirectional", &AsyncStreamObject::is_unidirectional,
                   "Whether only the side that opened it sends.")
      .def_prop_ro("is_early_data", &AsyncStreamObject::is_early_data,
                   "Whether some of it came, or was asked to go, as 0-RTT data, which an attacker can replay.")
      .def_prop_ro(
          "_connection", [](const AsyncStreamObject& self) { return self.connection(); },
          nb::sig("def _connection(self, /) -> AsyncConnection"))
      .def("is_closing", &AsyncStreamObject::is_closing,
           "Whether nothing more is to be written nor read here: after close(), when the directions were finished, or "
           "when the\n"
           "connection is closing.")
      .def_prop_ro("_is_aborted_by_peer", &AsyncStreamObject::is_aborted_by_peer,
                   "Whether the peer reset its direction, or wants no more of this side's.")
      .def_prop_ro("_is_silent", &AsyncStreamObject::is_silent, "Whether nothing came yet that a reader would get.")
      .def("_finish", &AsyncStreamObject::finish,
           "What its handler has done is over: ends this side's direction, and wants no more of the peer's.")
      .def("_abort", &AsyncStreamObject::abort, nb::arg("code"), "Abandons the directions that are not finished.")
      .def("_wait_closed", &AsyncStreamObject::wait_closed,
           nb::sig("def _wait_closed(self) -> asyncio.Future[None] | None"),
           "A future for when both directions are over; None when they are already.")
      .def("_forget", &AsyncStreamObject::forget, nb::arg("future"),
           nb::sig("def _forget(self, future: asyncio.Future[None]) -> None"),
           "The coroutine that waited for `future` went away.")
      .def("__repr__", &AsyncStreamObject::describe);
}

}  // namespace msquic_py::python
