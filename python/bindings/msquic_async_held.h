#pragma once

#include <nanobind/nanobind.h>

#include "quic/intrusive_list.h"

namespace msquic_py::python {

/// An object that its loop's channel can hold. A coroutine that waits for an object, the future it waits with and the
/// object refer to each other in a circle, and asyncio knows its tasks only weakly: without somebody who holds the
/// object meanwhile, the garbage collector would take them all. All members need the GIL.
class AsyncHeld {
 public:
  AsyncHeld() = default;
  AsyncHeld(const AsyncHeld&) = delete;
  AsyncHeld& operator=(const AsyncHeld&) = delete;

  /// The Python object around this one; not counted.
  void set_self(nanobind::handle self) noexcept { self_ = self.ptr(); }
  [[nodiscard]] PyObject* self() const noexcept { return self_; }
  quic::ListLinks<AsyncHeld>& links() noexcept { return links_; }

 protected:
  ~AsyncHeld() = default;

 private:
  PyObject* self_ = nullptr;
  quic::ListLinks<AsyncHeld> links_;
};

/// An object that must end with its loop: a connection, a listener.
class AsyncLoopMember {
 public:
  AsyncLoopMember() = default;
  AsyncLoopMember(const AsyncLoopMember&) = delete;
  AsyncLoopMember& operator=(const AsyncLoopMember&) = delete;

  /// The Python object around this one, a new reference; null when it is being destroyed.
  [[nodiscard]] virtual PyObject* lock_object() const noexcept = 0;
  /// The loop was closed. Warns when nobody had closed the object before.
  virtual void end_with_loop() noexcept = 0;
  quic::ListLinks<AsyncLoopMember>& links() noexcept { return links_; }

 protected:
  ~AsyncLoopMember() = default;

 private:
  quic::ListLinks<AsyncLoopMember> links_;
};

}  // namespace msquic_py::python
