#pragma once

#include <functional>

#include "runtime/event_loop.h"

namespace msquic_py::python {

/// The thread of this process on which all sessions live. It starts with the first of them, never runs Python, never
/// takes the GIL, and ends with the process: joining it at exit could wait for MsQuic.
runtime::EventLoop& session_loop();
/// In a forked child, which has no such thread, and no session: the first one starts another.
void renew_session_loop() noexcept;

}  // namespace msquic_py::python
