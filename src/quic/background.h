#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace msquic_py::quic {

/// Runs `job` on the layer's one background thread, in order. For MsQuic calls that block: closing handles that are
/// not shut down yet, parameters of connections. The thread starts with the first job and is never joined, because
/// the process may end at any time.
void run_in_background(std::function<void()> job);
/// The same, not before `delay` has passed.
void run_in_background_after(std::chrono::milliseconds delay, std::function<void()> job);
/// Runs `job` on a thread of its own; for name resolution, which may take many seconds.
void run_on_own_thread(std::function<void()> job);

/// Around a fork: nobody else adds jobs meanwhile, so that the child can do without what was there.
void hold_background() noexcept;
void release_background() noexcept;
/// In a forked child, which has no such thread: begins anew.
void renew_background() noexcept;

/// Keeps `object` until the process ends: a handler whose destructor must not run any more.
void keep_for_ever(std::shared_ptr<void> object);

}  // namespace msquic_py::quic
