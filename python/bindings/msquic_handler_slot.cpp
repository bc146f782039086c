#include "msquic_handler_slot.h"

#include "dispatch_thread.h"

namespace nb = nanobind;

namespace msquic_py::python {

void HandlerSlot::set(nb::handle handler, const HandlerShape& shape) {
  PyObject* replacement = nullptr;
  if (!handler.is_none()) {
    nb::object parameters = shape.parameters[1] != nullptr
                                ? nb::object(nb::make_tuple(shape.parameters[0], shape.parameters[1]))
                                : nb::object(nb::make_tuple(shape.parameters[0]));
    const nb::object count = nb::module_::import_("msquic._handlers")
                                 .attr("argument_count")(handler, shape.setter, parameters, shape.optional);
    argument_count_ = nb::cast<std::size_t>(count);
    replacement = handler.inc_ref().ptr();
  }
  PyObject* const previous = handler_;
  handler_ = replacement;
  Py_XDECREF(previous);  // may run Python code, which may come back here
}

bool HandlerSlot::call(PyObject* const* arguments, std::size_t count) const {
  PyObject* const result = call_for_result(arguments, count);
  if (result == nullptr) return false;
  Py_DECREF(result);
  return true;
}

PyObject* HandlerSlot::call_for_result(PyObject* const* arguments, std::size_t count) const {
  const std::size_t passed = argument_count_ < count ? argument_count_ : count;
  for (std::size_t i = passed; i < count; ++i) Py_XDECREF(arguments[i]);
  PyObject* const handler = handler_;
  Py_INCREF(handler);  // it may replace itself
  PyObject* const result = call_handler_for_result(handler, arguments, passed);
  Py_DECREF(handler);
  return result;
}

void OwnerReference::attach(nb::handle owner) {
  reference_ = PyWeakref_NewRef(owner.ptr(), nullptr);
  if (reference_ == nullptr) nb::raise_python_error();
}

PyObject* OwnerReference::lock() const noexcept {
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
