#include "msquic_stream_mailbox.h"

#include <algorithm>
#include <array>

#include "msquic_errors.h"
#include "msquic_stream.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

constexpr std::uint64_t kKeptWithHandler = 1024 * 1024;
constexpr std::uint64_t kKeptWithoutHandler = 64 * 1024;
constexpr std::size_t kWorthKeeping = 256 * 1024;  // capacity that a stream may hold on to between deliveries

}  // namespace

std::uint64_t EarlyBudget::take(std::uint64_t wanted) noexcept {
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  while (true) {
    const std::uint64_t granted = std::min(wanted, kLimit - std::min(used, kLimit));
    if (granted == 0) return 0;
    if (used_.compare_exchange_weak(used, used + granted, std::memory_order_relaxed)) return granted;
  }
}

StreamMailbox::~StreamMailbox() { early_->give_back(counted_early_); }

void StreamMailbox::push(StreamEvent kind, std::uint64_t first, std::uint64_t second) noexcept {
  queue_.push(Event{shared_from_this(), kind, first, second});
}

void StreamMailbox::on_start_complete(std::uint64_t, quic::Status status, bool peer_accepted) noexcept {
  push(kStartComplete, static_cast<std::uint64_t>(status));
  if (peer_accepted) told(kPeerAccepted, 0);
}

std::uint64_t StreamMailbox::on_receive(const quic::ReceivedData& data) noexcept {
  std::uint64_t taken = 0;
  bool announce = false;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t limit = data_wanted_ ? kKeptWithHandler : kKeptWithoutHandler;
    taken = data.last ? data.size
                      : std::min<std::uint64_t>(data.size, limit - std::min<std::uint64_t>(limit, received_.size()));
    if (!data_wanted_ && !data.last) {
      taken = early_->take(taken);
      counted_early_ += taken;
    }
    std::uint64_t left = taken;
    for (const base::Bytes chunk : data.chunks) {
      if (left == 0) break;
      const auto count = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(left, chunk.size()));
      received_.insert(received_.end(), chunk.begin(), chunk.begin() + count);
      left -= static_cast<std::uint64_t>(count);
    }
    paused_ = taken < data.size;
    fin_ = fin_ || (data.fin && !paused_);
    announce = !std::exchange(readable_queued_, true);
  }
  if (announce) push(kReceive);
  return taken;
}

void StreamMailbox::on_send_complete(std::uint64_t token, bool canceled) noexcept {
  push(kSendComplete, token, canceled ? 1 : 0);
}

void StreamMailbox::on_peer_send_aborted(std::uint64_t code) noexcept { push(kPeerSendAborted, code); }
void StreamMailbox::on_peer_receive_aborted(std::uint64_t code) noexcept { push(kPeerReceiveAborted, code); }

void StreamMailbox::told(StreamEvent kind, std::uint64_t value) noexcept {
  last_[kind - kPeerAccepted].store(value + 1, std::memory_order_release);
  if ((wanted_.load(std::memory_order_acquire) & (1u << kind)) != 0) push(kind);
}

void StreamMailbox::on_peer_accepted() noexcept { told(kPeerAccepted, 0); }
void StreamMailbox::on_send_shutdown_complete(bool graceful) noexcept { told(kSendShutdownComplete, graceful ? 1 : 0); }
void StreamMailbox::on_ideal_send_buffer(std::uint64_t bytes) noexcept { told(kIdealSendBuffer, bytes); }
void StreamMailbox::on_shutdown_complete(const quic::StreamShutdown&) noexcept { push(kStreamShutdownComplete); }

void StreamMailbox::want_data() noexcept {
  {
    const std::lock_guard lock(mutex_);
    data_wanted_ = true;
    if (std::exchange(readable_queued_, true)) return;
  }
  push(kReceive);
}

void StreamMailbox::replay(StreamEvent kind) noexcept {
  if (kind == kReceive) return want_data();
  if (kind >= kPeerAccepted && kind <= kIdealSendBuffer) {
    wanted_.fetch_or(1u << kind, std::memory_order_acq_rel);
    if (last_[kind - kPeerAccepted].load(std::memory_order_acquire) != 0) push(kind);
    return;
  }
  if ((pending_ & (1u << kind)) == 0) return;
  if (kind != kStreamShutdownComplete) pending_ &= ~(1u << kind);  // else setting it twice would tell it twice
  push(kind, kind == kPeerSendAborted      ? reset_code_
             : kind == kPeerReceiveAborted ? stop_code_
                                           : static_cast<std::uint64_t>(start_status_));
}

void StreamMailbox::note(const Event& event) noexcept {
  const auto kind = static_cast<StreamEvent>(event.kind);
  if (kind == kPeerSendAborted) reset_code_ = event.first;
  if (kind == kPeerReceiveAborted) stop_code_ = event.first;
  if (kind == kStartComplete) start_status_ = static_cast<quic::Status>(event.first);
  if (kind == kStreamShutdownComplete && !is_over()) {
    over_.store(true, std::memory_order_release);
    pending_ |= 1u << kind;
  }
}

void StreamMailbox::dispatch(const Event& event) {
  const auto kind = static_cast<StreamEvent>(event.kind);
  if (kind == kSendComplete) delete reinterpret_cast<SendInFlight*>(event.first);
  PyObject* const owner = owner_.lock();
  if (owner == nullptr) {
    note(event);
    if (kind == kReceive) {
      const std::lock_guard lock(mutex_);
      readable_queued_ = false;
    } else if (kind == kPeerSendAborted || kind == kPeerReceiveAborted || kind == kStartComplete) {
      pending_ |= 1u << kind;
    }
    return;
  }
  deliver(event, owner);
  Py_DECREF(owner);
}

void StreamMailbox::deliver(const Event& event, PyObject* owner) {
  const auto kind = static_cast<StreamEvent>(event.kind);
  StreamObject& stream = *nb::inst_ptr<StreamObject>(owner);
  ObjectLock lock(owner);
  note(event);
  bool completed = true;
  if (kind == kReceive) {
    completed = deliver_data(stream, lock);
  } else if (kind == kSendComplete) {
    const HandlerSlot& handler = stream.handler(kSendComplete);
    const std::array arguments{PyBool_FromLong(event.second != 0)};
    if (handler) {
      completed = handler.call(lock, arguments.data(), 1);
    } else {
      Py_DECREF(arguments[0]);
    }
  } else if (kind == kStreamShutdownComplete) {
    deliver_end(stream, lock);
  } else if (kind >= kPeerAccepted) {
    completed = deliver_last(stream, lock, kind);
  } else {
    // What the peer sent before it gave up comes first.
    completed = (kind != kPeerSendAborted || deliver_data(stream, lock)) && deliver(stream, lock, kind);
  }
  if (!completed) stream.fail_connection();
}

bool StreamMailbox::deliver_data(StreamObject& stream, ObjectLock& lock) {
  const HandlerSlot& handler = stream.handler(kReceive);
  const bool wanted = static_cast<bool>(handler);
  bool fin = false;
  bool resume = false;
  {
    const std::lock_guard received(mutex_);
    readable_queued_ = false;
    if (!wanted || stream.is_closed()) return true;
    delivering_.clear();
    delivering_.swap(received_);
    fin = std::exchange(fin_, false);
    resume = std::exchange(paused_, false);
    early_->give_back(std::exchange(counted_early_, 0));
  }
  if (resume) stream.resume_receive();
  if (delivering_.empty() && !fin) return true;
  const std::array arguments{PyBytes_FromStringAndSize(reinterpret_cast<const char*>(delivering_.data()),
                                                       static_cast<Py_ssize_t>(delivering_.size())),
                             PyBool_FromLong(fin)};
  if (fin || delivering_.capacity() > kWorthKeeping) base::ByteVector().swap(delivering_);
  return handler.call(lock, arguments.data(), 2);
}

bool StreamMailbox::deliver_last(StreamObject& stream, ObjectLock& lock, StreamEvent kind) {
  const HandlerSlot& handler = stream.handler(kind);
  if (!handler || stream.is_closed()) return true;
  // Asked for while it came, it is announced twice.
  std::atomic<std::uint64_t>& last = last_[kind - kPeerAccepted];
  const std::uint64_t value = last.exchange(0, std::memory_order_acq_rel);
  if (value == 0) return true;
  PyObject* argument = kind == kSendShutdownComplete ? PyBool_FromLong(value - 1 != 0)
                       : kind == kIdealSendBuffer    ? PyLong_FromUnsignedLongLong(value - 1)
                                                     : PyLong_FromUnsignedLongLong(stream.id().value_or(0));
  return handler.call(lock, &argument, 1);
}

bool StreamMailbox::deliver(StreamObject& stream, ObjectLock& lock, StreamEvent kind) {
  const HandlerSlot& handler = stream.handler(kind);
  if (!handler) {
    pending_ |= 1u << kind;
    return true;
  }
  pending_ &= ~(1u << kind);
  PyObject* argument = nullptr;
  switch (kind) {
    case kPeerSendAborted: argument = PyLong_FromUnsignedLongLong(reset_code_); break;
    case kPeerReceiveAborted: argument = PyLong_FromUnsignedLongLong(stop_code_); break;
    case kStreamShutdownComplete: argument = PyBool_FromLong(stream.is_closed()); break;
    default:
      if (start_status_ == quic::Status::Success) {
        argument = Py_None;
        Py_INCREF(argument);
      } else {
        argument = exception_for(quic::Error::own(start_status_, std::string(quic::status_text(start_status_))));
      }
  }
  return handler.call(lock, &argument, 1);
}

void StreamMailbox::deliver_end(StreamObject& stream, ObjectLock& lock) {
  bool completed = deliver_data(stream, lock);
  if ((pending_ & (1u << kStreamShutdownComplete)) != 0)
    completed = deliver(stream, lock, kStreamShutdownComplete) && completed;
  if (!completed) stream.fail_connection();
  stream.finish();
}

}  // namespace msquic_py::python
