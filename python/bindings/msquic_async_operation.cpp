#include "msquic_async_operation.h"

#include <exception>
#include <new>
#include <utility>

#include "msquic_topics.h"
#include "object_lock.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

// Kept for the life of the process.
PyTypeObject* operation_type = nullptr;
PyObject* blocking_name = nullptr;

AsyncOperation& operation_of(PyObject* self) noexcept { return *reinterpret_cast<AsyncOperation*>(self); }

/// Calls something that may throw; false with the error of Python set.
template <class Call>
bool translated(Call&& call) noexcept {
  try {
    call();
    return PyErr_Occurred() == nullptr;
  } catch (nb::python_error& error) {
    error.restore();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return false;
}

/// The operation is over, however it ended.
void finish(AsyncOperation& operation) noexcept {
  operation.state = AsyncOperation::State::Over;
  Py_CLEAR(operation.future);
  Py_CLEAR(operation.owner);
}

void forget_future(AsyncOperation& operation) noexcept {
  if (operation.future == nullptr) return;
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  if (!translated([&] { operation.forget(operation); })) PyErr_WriteUnraisable(operation.future);
  PyErr_Restore(type, value, traceback);
  Py_CLEAR(operation.future);
}

PySendResult send(PyObject* self, PyObject*, PyObject** result) noexcept {
  const ObjectLock lock(self);
  AsyncOperation& operation = operation_of(self);
  *result = nullptr;
  if (operation.state == AsyncOperation::State::Over) {
    PyErr_Format(PyExc_RuntimeError, "%s() was awaited already", operation.name);
    return PYGEN_ERROR;
  }
  // It is settled. Nobody but a task may send, and a task does so when its future is done.
  Py_CLEAR(operation.future);
  operation.state = AsyncOperation::State::Waiting;
  if (!translated([&] { *result = operation.attempt(operation); })) {
    Py_CLEAR(*result);
    finish(operation);
    return PYGEN_ERROR;
  }
  if (*result != nullptr) {
    finish(operation);
    return PYGEN_RETURN;
  }
  // As Future.__await__ does it: a task that gets a future must find this set.
  if (PyObject_SetAttr(operation.future, blocking_name, Py_True) != 0) {
    forget_future(operation);
    finish(operation);
    return PYGEN_ERROR;
  }
  *result = Py_NewRef(operation.future);
  return PYGEN_NEXT;
}

PyObject* next_or_stop(PySendResult sent, PyObject* result) noexcept {
  if (sent != PYGEN_RETURN) return result;
  // A tuple or an exception would be taken for the arguments of the exception.
  PyObject* const stop = PyObject_CallFunctionObjArgs(PyExc_StopIteration, result, nullptr);
  Py_DECREF(result);
  if (stop == nullptr) return nullptr;
  PyErr_SetObject(PyExc_StopIteration, stop);
  Py_DECREF(stop);
  return nullptr;
}

PyObject* send_method(PyObject* self, PyObject* value) noexcept {
  PyObject* result = nullptr;
  const PySendResult sent = send(self, value, &result);
  return next_or_stop(sent, result);
}

PyObject* iternext(PyObject* self) noexcept { return send_method(self, Py_None); }

PyObject* throw_method(PyObject* self, PyObject* arguments) noexcept {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  if (!PyArg_UnpackTuple(arguments, "throw", 1, 3, &type, &value, &traceback)) return nullptr;
  const ObjectLock lock(self);
  AsyncOperation& operation = operation_of(self);
  forget_future(operation);
  finish(operation);
  if (PyExceptionInstance_Check(type)) {
    PyErr_SetObject(PyExceptionInstance_Class(type), type);
  } else {
    Py_INCREF(type);
    Py_XINCREF(value);
    Py_XINCREF(traceback);
    PyErr_Restore(type, value, traceback == Py_None ? nullptr : traceback);
  }
  return nullptr;
}

PyObject* close_method(PyObject* self, PyObject*) noexcept {
  const ObjectLock lock(self);
  forget_future(operation_of(self));
  finish(operation_of(self));
  Py_RETURN_NONE;
}

PyObject* await(PyObject* self) noexcept { return Py_NewRef(self); }

PyObject* name_of(PyObject* self, void*) noexcept { return PyUnicode_FromString(operation_of(self).name); }

int traverse(PyObject* self, visitproc visit, void* arg) noexcept {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(operation_of(self).owner);
  Py_VISIT(operation_of(self).future);
  return 0;
}

int clear(PyObject* self) noexcept {
  finish(operation_of(self));
  return 0;
}

void warn_never_awaited(PyObject* self) noexcept {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  if (PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "coroutine '%s' was never awaited", operation_of(self).name) != 0) {
    PyErr_WriteUnraisable(self);
  }
  PyErr_Restore(type, value, traceback);
}

void deallocate(PyObject* self) noexcept {
  PyTypeObject* const type = Py_TYPE(self);
  AsyncOperation& operation = operation_of(self);
  PyObject_GC_UnTrack(self);
  if (operation.state == AsyncOperation::State::Fresh && operation.owner != nullptr) warn_never_awaited(self);
  forget_future(operation);
  finish(operation);
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"send", send_method, METH_O, "Asks again."},
    {"throw", throw_method, METH_VARARGS, "Gives up, and raises what is thrown."},
    {"close", close_method, METH_NOARGS, "Gives up."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"__name__", name_of, nullptr, "What is awaited.", nullptr},
    {"__qualname__", name_of, nullptr, "What is awaited.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A coroutine of this module.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_am_await, reinterpret_cast<void*>(await)},
    {Py_am_send, reinterpret_cast<void*>(send)},
    {Py_tp_iter, reinterpret_cast<void*>(await)},
    {Py_tp_iternext, reinterpret_cast<void*>(iternext)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec specification = {
    "msquic._native.quic.AsyncOperation", sizeof(AsyncOperation), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE, slots};

}  // namespace

nb::object make_operation(nb::handle owner, const char* name, AsyncOperation::Attempt attempt,
                          AsyncOperation::Forget forget, std::int64_t argument) {
  auto* const operation = PyObject_GC_New(AsyncOperation, operation_type);
  if (operation == nullptr) nb::raise_python_error();
  operation->owner = owner.inc_ref().ptr();
  operation->future = nullptr;
  operation->attempt = attempt;
  operation->forget = forget;
  operation->name = name;
  operation->argument = argument;
  operation->state = AsyncOperation::State::Fresh;
  auto* const self = reinterpret_cast<PyObject*>(operation);
  PyObject_GC_Track(self);
  return nb::steal(self);
}

void bind_quic_async_operation(nb::module_&) {
  PyObject* const type = PyType_FromSpec(&specification);
  if (type == nullptr) nb::raise_python_error();
  operation_type = reinterpret_cast<PyTypeObject*>(type);
  blocking_name = PyUnicode_InternFromString("_asyncio_future_blocking");
  if (blocking_name == nullptr) nb::raise_python_error();
}

}  // namespace msquic_py::python
