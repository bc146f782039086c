#pragma once

#include <Python.h>
#include <nanobind/nanobind.h>

namespace msquic_py::python {

/// Keeps the methods of a Python object on other threads out while the dispatcher's thread is at work on it, or another
/// object is. A critical section (PEP 703): when the thread waits, it lets go and takes it again afterwards, so that
/// there is no order in which objects must be locked, and nothing may be remembered across a call of Python.
///
/// Nothing at all where the GIL does this.
class ObjectLock {
 public:
#if defined(NB_FREE_THREADED)
  explicit ObjectLock(nanobind::handle object) noexcept : object_(object.ptr()) { lock(); }
  ~ObjectLock() {
    // Not when the interpreter ends this thread, which has nothing left then to unlock it with.
    if (locked_ && PyThreadState_GetUnchecked() != nullptr) unlock();
  }
  void lock() noexcept {
    PyCriticalSection_Begin(&section_, object_);
    locked_ = true;
  }
  void unlock() noexcept {
    locked_ = false;
    PyCriticalSection_End(&section_);
  }
#else
  explicit ObjectLock(nanobind::handle) noexcept {}
  void lock() noexcept {}
  void unlock() noexcept {}
#endif
  ObjectLock(const ObjectLock&) = delete;
  ObjectLock& operator=(const ObjectLock&) = delete;

#if defined(NB_FREE_THREADED)
 private:
  PyObject* object_;
  PyCriticalSection section_{};
  bool locked_ = false;
#endif
};

}  // namespace msquic_py::python
