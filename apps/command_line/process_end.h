#pragma once

namespace msquic_py::apps {

/// Waits, a moment at most, until QUIC has closed what the program let go, then gives `code` back. Main returns what
/// this returns: the peers of a process that ends earlier may not have heard of its end.
int end_process(int code);

}  // namespace msquic_py::apps
