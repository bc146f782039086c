#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>

namespace msquic_py::python {

/// A coroutine of asyncio made here: it asks again and again for something that an object may not have yet, and waits
/// for a future in between. A coroutine in Python that does the same costs a third of a small request.
///
/// It is a collections.abc.Coroutine, so that it can be awaited, or be made a task. One await at a time.
struct AsyncOperation {
  PyObject_HEAD

      /// Gives a new reference to the result; or none, and then either `future` is set, to be waited for before asking
      /// again, or an error of Python. May throw.
      using Attempt = PyObject * (*)(AsyncOperation&);
  /// Nobody waits for `future` any more. May throw.
  using Forget = void (*)(AsyncOperation&);

  enum class State : std::uint8_t { Fresh, Waiting, Over };

  PyObject* owner;   // counted: the object that is asked
  PyObject* future;  // counted, while it is waited for
  Attempt attempt;
  Forget forget;
  const char* name;       // for people: "Stream.read"
  std::int64_t argument;  // of attempt
  State state;
};

/// What `await` in Python gets. Needs the GIL.
nanobind::object make_operation(nanobind::handle owner, const char* name, AsyncOperation::Attempt attempt,
                                AsyncOperation::Forget forget, std::int64_t argument = 0);

}  // namespace msquic_py::python
