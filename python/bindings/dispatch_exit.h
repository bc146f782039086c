#pragma once

#include <Python.h>

#include <utility>
#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace msquic_py::python {

/// The interpreter is about to end, on this thread. From now on no other thread gets the GIL back through this
/// library: asking for it during finalization kills the thread or the process, depending on the Python.
void begin_leaving() noexcept;
/// Never returns on another thread than that of begin_leaving(), once that was called.
void wait_while_leaving() noexcept;

[[noreturn]] void stay_for_ever() noexcept;

/// Innermost around a call of Python code on a thread of the program. When the interpreter ends meanwhile, CPython up
/// to 3.13 ends the thread by unwinding it, and the frames further out would give their references and locks back to an
/// interpreter that is no longer theirs, or take the unwinding for an exception and crash. Here the thread stays for
/// ever instead, which CPython 3.14 does by itself. This one is for Python without a GIL.
class StaysAtExit {
 public:
  StaysAtExit() = default;
  StaysAtExit(const StaysAtExit&) = delete;
  StaysAtExit& operator=(const StaysAtExit&) = delete;
#if defined(NB_FREE_THREADED)
  ~StaysAtExit() {
    if (PyThreadState_GetUnchecked() == nullptr) stay_for_ever();
  }
#endif
};

/// The result of `callable`, a function of this package's Python code.
template <class Callable, class... Arguments>
auto call_python(const Callable& callable, Arguments&&... arguments) {
  [[maybe_unused]] const StaysAtExit here;
#if defined(__GLIBCXX__) && !defined(NB_FREE_THREADED)
  // With a GIL the thread is ended when it wants the GIL back that it was told to let go of.
  try {
    return callable(std::forward<Arguments>(arguments)...);
  } catch (abi::__forced_unwind&) {
    stay_for_ever();
  }
#else
  return callable(std::forward<Arguments>(arguments)...);
#endif
}

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
