#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>

#include "object_lock.h"

namespace msquic_py::python {

/// What a handler is called with.
struct HandlerShape {
  const char* setter;         ///< "set_on_connected"
  const char* parameters[2];  ///< names, null where there are fewer
  bool optional = false;      ///< the handler may also take none
};

/// A Python callable for one kind of event, which another thread may replace while it is called. All members need the
/// GIL or, where there is none, an attached thread.
class HandlerSlot {
 public:
  HandlerSlot() = default;
  HandlerSlot(const HandlerSlot&) = delete;
  HandlerSlot& operator=(const HandlerSlot&) = delete;
  ~HandlerSlot() { clear(); }

  /// A callable or None. Raises InvalidHandler when it cannot be called with the event's arguments.
  void set(nanobind::handle handler, const HandlerShape& shape);
  void clear() noexcept { replace(nullptr, 0); }
  explicit operator bool() const noexcept {
    const nanobind::ft_lock_guard lock(mutex_);
    return handler_ != nullptr;
  }
  /// Calls it with `arguments`, whose references are taken over; with none of them when it takes none. The object whose
  /// handler it is, is unlocked meanwhile. False when it raised.
  bool call(ObjectLock& owner, PyObject* const* arguments, std::size_t count) const;
  /// The same where the result matters: a new reference, or null when it raised (which is reported). None when there is
  /// no handler any more.
  PyObject* call_for_result(ObjectLock& owner, PyObject* const* arguments, std::size_t count) const;
  /// A new reference, or null.
  [[nodiscard]] PyObject* callable() const noexcept {
    const nanobind::ft_lock_guard lock(mutex_);
    Py_XINCREF(handler_);
    return handler_;
  }
  int traverse(visitproc visit, void* arg) const {
    Py_VISIT(handler_);
    return 0;
  }

 private:
  void replace(PyObject* handler, std::size_t argument_count) noexcept;

  [[no_unique_address]] mutable nanobind::ft_mutex mutex_;
  PyObject* handler_ = nullptr;
  std::size_t argument_count_ = 0;
};

/// The Python object that a mailbox collects for, without keeping it alive; any thread of Python may drop its last
/// reference. All members need the GIL or, where there is none, an attached thread.
class OwnerReference {
 public:
  OwnerReference() = default;
  OwnerReference(const OwnerReference&) = delete;
  OwnerReference& operator=(const OwnerReference&) = delete;

  void attach(nanobind::handle owner);
  /// Must be called by the owner's destructor.
  void detach() noexcept;
  /// A new reference, or null when it is gone or there was none yet.
  [[nodiscard]] PyObject* lock() const noexcept;

 private:
  [[no_unique_address]] mutable nanobind::ft_mutex mutex_;
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
  if (!nanobind::inst_ready(self)) return 0;
  const ObjectLock lock(self);
  nanobind::inst_ptr<Object>(self)->clear_references();
  return 0;
}
template <class Object>
inline PyType_Slot collectable_slots[] = {
    {Py_tp_traverse, reinterpret_cast<void*>(traverse_instance<Object>)},
    {Py_tp_clear, reinterpret_cast<void*>(clear_instance<Object>)},
    {0, nullptr},
};

}  // namespace msquic_py::python
