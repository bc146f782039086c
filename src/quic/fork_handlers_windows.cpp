#include "quic/fork_handlers.h"

namespace msquic_py::quic {

void install_fork_handlers() noexcept {}

}  // namespace msquic_py::quic
