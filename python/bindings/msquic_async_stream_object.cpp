#include <algorithm>
#include <utility>

#include "msquic_async_connection.h"
#include "msquic_async_stream.h"
#include "msquic_errors.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

constexpr std::size_t kCopied = 4096;             // smaller writes are joined, larger ones are sent from where they are
constexpr std::uint64_t kSentAtOnce = 64 * 1024;  // written in one turn of the loop
constexpr std::uint64_t kHardLimit = 16;          // times the write limit

}  // namespace

AsyncStreamObject::AsyncStreamObject(nb::object connection, std::shared_ptr<AsyncStreamMailbox> mailbox,
                                     quic::Stream stream, std::uint64_t id, bool early_data)
    : connection_(std::move(connection)),
      mailbox_(std::move(mailbox)),
      stream_(std::move(stream)),
      id_(id),
      local_(stream_.is_local()),
      unidirectional_(stream_.direction() == quic::StreamDirection::Unidirectional),
      early_data_(early_data),
      started_(!local_) {}

AsyncStreamObject::~AsyncStreamObject() {
  if (landing_.is_valid()) static_cast<void>(mailbox_->end_landing());
  mailbox_->owner().detach();
}

AsyncConnectionObject& AsyncStreamObject::owner() const noexcept {
  return *nb::inst_ptr<AsyncConnectionObject>(connection_);
}

AsyncChannelObject& AsyncStreamObject::channel() const noexcept { return owner().channel(); }

nb::object AsyncStreamObject::wait(AsyncWaiters& waiters) {
  nb::object future = owner().channel().create_future();
  waiters.add(future);
  owner().channel().hold(*this);
  return future;
}

void AsyncStreamObject::wake_reader() noexcept { readers_.wake_all(owner().channel().ready()); }

void AsyncStreamObject::wake_writers() noexcept { writers_.wake_all(owner().channel().ready()); }

void AsyncStreamObject::wake_closed() noexcept { closed_.wake_all(owner().channel().ready()); }

void AsyncStreamObject::let_go() noexcept {
  if (readers_.empty() && writers_.empty() && closed_.empty()) owner().channel().release(*this);
}

void AsyncStreamObject::forget(nb::handle future) noexcept {
  // The garbage collector ends a coroutine on any thread.
  if (channel().is_elsewhere()) return channel().call_there(self(), "_forget", future);
  for (AsyncWaiters* const waiters : {&readers_, &writers_, &closed_}) waiters->forget(future);
  let_go();
}

// Writing

void AsyncStreamObject::check_writable() {
  owner().check_thread();
  if (!can_send())
    raise_named("InvalidState", "the stream is unidirectional and was opened by the peer: it only receives");
  if (reset_) raise_named("InvalidState", "reset() was called: nothing more can be sent on this stream");
  if (const std::uint64_t code = mailbox_->stop_code(); code != AsyncStreamMailbox::kNone) {
    raise_stream_error("StreamStopped", "the peer wants no more data on the stream", code);
  }
  if (send_error_) raise_send_error();
  if (mailbox_->send_canceled()) raise_over();
  // A direction that was finished in order is nobody's error, even when the stream is over.
  if (!fin_sent_ && (mailbox_->is_over() || owner().is_closing())) raise_over();
}

void AsyncStreamObject::raise_send_error() {
  if (owner().is_closing()) owner().raise_closed();
  raise_error(*send_error_);
}

void AsyncStreamObject::write(nb::handle data) {
  owner().check_thread();
  check_writable();
  if (fin_wanted_) raise_named("InvalidState", "write_eof() was called: nothing more can be written to this stream");
  if (pending_bytes_ + mailbox_->outstanding() > kHardLimit * write_level()) {
    PyErr_SetString(PyExc_BufferError, "far more was written than the peer takes: await drain() between writes");
    throw nb::python_error();
  }
  if (PyBytes_Check(data.ptr()) && static_cast<std::size_t>(PyBytes_Size(data.ptr())) < kCopied) {
    copy({reinterpret_cast<const std::uint8_t*>(PyBytes_AsString(data.ptr())),
          static_cast<std::size_t>(PyBytes_Size(data.ptr()))});
  } else {
    auto borrowed = std::make_unique<BorrowedSend>(data);
    const base::Bytes bytes = borrowed->buffer.bytes();
    if (bytes.size() < kCopied) {
      copy(bytes);
    } else {
      seal_small_writes();
      pending_bytes_ += bytes.size();
      pending_.emplace_back(std::move(borrowed));
    }
  }
  if (pending_bytes_ == 0) return;
  mark_dirty();
  if (pending_bytes_ >= kSentAtOnce) flush_now();
}

void AsyncStreamObject::write_eof() {
  owner().check_thread();
  if (fin_wanted_) return;
  check_writable();
  fin_wanted_ = true;
  mark_dirty();
}

void AsyncStreamObject::mark_dirty() {
  if (dirty_) return;
  dirty_ = true;
  owner().channel().mark_dirty(*this);
}

void AsyncStreamObject::flush_now() {
  // Streams start in the order in which they were opened, which gives them their ids.
  if (started_) {
    flush();
  } else {
    owner().channel().flush();
  }
}

void AsyncStreamObject::copy(base::Bytes bytes) {
  const base::SharedBytes slice = owner().channel().arena().copy(bytes);
  pending_bytes_ += bytes.size();
  if (small_.append(slice)) return;
  seal_small_writes();
  small_ = slice;
}

void AsyncStreamObject::seal_small_writes() {
  if (!small_.empty()) pending_.emplace_back(std::exchange(small_, {}));
}

void AsyncStreamObject::flush() {
  dirty_ = false;
  if (reset_ || fin_sent_ || send_error_) {
    drop_pending();
    return;
  }
  const quic::SendFlags early = early_data_ && local_ ? quic::SendFlags::AllowZeroRtt : quic::SendFlags::None;
  const quic::SendFlags last = fin_wanted_ ? quic::SendFlags::Fin | early : early;
  for (std::size_t i = 0; i != pending_.size() && !send_error_; ++i) {
    const bool more = i + 1 != pending_.size() || !small_.empty();
    const quic::SendFlags flags = more ? quic::SendFlags::Delay | early : last;
    std::visit([this, flags](auto& pending) { send(pending, flags); }, pending_[i]);
  }
  if (!small_.empty() && !send_error_) send(small_, last);
  if (pending_bytes_ != 0) {
    fin_sent_ = fin_wanted_;
    drop_pending();
  } else if (fin_wanted_) {
    send_nothing(last);
    fin_sent_ = true;
  } else if (!started_) {
    started_ = true;
    remember_error(stream_.start(quic::StreamStartFlags::Immediate));
  }
}

void AsyncStreamObject::drop_pending() {
  pending_.clear();
  small_ = {};
  pending_bytes_ = 0;
}

void AsyncStreamObject::send(const base::SharedBytes& bytes, quic::SendFlags flags) {
  if (!std::exchange(started_, true)) flags = flags | quic::SendFlags::Start;
  const std::uint64_t size = bytes.size();
  const bool fin = has_flag(flags, quic::SendFlags::Fin);
  mailbox_->add_outstanding(size);
  if (fin) mailbox_->add_fin();
  const auto sent = stream_.send({&bytes, 1}, flags, size << 1 | 1);
  if (!sent) mailbox_->send_failed(size);
  if (!sent && fin) mailbox_->fin_failed();
  remember_error(sent);
}

void AsyncStreamObject::send(std::unique_ptr<BorrowedSend>& borrowed, quic::SendFlags flags) {
  const quic::SendFlags early =
      has_flag(flags, quic::SendFlags::AllowZeroRtt) ? quic::SendFlags::AllowZeroRtt : quic::SendFlags::None;
  const bool fin = has_flag(flags, quic::SendFlags::Fin);
  base::Bytes left = borrowed->buffer.bytes();
  while (!left.empty() && !send_error_) {
    const base::Bytes piece = left.first(std::min(left.size(), BorrowedSend::kPiece));
    left = left.subspan(piece.size());
    quic::SendFlags how = left.empty() ? flags : quic::SendFlags::Delay | early;
    if (!std::exchange(started_, true)) how = how | quic::SendFlags::Start;
    mailbox_->add_outstanding(piece.size());
    if (left.empty() && fin) mailbox_->add_fin();
    borrowed->holders.fetch_add(1, std::memory_order_acq_rel);
    const auto sent = stream_.send_borrowed({&piece, 1}, how, reinterpret_cast<std::uint64_t>(borrowed.get()));
    if (!sent) {
      borrowed->holders.fetch_sub(1, std::memory_order_acq_rel);
      mailbox_->send_failed(piece.size());
      if (left.empty() && fin) mailbox_->fin_failed();
    }
    remember_error(sent);
  }
  // The completion of the last piece owns it, if there is any to come.
  if (borrowed->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) static_cast<void>(borrowed.release());
}

void AsyncStreamObject::send_nothing(quic::SendFlags flags) {
  if (!std::exchange(started_, true)) flags = flags | quic::SendFlags::Start;
  mailbox_->add_outstanding(0);
  mailbox_->add_fin();
  const auto sent = stream_.send(std::span<const base::SharedBytes>(), flags, 1);
  if (!sent) mailbox_->send_failed(0);
  if (!sent) mailbox_->fin_failed();
  remember_error(sent);
}

std::uint64_t AsyncStreamObject::write_level() const noexcept {
  return std::max(owner().write_limit(), mailbox_->ideal_send_buffer());
}

bool AsyncStreamObject::is_closing() const {
  return mailbox_->is_over() || owner().is_closing() || (!is_writing() && !is_reading());
}

bool AsyncStreamObject::needs_drain() {
  guard_thread();
  const std::uint64_t level = write_level();
  if (pending_bytes_ + mailbox_->outstanding() <= level) return false;
  if (pending_bytes_ != 0) flush_now();
  return mailbox_->outstanding() > level;
}

nb::object AsyncStreamObject::wait_writable(std::uint64_t level) {
  guard_thread();
  if (pending_bytes_ != 0 || dirty_) flush_now();
  if (!mailbox_->arm_writer(level)) {
    mailbox_->give_back_released();  // what is acknowledged may be changed at once
    return nb::none();
  }
  return wait(writers_);
}

void AsyncStreamObject::reset(std::uint64_t code) {
  owner().check_thread();
  if (!can_send()) raise_named("InvalidState", "the stream is unidirectional and was opened by the peer: stop() it");
  if (reset_) return;
  if (!started_) owner().channel().flush();
  reset_ = true;
  drop_pending();
  if (!mailbox_->is_over()) or_raise(stream_.abort_send(code));
  wake_writers();
  let_go();
}

void AsyncStreamObject::finish() {
  if (mailbox_->is_over() || owner().is_closing()) return;
  // Not by write_eof(), which raises when the peer stops the stream in this very moment: that is nobody's error here.
  if (is_writing() && !send_error_ && mailbox_->stop_code() == AsyncStreamMailbox::kNone) {
    fin_wanted_ = true;
    mark_dirty();
  }
  if (is_reading() && !at_eof()) stop(0);
}

void AsyncStreamObject::abort(std::uint64_t code) {
  if (mailbox_->is_over() || owner().is_closing()) return;
  if (is_writing()) reset(code);
  if (is_reading() && !at_eof()) stop(code);
}

nb::object AsyncStreamObject::wait_closed() {
  owner().check_thread();
  if (dirty_) flush_now();
  if (!mailbox_->arm_over()) return nb::none();
  return wait(closed_);
}

void AsyncStreamObject::set_priority(std::uint16_t priority) {
  owner().check_thread();
  priority_ = priority;
  if (!mailbox_->is_over()) static_cast<void>(stream_.set_priority(priority));
}

std::string AsyncStreamObject::describe() const {
  std::string text = "<Stream " + std::to_string(id_) + (local_ ? " local" : " remote") +
                     (unidirectional_ ? " unidirectional" : " bidirectional");
  if (mailbox_->is_over()) return text + " over>";
  if (can_receive()) text += ended_ ? " at eof" : stopped_ ? " stopped" : " reading";
  if (can_send()) text += reset_ ? " reset" : fin_wanted_ ? " finished" : " writing";
  return text + ">";
}

int AsyncStreamObject::traverse(visitproc visit, void* arg) const {
  Py_VISIT(connection_.ptr());
  for (const AsyncWaiters* const waiters : {&readers_, &writers_, &closed_}) {
    if (const int result = waiters->traverse(visit, arg)) return result;
  }
  return 0;
}

void AsyncStreamObject::clear_references() noexcept {
  readers_.clear();
  writers_.clear();
  closed_.clear();
}

}  // namespace msquic_py::python
