#include "msquic_async_channel.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "dispatch_thread.h"
#include "msquic_arguments.h"
#include "msquic_async_stream.h"
#include "msquic_async_waiters.h"
#include "msquic_errors.h"
#include "msquic_handler_slot.h"
#include "msquic_topics.h"
#include "quic/library.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

// Finished streams that are not kept for the end of the loop's turn: MsQuic's threads work on them meanwhile.
constexpr std::size_t kFlushed = 32;

}  // namespace

void AsyncQueue::push(Event event) noexcept {
  if (is_closed()) {
    Dispatcher::queue().push(std::move(event));
  } else {
    events_.push(std::move(event));
  }
}

void AsyncQueue::close() noexcept {
  if (closed_.exchange(true, std::memory_order_acq_rel)) return;
  // An interpreter that is ending starts no threads, and takes all memory with it.
  if (quic::Library::finalizing()) return;
  try {
    Dispatcher::ensure_running();
  } catch (nb::python_error&) {
    return;
  }
  std::vector<Event> left;
  while (events_.take(left)) {
    for (Event& event : left) Dispatcher::queue().push(std::move(event));
    left.clear();
  }
}

AsyncChannelObject::AsyncChannelObject(nb::object loop, nb::handle stream_type, nb::handle connection_type)
    : loop_(std::move(loop)), stream_type_(nb::borrow(stream_type)), connection_type_(nb::borrow(connection_type)) {}

AsyncChannelObject::~AsyncChannelObject() {
  if (!quic::Library::forked()) close();
}

void AsyncChannelObject::close() noexcept {
  if (std::exchange(closed_, true)) return;
  queue_->close();
  for (; next_ < batch_.size(); ++next_) Dispatcher::queue().push(std::move(batch_[next_]));
  release_all();
}

void AsyncChannelObject::add(AsyncLoopMember& member) noexcept {
  const nb::ft_lock_guard lock(members_mutex_);
  members_.push(member);
}

void AsyncChannelObject::remove(AsyncLoopMember& member) noexcept {
  const nb::ft_lock_guard lock(members_mutex_);
  members_.remove(member);
}

void AsyncChannelObject::end() noexcept {
  if (quic::Library::finalizing() || quic::Library::forked()) return;
  while (true) {
    AsyncLoopMember* member = nullptr;
    PyObject* object = nullptr;
    {
      const nb::ft_lock_guard lock(members_mutex_);
      member = members_.front();
      if (member == nullptr) break;
      members_.remove(*member);
      object = member->lock_object();
    }
    if (object == nullptr) continue;
    member->end_with_loop();
    Py_DECREF(object);
  }
  close();
}

void AsyncChannelObject::hold(AsyncHeld& object) noexcept {
  if (object.links().linked || closed_) return;
  Py_INCREF(object.self());
  held_.push(object);
}

void AsyncChannelObject::release(AsyncHeld& object) noexcept {
  if (!object.links().linked) return;
  held_.remove(object);
  Py_DECREF(object.self());
}

void AsyncChannelObject::release_all() noexcept {
  while (AsyncHeld* const object = held_.front()) release(*object);
}

void AsyncChannelObject::check_thread() const {
  if (std::this_thread::get_id() == thread_) return;
  PyErr_SetString(PyExc_RuntimeError,
                  "this object belongs to another asyncio loop: use it on the loop where it was made (from other "
                  "threads, with loop.loop_threadsafe)");
  throw nb::python_error();
}

void AsyncChannelObject::check_loop() const {
  check_thread();
  const nb::object running = nb::module_::import_("asyncio").attr("_get_running_loop")();
  if (running.is(loop())) return;
  PyErr_SetString(PyExc_RuntimeError,
                  "this object belongs to another asyncio loop: use it on the loop where it was made");
  throw nb::python_error();
}

void AsyncChannelObject::dispatch(nb::handle ready, std::size_t limit) {
  ready_ = ready.is_none() ? nullptr : ready.ptr();
  try {
    deliver(limit);
  } catch (...) {
    ready_ = nullptr;
    throw;
  }
  ready_ = nullptr;
}

void AsyncChannelObject::deliver(std::size_t limit) {
  EventQueue& events = queue_->events();
  events.wakeup().clear();
  while (limit != 0) {
    if (next_ == batch_.size()) {
      batch_.clear();
      next_ = 0;
      if (!events.take(batch_)) return;  // the next push signals
    }
    for (; limit != 0 && next_ != batch_.size(); --limit) {
      const Event event = std::move(batch_[next_++]);
      try {
        event.target->dispatch(event);
      } catch (...) {
        events.wakeup().signal();  // for the rest of the batch
        throw;
      }
    }
  }
  events.wakeup().signal();  // the loop's other work comes first
}

nb::object AsyncChannelObject::loop() const {
  nb::object loop = loop_();
  if (!loop.is_none()) return loop;
  PyErr_SetString(PyExc_RuntimeError, "the asyncio loop of this object is gone");
  throw nb::python_error();
}

nb::object AsyncChannelObject::create_future() const {
  nb::object future = nb::steal(PyObject_CallMethodObjArgs(loop().ptr(), future_names().create_future, nullptr));
  if (!future.is_valid()) nb::raise_python_error();
  return future;
}

void AsyncChannelObject::mark_dirty(AsyncStreamObject& stream) {
  if (dirty_.empty()) {
    const nb::object self = nb::find(*this);
    loop().attr("call_soon")(self.attr("flush"));
  }
  dirty_.push_back(nb::borrow(stream.self()));
  if (dirty_.size() >= kFlushed) flush_finished();
}

void AsyncChannelObject::flush_finished() {
  // Up to the first that goes on: streams start in the order in which they were opened.
  const auto goes_on = std::find_if_not(dirty_.begin(), dirty_.end(), [](const nb::object& stream) {
    return nb::inst_ptr<AsyncStreamObject>(stream)->is_finished();
  });
  const std::vector<nb::object> streams(std::make_move_iterator(dirty_.begin()), std::make_move_iterator(goes_on));
  dirty_.erase(dirty_.begin(), goes_on);
  for (const nb::object& stream : streams) nb::inst_ptr<AsyncStreamObject>(stream)->flush();
}

void AsyncChannelObject::flush() {
  std::vector<nb::object> streams;
  streams.swap(dirty_);
  for (const nb::object& stream : streams) nb::inst_ptr<AsyncStreamObject>(stream)->flush();
  streams.clear();  // may run Python code that writes to a stream
  if (dirty_.capacity() == 0) dirty_.swap(streams);
}

int AsyncChannelObject::traverse(visitproc visit, void* arg) const {
  Py_VISIT(loop_.ptr());
  Py_VISIT(stream_type_.ptr());
  Py_VISIT(connection_type_.ptr());
  for (AsyncHeld* object = held_.front(); object != nullptr; object = held_.next(*object)) Py_VISIT(object->self());
  for (const nb::object& stream : dirty_) Py_VISIT(stream.ptr());
  return 0;
}

void AsyncChannelObject::clear_references() noexcept {
  loop_.reset();
  std::vector<nb::object> streams;
  streams.swap(dirty_);
  release_all();
}

void bind_quic_async_channel(nb::module_& m) {
  future_names();  // not by two threads that wait for each other
  nb::class_<AsyncChannelObject>(m, "AsyncChannel", nb::type_slots(collectable_slots<AsyncChannelObject>),
                                 nb::is_weak_referenceable(),
                                 "The native end of one asyncio loop: its queue of events, and the streams that have "
                                 "something to send.")
      .def(
          "__init__",
          [](AsyncChannelObject* self, nb::object loop, nb::handle stream_type, nb::handle connection_type) {
            ensure_usable();
            new (self) AsyncChannelObject(std::move(loop), stream_type, connection_type);
          },
          nb::arg("loop"), nb::arg("stream_type"), nb::arg("connection_type"),
          nb::sig(
              "def __init__(self, loop: collections.abc.Callable[[], asyncio.AbstractEventLoop | None], stream_type: "
              "type[AsyncStream], connection_type: type[AsyncConnection]) -> None"),
          "`loop`: a weak reference to it.")
      .def_prop_ro(
          "file_descriptor", [](AsyncChannelObject& self) { return self.queue()->events().wakeup().file_descriptor(); },
          "Readable when events wait; -1 where the system has no such thing, see wait().")
      .def(
          "wait",
          [](AsyncChannelObject& self, double seconds) {
            const std::shared_ptr<AsyncQueue> queue = self.queue();
            const auto timeout = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000.0));
            const nb::gil_scoped_release released;
            return queue->events().wakeup().wait(timeout);
          },
          nb::arg("seconds"), "Waits on a thread of its own for events; False when none came.")
      .def("dispatch", &AsyncChannelObject::dispatch, nb::arg("ready").none(), nb::arg("limit") = 256,
           nb::sig(
               "def dispatch(self, ready: list[tuple[contextvars.Context, typing.Any, asyncio.Future[None]]] | None, "
               "limit: int = 256) -> None"),
           "Delivers at most `limit` events; called by the loop when file_descriptor is readable. Appends\n"
           "(context, callback, future) to `ready` for each callback of a future that is done now, which the caller "
           "runs;\n"
           "with None the loop does.")
      .def("flush", &AsyncChannelObject::flush, "Sends what streams have written since the last flush.")
      .def("check_thread", &AsyncChannelObject::check_thread, "Raises RuntimeError on another thread than the loop's.")
      .def("check_loop", &AsyncChannelObject::check_loop, "Raises RuntimeError when another loop runs.")
      .def("end", &AsyncChannelObject::end,
           "The loop was closed: what nobody closed before ends with it, and with a ResourceWarning.")
      .def("close", &AsyncChannelObject::close, "The loop is over.");
}

}  // namespace msquic_py::python
