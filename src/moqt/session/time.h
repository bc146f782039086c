#pragma once

#include <chrono>

namespace msquic_py::moqt::session {

/// The session never reads a clock: whoever drives it says what time it is. Only differences matter.
using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

}  // namespace msquic_py::moqt::session
