#include "msquic_stream.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "dispatch_exit.h"
#include "locked_class.h"
#include "msquic_arguments.h"
#include "msquic_errors.h"
#include "msquic_flags.h"
#include "msquic_statistics.h"
#include "msquic_topics.h"

namespace msquic_py::python {
namespace {

constexpr unsigned kStartFlags =
    stream_start_flag::kImmediate | stream_start_flag::kFailBlocked | stream_start_flag::kShutdownOnFail;
constexpr unsigned kSendFlags = send_flag::kAllowZeroRtt | send_flag::kStart | send_flag::kFin | send_flag::kDelaySend;

template <StreamEvent Which>
void set_handler(StreamObject& self, nb::handle handler) {
  ensure_usable();
  self.set_handler(Which, handler);
}

void bind_handlers(LockedClass<StreamObject>& stream) {
  stream
      .def("set_on_receive", set_handler<kReceive>, nb::arg("handler").none(),
           nb::sig("def set_on_receive(self, handler: collections.abc.Callable[[bytes, bool], object] | None) -> None"),
           "`handler(data: bytes, fin: bool)`: bytes in order, adjacent arrivals joined; `fin` with the last ones, "
           "which may be\n"
           "b\"\". What came before the handler was set comes then; meanwhile, and when the handler is slow, flow "
           "control\n"
           "holds the peer back.")
      .def(
          "set_on_send_complete", set_handler<kSendComplete>, nb::arg("handler").none(),
          nb::sig("def set_on_send_complete(self, handler: collections.abc.Callable[[bool], object] | "
                  "collections.abc.Callable[[], object] | None) -> None"),
          "`handler()` or `handler(canceled: bool)`, once per send(), in order: the data is no longer used. With\n"
          "send_buffering_enabled (the default) that says nothing about delivery, without it the peer acknowledged it.")
      .def("set_on_shutdown_complete", set_handler<kStreamShutdownComplete>, nb::arg("handler").none(),
           nb::sig(
               "def set_on_shutdown_complete(self, handler: collections.abc.Callable[[bool], object] | None) -> None"),
           "`handler(app_close_in_progress: bool)`: the stream is over, the last event. True when close() ended it.")
      .def("set_on_peer_send_aborted", set_handler<kPeerSendAborted>, nb::arg("handler").none(),
           nb::sig(
               "def set_on_peer_send_aborted(self, handler: collections.abc.Callable[[int], object] | None) -> None"),
           "`handler(code: int)`: RESET_STREAM; the peer abandoned its direction, after the data delivered so far.")
      .def(
          "set_on_peer_receive_aborted", set_handler<kPeerReceiveAborted>, nb::arg("handler").none(),
          nb::sig(
              "def set_on_peer_receive_aborted(self, handler: collections.abc.Callable[[int], object] | None) -> None"),
          "`handler(code: int)`: STOP_SENDING; the peer wants no more data.")
      .def("set_on_start_complete", set_handler<kStartComplete>, nb::arg("handler").none(),
           nb::sig("def set_on_start_complete(self, handler: collections.abc.Callable[[msquic.exceptions.QuicError | "
                   "None], object] | None) -> None"),
           "`handler(error: QuicError | None)`: the stream has its id, or could not start, e.g. StreamLimitReached.")
      .def("set_on_peer_accepted", set_handler<kPeerAccepted>, nb::arg("handler").none(),
           nb::sig("def set_on_peer_accepted(self, handler: collections.abc.Callable[[int], object] | None) -> None"),
           "`handler(stream_id: int)`: the peer's stream limit admits the stream; at once unless it had to wait. Of "
           "those that\n"
           "had to, only streams that were started with start() are told.")
      .def("set_on_send_shutdown_complete", set_handler<kSendShutdownComplete>, nb::arg("handler").none(),
           nb::sig("def set_on_send_shutdown_complete(self, handler: collections.abc.Callable[[bool], object] | None) "
                   "-> None"),
           "`handler(graceful: bool)`: this side's direction is over; True when the peer acknowledged everything up to "
           "FIN.")
      .def("set_on_ideal_send_buffer", set_handler<kIdealSendBuffer>, nb::arg("handler").none(),
           nb::sig("def set_on_ideal_send_buffer(self, handler: collections.abc.Callable[[int], object] | None) -> "
                   "None"),
           "`handler(size: int)`: how many bytes should be outstanding to keep the path full. It grows with the\n"
           "congestion window.");
}

}  // namespace

void bind_quic_stream(nb::module_& m) {
  LockedClass<StreamObject> stream(
      m, "Stream", nb::type_slots(collectable_slots<StreamObject>), nb::is_weak_referenceable(),
      "A QUIC stream, from Connection.open_stream() or from the handler for the peer's streams.\n\n"
      "Its connection holds it from the start until it is over, so it need not be stored. All methods may be called "
      "on\n"
      "any thread and in handlers, and do not block. Handlers run on the library's thread, never two at a time.");
  stream
      .def(
          "start",
          [](StreamObject& self, nb::handle flags) {
            self.start(native_start_flags(flags_argument(flags, "flags", kStartFlags)));
          },
          nb::arg("flags").none() = 0,
          nb::sig("def start(self, flags: msquic.enums.StreamStartFlags = msquic.enums.StreamStartFlags.NONE) -> None"),
          "Starts a stream from open_stream(), also before the connection is connected. Raises InvalidState when it "
          "is\n"
          "started, ClosedHandle when it is closed. Whether the peer admits it shows in on_start_complete.")
      .def(
          "send",
          [](StreamObject& self, nb::handle data, nb::handle flags) {
            self.send(data, flags_argument(flags, "flags", kSendFlags));
          },
          nb::arg("data").none(), nb::arg("flags").none() = 0,
          nb::sig("def send(self, data: typing_extensions.Buffer, flags: msquic.enums.SendFlags = "
                  "msquic.enums.SendFlags.NONE) -> None"),
          "Queues the bytes of any contiguous bytes-like object, at most 4 GiB - 1, without copying them: they must "
          "not\n"
          "change until on_send_complete, and a bytearray cannot be resized meanwhile. SendFlags.FIN ends the "
          "direction.\n\n"
          "There is no limit to what can be queued: wait for on_send_complete before sending much more than the peer\n"
          "takes. Raises ClosedHandle when the stream is over, InvalidState when it is not started or was finished.")
      .def(
          "shutdown",
          [](StreamObject& self, nb::handle flags, nb::handle error_code) {
            ensure_usable();
            self.shutdown(flags_argument(flags, "flags",
                                         stream_shutdown_flag::kGraceful | stream_shutdown_flag::kAbort |
                                             stream_shutdown_flag::kImmediate),
                          unsigned_argument(error_code, "error_code", kLargestCode));
          },
          nb::arg("flags").none(), nb::arg("error_code").none() = 0,
          nb::sig("def shutdown(self, flags: msquic.enums.StreamShutdownFlags, error_code: int = 0) -> None"),
          "Ends directions: GRACEFUL finishes sending, ABORT_SEND and ABORT_RECEIVE break off with the application's\n"
          "`error_code`, 0 to 2**62 - 1. Nothing happens when the stream is over. Raises InvalidArgument for other "
          "flags.")
      .def("close", &StreamObject::close,
           "Gives the stream up: directions that are not finished are aborted with code 0. on_shutdown_complete(True) "
           "is\n"
           "the only event that still follows. May be called twice, and in any handler.")
      .def(
          "set_priority",
          [](StreamObject& self, nb::handle priority) {
            or_raise(
                self.stream().set_priority(static_cast<std::uint16_t>(unsigned_argument(priority, "priority", 65535))));
          },
          nb::arg("priority").none(), nb::sig("def set_priority(self, priority: int) -> None"),
          "0 (last) to 65535 (first) among the connection's streams; 32767 unless set.")
      .def(
          "statistics",
          [](StreamObject& self) {
            ensure_usable();
            quic::Stream native = self.stream();
            return statistics_object(or_raise(without_gil([&] { return native.statistics(); })));
          },
          nb::sig("def statistics(self) -> msquic.statistics.StreamStatistics"),
          "What held sending back so far. May block until MsQuic's worker is free. Raises InvalidState before the "
          "start,\n"
          "ClosedHandle when the stream is over.")
      .def_prop_ro("id", &StreamObject::id, nb::sig("def id(self, /) -> int | None"),
                   "The stream ID of RFC 9000 section 2.1; None before the stream is started.")
      .def_prop_ro(
          "connection", [](const StreamObject& self) { return self.connection(); },
          nb::sig("def connection(self, /) -> Connection"), "The connection that carries the stream.")
      .def_prop_ro(
          "is_early_data", [](const StreamObject& self) { return self.is_early_data(); },
          "Servers: whether some of the stream so far came as 0-RTT data, which an attacker can replay. A delivery may "
          "mix\n"
          "early data with later data: treat all of the stream as early then.")
      .def_prop_ro(
          "is_closed", [](const StreamObject& self) { return self.is_closed() || self.is_over(); },
          "Whether the stream is over or was closed.")
      .def(
          "__enter__", [](nb::handle self) { return nb::borrow<nb::object>(self); },
          nb::sig("def __enter__(self) -> typing.Self"))
      .def(
          "__exit__", [](StreamObject& self, nb::args) { self.close(); },
          nb::sig("def __exit__(self, *args: object) -> None"))
      .def("__repr__", &StreamObject::describe);
  bind_handlers(stream);
}

}  // namespace msquic_py::python
