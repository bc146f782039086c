#pragma once

namespace msquic_py::quic {

// Called around every fork() of this process, in the thread that forks.
void before_fork() noexcept;
void after_fork_in_parent() noexcept;
void after_fork_in_child() noexcept;

/// Has them called from now on. Systems without fork() need nothing.
void install_fork_handlers() noexcept;

}  // namespace msquic_py::quic
