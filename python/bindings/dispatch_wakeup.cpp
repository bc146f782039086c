#include "dispatch_wakeup.h"

#include <cstdint>

#if !defined(_WIN32)
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#endif
#if defined(__linux__)
#include <sys/eventfd.h>
#endif

namespace msquic_py::python {

#if defined(_WIN32)

Wakeup::Wakeup() = default;
Wakeup::~Wakeup() = default;

void Wakeup::signal() noexcept {
  {
    const std::lock_guard lock(mutex_);
    signalled_ = true;
  }
  changed_.notify_one();
}

bool Wakeup::wait(std::optional<std::chrono::milliseconds> timeout) noexcept {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return signalled_; };
  if (timeout) {
    changed_.wait_for(lock, *timeout, ready);
  } else {
    changed_.wait(lock, ready);
  }
  const bool was_signalled = signalled_;
  signalled_ = false;
  return was_signalled;
}

void Wakeup::clear() noexcept {
  const std::lock_guard lock(mutex_);
  signalled_ = false;
}

#else

Wakeup::Wakeup() {
#if defined(__linux__)
  read_end_ = write_end_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (read_end_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
#else
  int ends[2];
  if (pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  for (const int end : ends) {
    fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(end, F_SETFL, O_NONBLOCK);
  }
  read_end_ = ends[0];
  write_end_ = ends[1];
#endif
}

Wakeup::~Wakeup() {
  close(read_end_);
  if (write_end_ != read_end_) close(write_end_);
}

void Wakeup::signal() noexcept {
  const std::uint64_t one = 1;
  // A full pipe or counter is a signal already.
  while (write(write_end_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

bool Wakeup::wait(std::optional<std::chrono::milliseconds> timeout) noexcept {
  pollfd waited{read_end_, POLLIN, 0};
  const bool readable = poll(&waited, 1, timeout ? static_cast<int>(timeout->count()) : -1) > 0;
  if (readable) clear();
  return readable;
}

void Wakeup::clear() noexcept {
  std::uint64_t buffer[64];
  while (true) {
    const ssize_t count = read(read_end_, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < static_cast<ssize_t>(sizeof buffer)) return;
  }
}

#endif

}  // namespace msquic_py::python
