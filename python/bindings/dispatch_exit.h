#pragma once

#include <Python.h>

namespace msquic_py::python {

/// The interpreter is about to end, on this thread. From now on no other thread gets the GIL back through this
/// library: asking for it during finalization kills the thread or the process, depending on the Python.
void begin_leaving() noexcept;
/// Never returns on another thread than that of begin_leaving(), once that was called.
void wait_while_leaving() noexcept;

/// Without the GIL for the lifetime of this object; around calls that may block.
class WithoutGil {
 public:
  WithoutGil() noexcept : thread_state_(PyEval_SaveThread()) {}
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;
  ~WithoutGil() {
    wait_while_leaving();
    PyEval_RestoreThread(thread_state_);
  }

 private:
  PyThreadState* thread_state_;
};

/// The result of `call`, which runs without the GIL.
template <class Call>
auto without_gil(Call&& call) {
  const WithoutGil released;
  return call();
}

}  // namespace msquic_py::python
