#include <algorithm>
#include <cstring>
#include <string_view>
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
constexpr std::uint64_t kLandingSize = 256 * 1024;
constexpr std::uint64_t kWorthLanding = 32 * 1024;  // a reader that gets so much at a time gets it with one copy
constexpr std::uint64_t kEverything = std::uint64_t{1} << 62;

nb::object bytes_object(const char* data, std::size_t size) {
  nb::object bytes = nb::steal(PyBytes_FromStringAndSize(data, static_cast<Py_ssize_t>(size)));
  if (!bytes.is_valid()) nb::raise_python_error();
  return bytes;
}

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

// Reading

AsyncStreamObject::Fill AsyncStreamObject::fill(std::uint64_t wanted) {
  if (ended_ || buffered_ >= wanted) return buffered_ >= wanted ? Fill::Enough : Fill::End;
  if (!can_receive()) raise_named("InvalidState", "the stream is unidirectional and was opened here: it only sends");
  if (stopped_) raise_named("InvalidState", "stop() was called: nothing more is received on this stream");
  if (landing_.is_valid()) static_cast<void>(take_landing(0));
  if (buffered_ >= wanted) return Fill::Enough;
  const std::size_t before = slices_.size();
  bool resume = false;
  const AsyncStreamMailbox::Incoming incoming = mailbox_->take_received(slices_, wanted, resume);
  for (std::size_t i = before; i < slices_.size(); ++i) buffered_ += slices_[i].size();
  if (resume) static_cast<void>(stream_.resume_receive());
  early_data_ = early_data_ || incoming.early_data;
  ended_ = incoming.fin;
  if (buffered_ >= wanted) return Fill::Enough;
  if (ended_) return Fill::End;
  return incoming.reset || incoming.over ? Fill::Broken : Fill::Waiting;
}

void AsyncStreamObject::raise_incoming_end() {
  const AsyncStreamMailbox::Incoming incoming = mailbox_->incoming();
  if (incoming.reset) raise_stream_error("StreamReset", "the peer reset the stream", *incoming.reset);
  raise_over();
}

void AsyncStreamObject::raise_over() {
  const quic::Status status = mailbox_->start_status();
  if (status != quic::Status::Success && status != quic::Status::Aborted) {
    raise_error(quic::Error::own(status, std::string(quic::status_text(status))));
  }
  owner().raise_closed();
}

nb::object AsyncStreamObject::cut(std::uint64_t count) {
  const base::SharedBytes& oldest = slices_[first_];
  PyObject* const bytes = PyBytes_FromStringAndSize(
      count <= oldest.size() ? reinterpret_cast<const char*>(oldest.data()) : nullptr, static_cast<Py_ssize_t>(count));
  if (bytes == nullptr) nb::raise_python_error();
  if (count > oldest.size()) {
    char* target = PyBytes_AsString(bytes);
    std::uint64_t left = count;
    for (std::size_t i = first_; left != 0; ++i) {
      const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(left, slices_[i].size()));
      std::memcpy(target, slices_[i].data(), part);
      target += part;
      left -= part;
    }
  }
  drop(count);
  if (mailbox_->bytes_taken(count)) static_cast<void>(stream_.resume_receive());
  return nb::steal(bytes);
}

void AsyncStreamObject::drop(std::uint64_t count) noexcept {
  last_taken_ = count;
  buffered_ -= count;
  searched_ -= std::min(searched_, count);
  if (buffered_ == 0) {
    slices_.clear();
    first_ = 0;
    return;
  }
  while (count >= slices_[first_].size()) {
    count -= slices_[first_].size();
    slices_[first_++] = {};
  }
  slices_[first_] = slices_[first_].from(static_cast<std::size_t>(count));
}

nb::object AsyncStreamObject::take(std::uint64_t most) {
  if (most == 0) return bytes_object("", 0);
  if (landing_.is_valid()) {
    if (nb::object landed = take_landing(most); landed.is_valid()) return landed;
  }
  Fill outcome = Fill::Enough;
  if (buffered_ < most) outcome = fill(std::max<std::uint64_t>(buffered_, 1));
  if (buffered_ != 0) return cut(std::min(most, buffered_));
  if (outcome == Fill::End) return bytes_object("", 0);
  if (outcome == Fill::Broken) raise_incoming_end();
  nb::object future = readable();
  if (last_taken_ >= kWorthLanding) offer_landing(most);
  return future;
}

void AsyncStreamObject::offer_landing(std::uint64_t most) {
  const auto size = static_cast<std::size_t>(std::min(most, kLandingSize));
  if (size < kWorthLanding) return;
  landing_ = nb::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size)));
  if (!landing_.is_valid()) nb::raise_python_error();
  mailbox_->begin_landing({reinterpret_cast<std::uint8_t*>(PyBytes_AsString(landing_.ptr())), size});
}

nb::object AsyncStreamObject::take_landing(std::uint64_t most) {
  const std::size_t landed = mailbox_->end_landing();
  PyObject* bytes = landing_.release().ptr();
  if (landed != 0 && landed <= most) {
    // Nobody else has seen the object yet, so it may still change its size.
    if (static_cast<std::size_t>(PyBytes_Size(bytes)) != landed &&
        _PyBytes_Resize(&bytes, static_cast<Py_ssize_t>(landed)) != 0) {
      nb::raise_python_error();
    }
    last_taken_ = landed;
    if (mailbox_->bytes_taken(landed)) static_cast<void>(stream_.resume_receive());
    return nb::steal(bytes);
  }
  if (landed != 0) {
    slices_.push_back(
        base::SharedBytes::copy_of({reinterpret_cast<const std::uint8_t*>(PyBytes_AsString(bytes)), landed}));
    buffered_ += landed;
  }
  Py_DECREF(bytes);
  return {};
}

nb::object AsyncStreamObject::take_all() { return take_exactly(kEverything); }

nb::object AsyncStreamObject::take_exactly(std::uint64_t count) {
  if (count == 0) return bytes_object("", 0);
  switch (fill(count)) {
    case Fill::Enough: return cut(count);
    case Fill::End: return buffered_ == 0 ? bytes_object("", 0) : cut(buffered_);
    case Fill::Broken: raise_incoming_end();
    case Fill::Waiting: break;
  }
  return readable();
}

nb::object AsyncStreamObject::take_until(base::Bytes separator, std::uint64_t most, bool& overrun) {
  while (true) {
    if (slices_.size() - first_ > 1) join_slices();
    if (buffered_ >= separator.size()) {
      const std::string_view text = base::as_text(slices_[first_].view());
      const std::size_t found = text.find(base::as_text(separator), static_cast<std::size_t>(searched_));
      overrun = (found == std::string_view::npos ? buffered_ : found) > most;
      if (overrun) return nb::none();
      if (found != std::string_view::npos) return cut(found + separator.size());
      searched_ = buffered_ - separator.size() + 1;
    }
    switch (fill(buffered_ + 1)) {
      case Fill::Enough: break;
      case Fill::End: return buffered_ == 0 ? bytes_object("", 0) : cut(buffered_);
      case Fill::Broken: raise_incoming_end();
      case Fill::Waiting: return readable();
    }
  }
}

void AsyncStreamObject::join_slices() {
  base::ByteVector joined;
  joined.reserve(static_cast<std::size_t>(buffered_));
  for (std::size_t i = first_; i != slices_.size(); ++i) {
    joined.insert(joined.end(), slices_[i].view().begin(), slices_[i].view().end());
  }
  slices_.clear();
  first_ = 0;
  slices_.push_back(base::SharedBytes::copy_of(joined));
}

bool AsyncStreamObject::at_eof() {
  if (buffered_ != 0) return false;
  return can_receive() && !stopped_ && fill(1) == Fill::End;
}

nb::object AsyncStreamObject::readable() {
  if (readers_.has_waiting()) {
    PyErr_SetString(PyExc_RuntimeError, "another coroutine is reading from this stream already");
    throw nb::python_error();
  }
  return wait(readers_);
}

nb::object AsyncStreamObject::wait(AsyncWaiters& waiters) {
  nb::object future = owner().channel().create_future();
  waiters.add(future);
  owner().channel().hold(*this);
  return future;
}

void AsyncStreamObject::let_go() noexcept {
  if (readers_.empty() && writers_.empty() && closed_.empty()) owner().channel().release(*this);
}

void AsyncStreamObject::forget(nb::handle future) noexcept {
  for (AsyncWaiters* const waiters : {&readers_, &writers_, &closed_}) waiters->forget(future);
  let_go();
}

// Writing

void AsyncStreamObject::check_writable() {
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
  mailbox_->add_outstanding(size);
  const auto sent = stream_.send({&bytes, 1}, flags, size << 1 | 1);
  if (!sent) mailbox_->send_failed(size);
  remember_error(sent);
}

void AsyncStreamObject::send(std::unique_ptr<BorrowedSend>& borrowed, quic::SendFlags flags) {
  if (!std::exchange(started_, true)) flags = flags | quic::SendFlags::Start;
  const base::Bytes bytes = borrowed->buffer.bytes();
  mailbox_->add_outstanding(bytes.size());
  const auto sent = stream_.send_borrowed({&bytes, 1}, flags, reinterpret_cast<std::uint64_t>(borrowed.get()));
  if (sent) {
    static_cast<void>(borrowed.release());  // the completion owns it
  } else {
    mailbox_->send_failed(bytes.size());
  }
  remember_error(sent);
}

void AsyncStreamObject::send_nothing(quic::SendFlags flags) {
  if (!std::exchange(started_, true)) flags = flags | quic::SendFlags::Start;
  mailbox_->add_outstanding(0);
  const auto sent = stream_.send(std::span<const base::SharedBytes>(), flags, 1);
  if (!sent) mailbox_->send_failed(0);
  remember_error(sent);
}

std::uint64_t AsyncStreamObject::write_level() const noexcept {
  return std::max(owner().write_limit(), mailbox_->ideal_send_buffer());
}

bool AsyncStreamObject::needs_drain() {
  const std::uint64_t level = write_level();
  if (pending_bytes_ + mailbox_->outstanding() <= level) return false;
  if (pending_bytes_ != 0) flush_now();
  return mailbox_->outstanding() > level;
}

nb::object AsyncStreamObject::wait_writable(std::uint64_t level) {
  if (pending_bytes_ != 0 || dirty_) flush_now();
  if (!mailbox_->arm_writer(level)) return nb::none();
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

void AsyncStreamObject::stop(std::uint64_t code) {
  owner().check_thread();
  if (!can_receive()) raise_named("InvalidState", "the stream is unidirectional and was opened here: reset() it");
  if (stopped_) return;
  if (!started_) owner().channel().flush();
  stopped_ = true;
  if (landing_.is_valid()) static_cast<void>(take_landing(0));
  const bool finished = ended_;
  slices_.clear();
  first_ = 0;
  buffered_ = searched_ = 0;
  ended_ = false;
  if (!finished && !mailbox_->is_over()) or_raise(stream_.abort_receive(code));
  wake_reader();
  let_go();
}

nb::object AsyncStreamObject::wait_closed() {
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
