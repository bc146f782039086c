#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "media/interrupt.h"

namespace msquic_py::apps {

Interrupt::Interrupt() {
  if (::pipe(ends_) != 0) return;  // waits then end with their time alone
  for (const int end : ends_) ::fcntl(end, F_SETFD, FD_CLOEXEC);
}

Interrupt::~Interrupt() {
  for (const int end : ends_) {
    if (end >= 0) ::close(end);
  }
}

void Interrupt::raise() noexcept {
  if (raised_.exchange(true, std::memory_order_acq_rel)) return;
  const char byte = 0;
  while (ends_[1] >= 0 && ::write(ends_[1], &byte, 1) < 0 && errno == EINTR) {
  }
}

bool Interrupt::wait(int descriptor, int milliseconds) const noexcept {
  pollfd waited[2] = {{ends_[0], POLLIN, 0}, {descriptor, POLLIN, 0}};
  while (!raised() && ::poll(waited, 2, milliseconds) < 0 && errno == EINTR) {
  }
  return !raised();
}

}  // namespace msquic_py::apps
