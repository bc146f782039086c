// The coroutines of msquic.asyncio.Stream.
#include "msquic_arguments.h"
#include "msquic_async_operation.h"
#include "msquic_async_stream.h"
#include "msquic_errors.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

constexpr std::int64_t kChunk = 1024 * 1024;
constexpr std::uint64_t kLargestRead = std::uint64_t{1} << 40;

AsyncStreamObject& stream_of(const AsyncOperation& operation) {
  return *nb::inst_ptr<AsyncStreamObject>(nb::handle(operation.owner));
}

void forget(AsyncOperation& operation) { stream_of(operation).forget(operation.future); }

/// Bytes are what the operation gives, a future what it waits for.
PyObject* bytes_or_wait(AsyncOperation& operation, nb::object taken) {
  if (PyBytes_Check(taken.ptr())) return taken.release().ptr();
  operation.future = taken.release().ptr();
  return nullptr;
}

PyObject* attempt_read(AsyncOperation& operation) {
  return bytes_or_wait(operation, stream_of(operation).take(static_cast<std::uint64_t>(operation.argument)));
}

PyObject* attempt_all(AsyncOperation& operation) {
  return bytes_or_wait(operation, stream_of(operation).take_all(static_cast<std::uint64_t>(operation.argument)));
}

PyObject* attempt_next(AsyncOperation& operation) {
  nb::object taken = stream_of(operation).take(kChunk);
  if (!PyBytes_Check(taken.ptr()) || PyBytes_Size(taken.ptr()) != 0) {
    return bytes_or_wait(operation, std::move(taken));
  }
  PyErr_SetNone(PyExc_StopAsyncIteration);
  return nullptr;
}

PyObject* attempt_exactly(AsyncOperation& operation) {
  nb::object taken = stream_of(operation).take_exactly(static_cast<std::uint64_t>(operation.argument));
  if (!PyBytes_Check(taken.ptr()) || PyBytes_Size(taken.ptr()) == operation.argument) {
    return bytes_or_wait(operation, std::move(taken));
  }
  const nb::object type = nb::module_::import_("asyncio").attr("IncompleteReadError");
  PyErr_SetObject(type.ptr(), type(taken, operation.argument).ptr());
  return nullptr;
}

PyObject* attempt_drain(AsyncOperation& operation) {
  AsyncStreamObject& stream = stream_of(operation);
  stream.check_writable();
  while (stream.needs_drain()) {
    nb::object future = stream.wait_writable(stream.write_level() / 2);
    if (!future.is_none()) {
      operation.future = future.release().ptr();
      return nullptr;
    }
    stream.check_writable();
  }
  return Py_NewRef(Py_None);
}

}  // namespace

void bind_stream_operations(nb::class_<AsyncStreamObject>& stream) {
  stream
      .def(
          "read",
          [](nb::handle self, std::int64_t n, nb::handle limit) {
            if (n >= 0) return make_operation(self, "Stream.read", attempt_read, forget, n);
            const std::uint64_t most = limit.is_none() ? kLargestRead : unsigned_argument(limit, "limit", kLargestRead);
            return make_operation(self, "Stream.read", attempt_all, forget, static_cast<std::int64_t>(most));
          },
          nb::arg("n") = -1, nb::kw_only(), nb::arg("limit") = nb::none(),
          nb::sig("def read(self, n: int = -1, *, limit: int | None = None) -> "
                  "collections.abc.Coroutine[typing.Any, typing.Any, bytes]"),
          "At most ``n`` bytes, at least one; ``b\"\"`` when the peer finished and everything was read.\n\n"
          "Without ``n``, everything up to the end: at most ``limit`` bytes, if that is given. When the peer sends "
          "more, "
          ":class:`asyncio.LimitOverrunError` is raised, whose ``consumed`` says how many bytes are there; they can "
          "still be\n"
          "read.")
      .def(
          "readexactly",
          [](nb::handle self, nb::handle n) {
            return make_operation(self, "Stream.readexactly", attempt_exactly, forget,
                                  static_cast<std::int64_t>(unsigned_argument(n, "n", kLargestRead)));
          },
          nb::arg("n"),
          nb::sig("def readexactly(self, n: int) -> collections.abc.Coroutine[typing.Any, typing.Any, bytes]"),
          "``n`` bytes.\n\n"
          "Raises :class:`asyncio.IncompleteReadError`, with what there was, when the peer finishes before.")
      .def(
          "__anext__", [](nb::handle self) { return make_operation(self, "Stream.__anext__", attempt_next, forget); },
          nb::sig("def __anext__(self) -> collections.abc.Coroutine[typing.Any, typing.Any, bytes]"),
          "The bytes that are there, at most 1 MiB, at least one; the iteration ends when the peer finished.")
      .def(
          "drain", [](nb::handle self) { return make_operation(self, "Stream.drain", attempt_drain, forget); },
          nb::sig("def drain(self) -> collections.abc.Coroutine[typing.Any, typing.Any, None]"),
          "Waits until there is room for more; see **Back-pressure**. Several coroutines may wait.\n\n"
          "Raises what ``write()`` would raise.");
}

}  // namespace msquic_py::python
