#include "moqt_session_thread.h"

#include <thread>

namespace msquic_py::python {

runtime::EventLoop& session_loop() {
  static runtime::EventLoop* const loop = [] {
    auto* const made = new runtime::EventLoop;  // never destroyed: its thread may outlive static destructors
    std::thread([made] { made->run(); }).detach();
    return made;
  }();
  return *loop;
}

}  // namespace msquic_py::python
