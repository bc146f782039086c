/* Included ahead of every MsQuic source when it is built with the thread sanitizer.
 *
 * MsQuic hands work to a thread by writing to an eventfd that nobody reads: epoll_wait, edge-triggered, is the signal.
 * The sanitizer follows an eventfd from its write to its read only, so it is told here that what came before the write
 * comes before what follows the epoll_wait that reports it. The descriptor is the first member of what the event
 * points to (CXPLAT_SQE). */
#pragma once

#if defined(__linux__) && defined(__SANITIZE_THREAD__)
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

void __tsan_acquire(void* address);
void __tsan_release(void* address);

static inline int msquic_py_eventfd_write(int* descriptor, eventfd_t value) {
  const int target = *descriptor;
  __tsan_release(descriptor);
  /* Not through the sanitizer's own eventfd_write: it would note a use of the descriptor after the release. */
  return syscall(SYS_write, target, &value, sizeof(value)) == (long)sizeof(value) ? 0 : -1;
}

static inline int msquic_py_epoll_wait(int queue, struct epoll_event* events, int room, int timeout) {
  const int count = epoll_wait(queue, events, room, timeout);
  for (int i = 0; i < count; ++i) __tsan_acquire(events[i].data.ptr);
  return count;
}

#ifdef __cplusplus
}
#endif

#define eventfd_write(descriptor, value) msquic_py_eventfd_write(&(descriptor), value)
#define epoll_wait msquic_py_epoll_wait
#endif
