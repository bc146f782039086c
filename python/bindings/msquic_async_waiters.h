#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <vector>

namespace msquic_py::python {

/// Names of asyncio's methods, kept for the life of the process. Made when the module is loaded.
struct FutureNames {
  PyObject* create_future;
  PyObject* done;
  PyObject* set_result;
  PyObject* callbacks;
  PyObject* remove_done_callback;
};
const FutureNames& future_names() noexcept;

/// Settles a future of asyncio with `result` (None when null), unless it is done already, which a cancelled one is.
/// Takes over the reference to the future; null is no future. Needs the GIL.
///
/// With a list of Python in `ready`, what waits for the future is not handed to the loop but appended there, as tuples
/// (context, callback, future): whoever calls `context.run(callback, future)` for each does what the loop would do in
/// its next turn, without the loop's handle and queue, which cost more than the rest of a wake-up.
void settle_future(PyObject* future, PyObject* result = nullptr, PyObject* ready = nullptr) noexcept;

/// The futures of the coroutines that wait for one thing, the longest waiting first. There is rarely more than one,
/// which costs no allocation. All members need the GIL.
class AsyncWaiters {
 public:
  AsyncWaiters() = default;
  AsyncWaiters(const AsyncWaiters&) = delete;
  AsyncWaiters& operator=(const AsyncWaiters&) = delete;
  ~AsyncWaiters() { clear(); }

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  /// Whether anybody still waits.
  [[nodiscard]] bool has_waiting() noexcept;
  void add(nanobind::handle future);
  /// Settles up to `count` futures of those that still wait; `ready` as in settle_future().
  void wake(std::size_t count, PyObject* ready) noexcept;
  void wake_all(PyObject* ready) noexcept;
  /// The coroutine that waited for `future` went away.
  void forget(nanobind::handle future) noexcept;
  void clear() noexcept;
  int traverse(visitproc visit, void* arg) const {
    Py_VISIT(first_);
    for (PyObject* const future : others_) Py_VISIT(future);
    return 0;
  }

 private:
  PyObject* take_first() noexcept;

  PyObject* first_ = nullptr;
  std::vector<PyObject*> others_;
};

}  // namespace msquic_py::python
