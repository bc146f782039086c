#include "dispatch_thread.h"

#include <nanobind/nanobind.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "quic/library.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

// Never destroyed: threads of MsQuic may still push while the process ends.
struct DispatcherState {
  EventQueue queue;
  std::vector<Event> batch;  // not on the stack, which may be unwound; see EventTarget::dispatch()
  std::atomic<bool> started{false};
  std::atomic<bool> stopping{false};
  std::atomic<bool> forked{false};
  std::atomic<std::thread::id> thread{};
  std::mutex mutex;
  std::condition_variable finished_changed;
  bool finished = false;
};

std::atomic<DispatcherState*>& current() noexcept {
  static std::atomic<DispatcherState*> instance{new DispatcherState};
  return instance;
}

DispatcherState& state() noexcept { return *current().load(std::memory_order_acquire); }

void drain(DispatcherState& dispatcher) {
  while (!dispatcher.stopping.load(std::memory_order_acquire) && dispatcher.queue.take(dispatcher.batch)) {
    for (Event& event : dispatcher.batch) {
      if (dispatcher.stopping.load(std::memory_order_acquire)) return;  // the rest of the batch is left behind
      event.target->dispatch(event);
      event.target.reset();
    }
    dispatcher.batch.clear();
  }
}

// Without the GIL for ever: the interpreter may be ending, and must not be asked for it again.
[[noreturn]] void park(DispatcherState& dispatcher) {
  {
    const std::lock_guard lock(dispatcher.mutex);
    dispatcher.finished = true;
  }
  dispatcher.finished_changed.notify_all();
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

PyObject* run(PyObject*, PyObject*) {
  DispatcherState& dispatcher = state();
  dispatcher.thread = std::this_thread::get_id();
  while (true) {
    drain(dispatcher);
    if (dispatcher.forked.load()) Py_RETURN_NONE;  // a handler forked, and this is all that there is of the child
    PyThreadState* const thread_state = PyEval_SaveThread();
    if (!dispatcher.stopping.load(std::memory_order_acquire)) dispatcher.queue.wakeup().wait();
    if (dispatcher.stopping.load(std::memory_order_acquire)) park(dispatcher);
    PyEval_RestoreThread(thread_state);
  }
}

PyMethodDef run_method = {"run", run, METH_NOARGS, "Runs the handlers of the callback API until the interpreter ends."};

}  // namespace

EventQueue& Dispatcher::queue() noexcept { return state().queue; }

void Dispatcher::ensure_running() {
  DispatcherState& dispatcher = state();
  if (dispatcher.started.exchange(true)) return;
  try {
    // Not a function of nanobind: its frames could not be unwound when the interpreter ends.
    const nb::object target = nb::steal(PyCFunction_New(&run_method, nullptr));
    if (!target.is_valid()) nb::raise_python_error();
    const nb::object thread =
        nb::module_::import_("threading")
            .attr("Thread")(nb::arg("target") = target, nb::arg("name") = "msquic-handlers", nb::arg("daemon") = true);
    thread.attr("start")();
  } catch (...) {
    dispatcher.started = false;
    throw;
  }
}

void Dispatcher::stop(std::chrono::milliseconds grace) {
  DispatcherState& dispatcher = state();
  dispatcher.queue.close();
  dispatcher.stopping.store(true, std::memory_order_release);
  if (!dispatcher.started || dispatcher.forked || is_current_thread()) return;
  dispatcher.queue.wakeup().signal();
  PyThreadState* const thread_state = PyEval_SaveThread();
  {
    std::unique_lock lock(dispatcher.mutex);
    dispatcher.finished_changed.wait_for(lock, grace, [&] { return dispatcher.finished; });
  }
  PyEval_RestoreThread(thread_state);
}

void Dispatcher::after_fork_in_child() noexcept {
  state().forked = true;
  state().stopping.store(true, std::memory_order_release);
  if (!quic::Library::forked()) current().store(new DispatcherState, std::memory_order_release);
}

bool Dispatcher::is_current_thread() noexcept { return state().thread.load() == std::this_thread::get_id(); }

void report_handler_error(PyObject* handler) {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr && value != nullptr) PyException_SetTraceback(value, traceback);
  PyObject* const module = PyImport_ImportModule("msquic._handlers");
  PyObject* const done =
      module == nullptr ? nullptr : PyObject_CallMethod(module, "log_handler_error", "OO", handler, value);
  if (done == nullptr) PyErr_Clear();
  Py_XDECREF(done);
  Py_XDECREF(module);
  PyErr_Restore(type, value, traceback);
  PyErr_WriteUnraisable(handler);
}

PyObject* call_handler_for_result(PyObject* handler, PyObject* const* arguments, std::size_t count) {
  std::array<PyObject*, 4> stack{};  // the first place is the callee's to use
  bool complete = true;
  for (std::size_t i = 0; i < count; ++i) {
    stack[i + 1] = arguments[i];
    complete = complete && arguments[i] != nullptr;
  }
  PyObject* const result =
      complete ? PyObject_Vectorcall(handler, stack.data() + 1, count | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr)
               : nullptr;
  for (std::size_t i = 0; i < count; ++i) Py_XDECREF(arguments[i]);
  if (result == nullptr) report_handler_error(handler);
  return result;
}

bool call_handler(PyObject* handler, PyObject* const* arguments, std::size_t count) {
  PyObject* const result = call_handler_for_result(handler, arguments, count);
  if (result == nullptr) return false;
  Py_DECREF(result);
  return true;
}

}  // namespace msquic_py::python
