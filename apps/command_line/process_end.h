#pragma once

namespace msquic_py::apps {

/// Waits, a moment at most, until QUIC has closed what the program let go, then gives `code` back. Main returns what
/// this returns: a process that ends earlier takes OpenSSL away from threads that still use it.
int end_process(int code);

}  // namespace msquic_py::apps
