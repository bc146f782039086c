#include "object_lock.h"

#include "dispatch_exit.h"

#if defined(NB_FREE_THREADED)
#undef PyCriticalSection2_Begin
extern "C" void PyCriticalSection2_Begin(PyCriticalSection2* section, PyObject* first, PyObject* second);

// What nanobind's locks call in place of the function of CPython, see CMakeLists.txt: a thread that the interpreter
// ends while it waits here is not unwound through them.
extern "C" void msquic_py_lock_begin(PyCriticalSection2* section, PyObject* first, PyObject* second) {
  const msquic_py::python::StaysAtExit here;
  PyCriticalSection2_Begin(section, first, second);
}
#endif
