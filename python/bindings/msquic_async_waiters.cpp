#include "msquic_async_waiters.h"

#include <algorithm>
#include <utility>

namespace msquic_py::python {
namespace {

bool is_done(PyObject* future) noexcept {
  static PyObject* const name = PyUnicode_InternFromString("done");  // kept for the life of the process
  PyObject* const done = PyObject_CallMethodObjArgs(future, name, nullptr);
  if (done == nullptr) PyErr_WriteUnraisable(future);
  Py_XDECREF(done);
  return done != Py_False;
}

}  // namespace

void settle_future(PyObject* future, PyObject* result) noexcept {
  if (future == nullptr) return;
  static PyObject* const name = PyUnicode_InternFromString("set_result");
  PyObject* const told = PyObject_CallMethodObjArgs(future, name, result == nullptr ? Py_None : result, nullptr);
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

void AsyncWaiters::wake(std::size_t count) noexcept {
  while (count != 0 && first_ != nullptr) {
    PyObject* const future = take_first();
    if (!is_done(future)) --count;
    settle_future(future);
  }
}

void AsyncWaiters::wake_all() noexcept {
  PyObject* const first = std::exchange(first_, nullptr);
  if (others_.empty()) return settle_future(first);
  std::vector<PyObject*> others;
  others.swap(others_);
  settle_future(first);
  for (PyObject* const future : others) settle_future(future);
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
