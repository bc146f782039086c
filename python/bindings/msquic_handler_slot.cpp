#include "msquic_handler_slot.h"

#include <algorithm>
#include <utility>

#include "dispatch_exit.h"
#include "dispatch_thread.h"

namespace nb = nanobind;

namespace msquic_py::python {

void HandlerSlot::set(nb::handle handler, const HandlerShape& shape) {
  PyObject* replacement = nullptr;
  std::size_t argument_count = 0;
  if (!handler.is_none()) {
    nb::object parameters = shape.parameters[1] != nullptr
                                ? nb::object(nb::make_tuple(shape.parameters[0], shape.parameters[1]))
                                : nb::object(nb::make_tuple(shape.parameters[0]));
    const nb::object count_arguments = nb::module_::import_("msquic._handlers").attr("argument_count");
    const nb::object count = call_python(count_arguments, handler, shape.setter, parameters, shape.optional);
    argument_count = nb::cast<std::size_t>(count);
    replacement = handler.inc_ref().ptr();
  }
  replace(replacement, argument_count);
}

void HandlerSlot::replace(PyObject* handler, std::size_t argument_count) noexcept {
  PyObject* previous = nullptr;
  {
    const nb::ft_lock_guard lock(mutex_);
    previous = std::exchange(handler_, handler);
    argument_count_ = argument_count;
  }
  Py_XDECREF(previous);  // may run Python code, which may come back here
}

bool HandlerSlot::call(ObjectLock& owner, PyObject* const* arguments, std::size_t count) const {
  PyObject* const result = call_for_result(owner, arguments, count);
  if (result == nullptr) return false;
  Py_DECREF(result);
  return true;
}

PyObject* HandlerSlot::call_for_result(ObjectLock& owner, PyObject* const* arguments, std::size_t count) const {
  PyObject* handler = nullptr;
  std::size_t passed = 0;
  {
    const nb::ft_lock_guard lock(mutex_);
    handler = handler_;
    passed = std::min(argument_count_, count);
    Py_XINCREF(handler);  // it may replace itself
  }
  if (handler == nullptr) passed = 0;  // another thread took it away just now
  for (std::size_t i = passed; i < count; ++i) Py_XDECREF(arguments[i]);
  if (handler == nullptr) {
    Py_INCREF(Py_None);
    return Py_None;
  }
  owner.unlock();
  PyObject* const result = call_handler_for_result(handler, arguments, passed);
  Py_DECREF(handler);
  owner.lock();
  return result;
}

void OwnerReference::attach(nb::handle owner) {
  PyObject* const reference = PyWeakref_NewRef(owner.ptr(), nullptr);
  if (reference == nullptr) nb::raise_python_error();
  const nb::ft_lock_guard lock(mutex_);
  reference_ = reference;
}

void OwnerReference::detach() noexcept {
  PyObject* reference = nullptr;
  {
    const nb::ft_lock_guard lock(mutex_);
    reference = std::exchange(reference_, nullptr);
  }
  Py_XDECREF(reference);
}

PyObject* OwnerReference::lock() const noexcept {
  const nb::ft_lock_guard guard(mutex_);
  if (reference_ == nullptr) return nullptr;
#if PY_VERSION_HEX >= 0x030D0000 && !defined(Py_LIMITED_API)
  PyObject* owner = nullptr;
  if (PyWeakref_GetRef(reference_, &owner) < 0) PyErr_Clear();
  return owner;
#else
  PyObject* const owner = PyWeakref_GetObject(reference_);
  if (owner == nullptr || owner == Py_None) return nullptr;
  Py_INCREF(owner);
  return owner;
#endif
}

}  // namespace msquic_py::python
