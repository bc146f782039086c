#pragma once

#include <Python.h>

#include "object_lock.h"

namespace msquic_py::python {

// A contiguous buffer of a Python object, and its end. Python 3.13 counts the views of a bytearray without a lock, so
// where there is no GIL this library's own at least must not do so at the same time.

/// 0, or -1 with a Python error set.
inline int acquire_buffer(PyObject* object, Py_buffer& view) noexcept {
  const ObjectLock lock(object);
  return PyObject_GetBuffer(object, &view, PyBUF_SIMPLE);
}

inline void release_buffer(Py_buffer& view) noexcept {
#if defined(NB_FREE_THREADED)
  PyObject* const object = view.obj;
  Py_INCREF(object);  // until it is unlocked
  {
    const ObjectLock lock(object);
    PyBuffer_Release(&view);
  }
  Py_DECREF(object);
#else
  PyBuffer_Release(&view);
#endif
}

}  // namespace msquic_py::python
