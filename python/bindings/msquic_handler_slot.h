#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>

namespace msquic_py::python {

/// What a handler is called with.
struct HandlerShape {
  const char* setter;         ///< "set_on_connected"
  const char* parameters[2];  ///< names, null where there are fewer
  bool optional = false;      ///< the handler may also take none
};

/// A Python callable for one kind of event. All members need the GIL.
class HandlerSlot {
 public:
  HandlerSlot() = default;
  HandlerSlot(const HandlerSlot&) = delete;
  HandlerSlot& operator=(const HandlerSlot&) = delete;
  ~HandlerSlot() { clear(); }

  /// A callable or None. Raises InvalidHandler when it cannot be called with the event's arguments.
  void set(nanobind::handle handler, const HandlerShape& shape);
  void clear() noexcept { Py_CLEAR(handler_); }
  explicit operator bool() const noexcept { return handler_ != nullptr; }
  /// Calls it with `arguments`, whose references are taken over; with none of them when it takes none.
  /// False when it raised.
  bool call(PyObject* const* arguments, std::size_t count) const;
  /// The same where the result matters: a new reference, or null when it raised (which is reported).
  PyObject* call_for_result(PyObject* const* arguments, std::size_t count) const;
  /// Borrowed.
  [[nodiscard]] PyObject* callable() const noexcept { return handler_; }
  int traverse(visitproc visit, void* arg) const {
    Py_VISIT(handler_);
    return 0;
  }

 private:
  PyObject* handler_ = nullptr;
  std::size_t argument_count_ = 0;
};

/// The Python object that a mailbox collects for, without keeping it alive. All members need the GIL.
class OwnerReference {
 public:
  OwnerReference() = default;
  OwnerReference(const OwnerReference&) = delete;
  OwnerReference& operator=(const OwnerReference&) = delete;

  void attach(nanobind::handle owner);
  /// Must be called by the owner's destructor.
  void detach() noexcept { Py_CLEAR(reference_); }
  /// A new reference, or null when it is gone or there was none yet.
  [[nodiscard]] PyObject* lock() const noexcept;

 private:
  PyObject* reference_ = nullptr;
};

/// A Python instance of the bound class `Object`, made here instead of by Python.
template <class Object, class... Arguments>
nanobind::object make_instance(Arguments&&... arguments) {
  nanobind::object instance = nanobind::inst_alloc(nanobind::type<Object>());
  new (nanobind::inst_ptr<Object>(instance)) Object(std::forward<Arguments>(arguments)...);
  nanobind::inst_mark_ready(instance);
  return instance;
}

// tp_traverse and tp_clear of a bound class with members traverse(visit, arg) and clear_references().
template <class Object>
int traverse_instance(PyObject* self, visitproc visit, void* arg) {
#if PY_VERSION_HEX >= 0x03090000
  Py_VISIT(Py_TYPE(self));
#endif
  if (!nanobind::inst_ready(self)) return 0;
  return nanobind::inst_ptr<Object>(self)->traverse(visit, arg);
}
template <class Object>
int clear_instance(PyObject* self) {
  if (nanobind::inst_ready(self)) nanobind::inst_ptr<Object>(self)->clear_references();
  return 0;
}
template <class Object>
inline PyType_Slot collectable_slots[] = {
    {Py_tp_traverse, reinterpret_cast<void*>(traverse_instance<Object>)},
    {Py_tp_clear, reinterpret_cast<void*>(clear_instance<Object>)},
    {0, nullptr},
};

}  // namespace msquic_py::python
