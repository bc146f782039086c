#include "msquic_async_stream_mailbox.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "msquic_async_stream.h"

namespace nb = nanobind;

namespace msquic_py::python {

AsyncStreamMailbox::~AsyncStreamMailbox() {
  context_->held.fetch_sub(held_.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

void AsyncStreamMailbox::on_start_complete(std::uint64_t, quic::Status status, bool) noexcept {
  if (status == quic::Status::Success) {
    context_->started[direction_].fetch_add(1, std::memory_order_acq_rel);
  } else {
    start_status_.store(status, std::memory_order_release);
  }
}

std::uint64_t AsyncStreamMailbox::on_receive(const quic::ReceivedData& data) noexcept {
  // The reader makes room meanwhile, never less. Copying needs no lock.
  const std::uint64_t wanted = wanted_.load(std::memory_order_relaxed);
  const auto left_of = [](std::uint64_t limit, std::uint64_t used) { return limit - std::min(limit, used); };
  std::uint64_t room = left_of(std::max(limit_, wanted), held_.load(std::memory_order_relaxed));
  if (wanted == 0) room = std::min(room, left_of(context_->held_limit, context_->held.load(std::memory_order_relaxed)));
  if (!admitted_.load(std::memory_order_acquire)) room = 0;
  const std::uint64_t taken = data.last ? data.size : std::min(data.size, room);
  context_->held.fetch_add(taken, std::memory_order_relaxed);
  std::uint64_t skip = 0;  // of what is taken, the bytes that went to the landing
  std::vector<base::SharedBytes> copied;
  base::SharedBytes first;
  {
    const std::lock_guard lock(mutex_);
    if (!landing_.empty() && received_.empty()) skip = land(data.chunks, taken);
    // At once: the reader may take them before the rest is copied.
    held_.store(held_.load(std::memory_order_relaxed) + skip, std::memory_order_relaxed);
  }
  const std::uint64_t rest = taken - skip;
  std::uint64_t left = rest;
  for (base::Bytes chunk : data.chunks) {
    if (left == 0) break;
    const std::size_t done = static_cast<std::size_t>(std::min<std::uint64_t>(skip, chunk.size()));
    skip -= done;
    chunk = chunk.subspan(done);
    base::SharedBytes slice =
        context_->arena.copy(chunk.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, chunk.size()))));
    left -= slice.size();
    if (first.empty()) {
      first = std::move(slice);
    } else if (!slice.empty()) {
      copied.push_back(std::move(slice));
    }
  }
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (!first.empty()) received_.push_back(std::move(first));
    for (base::SharedBytes& slice : copied) received_.push_back(std::move(slice));
    const std::uint64_t held = held_.load(std::memory_order_relaxed) + rest;
    held_.store(held, std::memory_order_relaxed);
    paused_ = taken < data.size;
    incoming_.early_data = incoming_.early_data || data.early_data;
    incoming_.fin = incoming_.fin || (data.fin && !paused_);
    wake = reader_armed_ && (held >= wanted_.load(std::memory_order_relaxed) || paused_ || incoming_.fin);
    if (wake) reader_armed_ = false;
  }
  if (wake) push(kReadable);
  return taken;
}

std::uint64_t AsyncStreamMailbox::land(std::span<const base::Bytes> chunks, std::uint64_t most) noexcept {
  std::uint64_t done = 0;
  for (const base::Bytes chunk : chunks) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>({chunk.size(), landing_.size(), most - done}));
    if (part == 0) break;
    std::memcpy(landing_.data(), chunk.data(), part);
    landing_ = landing_.subspan(part);
    done += part;
  }
  landed_ += static_cast<std::size_t>(done);
  return done;
}

bool AsyncStreamMailbox::is_silent() const noexcept {
  const std::lock_guard lock(mutex_);
  return received_.empty() && !incoming_.fin && !incoming_.over && !incoming_.reset;
}

void AsyncStreamMailbox::begin_landing(std::span<std::uint8_t> room) noexcept {
  const std::lock_guard lock(mutex_);
  landing_ = room;
  landed_ = 0;
}

std::size_t AsyncStreamMailbox::end_landing() noexcept {
  const std::lock_guard lock(mutex_);
  landing_ = {};
  return std::exchange(landed_, 0);
}

void AsyncStreamMailbox::on_send_complete(std::uint64_t token, bool canceled) noexcept {
  if (canceled) canceled_.store(true, std::memory_order_release);
  // An odd token is the size of a send that owns its bytes, an even one a BorrowedSend.
  auto* const borrowed = (token & 1) != 0 ? nullptr : reinterpret_cast<BorrowedSend*>(token);
  std::uint64_t size = token >> 1;
  bool released = false;  // of a BorrowedSend, the last piece
  if (borrowed != nullptr) {
    size = std::min<std::uint64_t>(borrowed->left, BorrowedSend::kPiece);
    borrowed->left -= size;
    released = borrowed->holders.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  if (!canceled) context_->acknowledged.fetch_add(size, std::memory_order_relaxed);
  bool wake = false;
  bool release = false;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t left = outstanding_.fetch_sub(size, std::memory_order_acq_rel) - size;
    wake = writer_armed_ && left <= writer_level_;
    if (wake) writer_armed_ = false;
    if (released) {
      release = released_.empty();
      released_.push_back(borrowed);
    }
  }
  if (release) push(kReleased);
  if (wake) push(kWritable);
  send_is_over();
}

void AsyncStreamMailbox::send_is_over() noexcept {
  // Both sides of this and of AsyncConnectionMailbox::arm() are sequentially consistent: one of the two sees the other.
  if (context_->sending.fetch_sub(1) != 1 || !context_->sent_armed.exchange(false)) return;
  if (const auto listener = context_->sent_listener.lock()) listener->on_all_sent();
}

void AsyncStreamMailbox::on_send_shutdown_complete(bool graceful) noexcept {
  if (!graceful && fin_under_way_.load(std::memory_order_acquire)) canceled_.store(true, std::memory_order_release);
  fin_is_over();
}

void AsyncStreamMailbox::fin_is_over() noexcept {
  if (!fin_under_way_.exchange(false, std::memory_order_acq_rel)) return;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t left = outstanding_.fetch_sub(1, std::memory_order_acq_rel) - 1;
    wake = writer_armed_ && left <= writer_level_;
    if (wake) writer_armed_ = false;
  }
  if (wake) push(kWritable);
  send_is_over();
}

void AsyncStreamMailbox::on_peer_send_aborted(std::uint64_t code) noexcept {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    incoming_.reset = code;
    wake = std::exchange(reader_armed_, false);
  }
  if (wake) push(kReadable);
}

void AsyncStreamMailbox::on_peer_receive_aborted(std::uint64_t code) noexcept {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    stop_code_.store(code, std::memory_order_release);
    wake = std::exchange(writer_armed_, false);
  }
  if (wake) push(kWritable);
}

void AsyncStreamMailbox::on_ideal_send_buffer(std::uint64_t bytes) noexcept {
  ideal_.store(bytes, std::memory_order_relaxed);
}

void AsyncStreamMailbox::on_shutdown_complete(const quic::StreamShutdown&) noexcept {
  on_send_shutdown_complete(false);
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    incoming_.over = true;
    over_.store(true, std::memory_order_release);
    wake = reader_armed_ || writer_armed_ || over_armed_;
    reader_armed_ = writer_armed_ = over_armed_ = false;
  }
  if (wake) push(kOver);
}

AsyncStreamMailbox::Incoming AsyncStreamMailbox::take_received(std::vector<base::SharedBytes>& slices,
                                                               std::uint64_t wanted, bool& resume) noexcept {
  const std::lock_guard lock(mutex_);
  if (slices.empty()) {
    slices.swap(received_);
  } else {
    for (base::SharedBytes& slice : received_) slices.push_back(std::move(slice));
    received_.clear();
  }
  const bool more = !incoming_.fin && !incoming_.over && !incoming_.reset;
  if (held_.load(std::memory_order_relaxed) < wanted && more) {
    reader_armed_ = true;
    wanted_.store(wanted, std::memory_order_relaxed);
    resume = std::exchange(paused_, false);
  } else {
    reader_armed_ = false;
    wanted_.store(0, std::memory_order_relaxed);
  }
  return incoming_;
}

AsyncStreamMailbox::Incoming AsyncStreamMailbox::incoming() const noexcept {
  const std::lock_guard lock(mutex_);
  return incoming_;
}

bool AsyncStreamMailbox::admit() noexcept {
  const std::lock_guard lock(mutex_);
  admitted_.store(true, std::memory_order_release);
  return std::exchange(paused_, false);
}

bool AsyncStreamMailbox::bytes_taken(std::uint64_t bytes) noexcept {
  context_->held.fetch_sub(bytes, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  const std::uint64_t held = held_.load(std::memory_order_relaxed) - bytes;
  held_.store(held, std::memory_order_relaxed);
  return paused_ && held <= limit_ / 2 && std::exchange(paused_, false);
}

bool AsyncStreamMailbox::arm_writer(std::uint64_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  if (incoming_.over || stop_code() != kNone || outstanding() <= bytes) return false;
  writer_level_ = writer_armed_ ? std::max(writer_level_, bytes) : bytes;
  writer_armed_ = true;
  return true;
}

bool AsyncStreamMailbox::arm_over() noexcept {
  const std::lock_guard lock(mutex_);
  if (incoming_.over) return false;
  over_armed_ = true;
  return true;
}

void AsyncStreamMailbox::give_back_released() noexcept {
  std::vector<BorrowedSend*> released;
  {
    const std::lock_guard lock(mutex_);
    released.swap(released_);
  }
  for (const BorrowedSend* const send : released) delete send;
}

void AsyncStreamMailbox::dispatch(const Event& event) {
  if (event.kind == kReleased) return give_back_released();
  PyObject* const owner = owner_.lock();
  if (owner == nullptr) return;
  AsyncStreamObject& stream = *nb::inst_ptr<AsyncStreamObject>(owner);
  if (!context_->queue->is_closed()) {
    if (event.kind != kWritable) stream.wake_reader();
    if (event.kind != kReadable) stream.wake_writers();
    if (event.kind == kOver) stream.wake_closed();
    stream.let_go();
  }
  Py_DECREF(owner);
}

}  // namespace msquic_py::python
