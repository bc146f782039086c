#include "msquic_async_waiters.h"

#include <algorithm>
#include <utility>

namespace msquic_py::python {

const FutureNames& future_names() noexcept {
  static const FutureNames names{PyUnicode_InternFromString("create_future"), PyUnicode_InternFromString("done"),
                                 PyUnicode_InternFromString("set_result"), PyUnicode_InternFromString("_callbacks"),
                                 PyUnicode_InternFromString("remove_done_callback")};
  return names;
}

namespace {

bool is_done(PyObject* future) noexcept {
  PyObject* const done = PyObject_CallMethodObjArgs(future, future_names().done, nullptr);
  if (done == nullptr) PyErr_WriteUnraisable(future);
  Py_XDECREF(done);
  return done != Py_False;
}

/// Moves the callbacks of `future` behind `ready`. Whatever is in the way, they stay, and the loop runs them.
void collect_callbacks(PyObject* future, PyObject* ready) noexcept {
  PyObject* const callbacks = PyObject_GetAttr(future, future_names().callbacks);  // (callback, context), or None
  if (callbacks == nullptr) return PyErr_Clear();                                  // not one of asyncio's
  const Py_ssize_t count = PyList_Check(callbacks) ? PyList_Size(callbacks) : 0;
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* const pair = PyList_GetItem(callbacks, i);
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2) break;
    PyObject* const callback = PyTuple_GetItem(pair, 0);
    PyObject* const entry = PyTuple_Pack(3, PyTuple_GetItem(pair, 1), callback, future);
    PyObject* const removed =
        entry == nullptr ? nullptr
                         : PyObject_CallMethodObjArgs(future, future_names().remove_done_callback, callback, nullptr);
    if (removed == nullptr || PyList_Append(ready, entry) != 0) PyErr_WriteUnraisable(future);
    Py_XDECREF(removed);
    Py_XDECREF(entry);
  }
  Py_DECREF(callbacks);
}

}  // namespace

void settle_future(PyObject* future, PyObject* result, PyObject* ready) noexcept {
  if (future == nullptr) return;
  if (ready != nullptr) collect_callbacks(future, ready);
  PyObject* const told =
      PyObject_CallMethodObjArgs(future, future_names().set_result, result == nullptr ? Py_None : result, nullptr);
  if (told == nullptr) {
    // Asking first whether it is done would cost every future for the few that were cancelled.
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    if (is_done(future)) {
      Py_XDECREF(type);
      Py_XDECREF(value);
      Py_XDECREF(traceback);
    } else {
      PyErr_Restore(type, value, traceback);
      PyErr_WriteUnraisable(future);  // the loop is closed
    }
  }
  Py_XDECREF(told);
  Py_DECREF(future);
}

void AsyncWaiters::add(nanobind::handle future) {
  if (first_ == nullptr) {
    first_ = future.inc_ref().ptr();
  } else {
    others_.push_back(future.ptr());
    future.inc_ref();
  }
}

PyObject* AsyncWaiters::take_first() noexcept {
  PyObject* const future = std::exchange(first_, nullptr);
  if (!others_.empty()) {
    first_ = others_.front();
    others_.erase(others_.begin());
  }
  return future;
}

void AsyncWaiters::wake(std::size_t count, PyObject* ready) noexcept {
  while (count != 0 && first_ != nullptr) {
    PyObject* const future = take_first();
    if (!is_done(future)) --count;
    settle_future(future, nullptr, ready);
  }
}

void AsyncWaiters::wake_all(PyObject* ready) noexcept {
  PyObject* const first = std::exchange(first_, nullptr);
  if (others_.empty()) return settle_future(first, nullptr, ready);
  std::vector<PyObject*> others;
  others.swap(others_);
  settle_future(first, nullptr, ready);
  for (PyObject* const future : others) settle_future(future, nullptr, ready);
}

void AsyncWaiters::forget(nanobind::handle future) noexcept {
  if (first_ == future.ptr()) {
    Py_DECREF(take_first());
    return;
  }
  const auto found = std::find(others_.begin(), others_.end(), future.ptr());
  if (found == others_.end()) return;
  others_.erase(found);
  future.dec_ref();
}

bool AsyncWaiters::has_waiting() noexcept {
  while (first_ != nullptr && is_done(first_)) Py_DECREF(take_first());
  return first_ != nullptr;
}

void AsyncWaiters::clear() noexcept {
  PyObject* const first = std::exchange(first_, nullptr);
  std::vector<PyObject*> others;
  others.swap(others_);
  Py_XDECREF(first);
  for (PyObject* const future : others) Py_DECREF(future);
}

}  // namespace msquic_py::python
