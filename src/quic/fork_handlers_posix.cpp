#include <pthread.h>

#include "quic/fork_handlers.h"

namespace msquic_py::quic {

void install_fork_handlers() noexcept {
  static_cast<void>(
      ::pthread_atfork([] { before_fork(); }, [] { after_fork_in_parent(); }, [] { after_fork_in_child(); }));
}

}  // namespace msquic_py::quic
