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
  if (!is_done(future)) {
    PyObject* const told = PyObject_CallMethodObjArgs(future, name, result == nullptr ? Py_None : result, nullptr);
    if (told == nullptr) PyErr_WriteUnraisable(future);  // the loop is closed
    Py_XDECREF(told);
  }
  Py_DECREF(future);
}

void AsyncWaiters::wake(std::size_t count) noexcept {
  while (count != 0 && !futures_.empty()) {
    PyObject* const future = futures_.front();
    futures_.pop_front();
    if (!is_done(future)) --count;
    settle_future(future);
  }
}

void AsyncWaiters::forget(nanobind::handle future) noexcept {
  const auto found = std::find(futures_.begin(), futures_.end(), future.ptr());
  if (found == futures_.end()) return;
  futures_.erase(found);
  future.dec_ref();
}

bool AsyncWaiters::has_waiting() noexcept {
  while (!futures_.empty() && is_done(futures_.front())) {
    PyObject* const future = futures_.front();
    futures_.pop_front();
    Py_DECREF(future);
  }
  return !futures_.empty();
}

void AsyncWaiters::clear() noexcept {
  std::deque<PyObject*> futures;
  futures.swap(futures_);
  for (PyObject* const future : futures) Py_DECREF(future);
}

}  // namespace msquic_py::python
