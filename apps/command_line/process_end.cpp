#include "command_line/process_end.h"

#include <chrono>

#include "quic/library.h"

namespace msquic_py::apps {

int end_process(int code) {
  (void)quic::Library::wait_until_idle(std::chrono::seconds(3));
  return code;
}

}  // namespace msquic_py::apps
