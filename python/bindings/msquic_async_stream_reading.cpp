// What a stream of msquic.asyncio does to be read.
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "msquic_async_connection.h"
#include "msquic_async_stream.h"
#include "msquic_errors.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

constexpr std::uint64_t kLandingSize = 1024 * 1024;  // what an iteration gives at most
constexpr std::uint64_t kWorthLanding = 32 * 1024;   // a reader that gets so much at a time gets it with one copy
constexpr std::uint64_t kWorthKeeping = 16 * 1024;   // a landing with less is copied out of and used again
constexpr std::uint64_t kEverything = std::uint64_t{1} << 62;

nb::object bytes_object(const char* data, std::size_t size) {
  nb::object bytes = nb::steal(PyBytes_FromStringAndSize(data, static_cast<Py_ssize_t>(size)));
  if (!bytes.is_valid()) nb::raise_python_error();
  return bytes;
}

/// The first `size` bytes of `whole`, a bytes object of kLandingSize bytes that nobody else has seen yet; takes it
/// over.
nb::object shortened(PyObject* whole, std::size_t size) {
  if (size == kLandingSize) return nb::steal(whole);
#if defined(Py_LIMITED_API)
  // The stable ABI has no way to change an object's size.
  const nb::object held = nb::steal(whole);
  return bytes_object(PyBytes_AsString(whole), size);
#else
  if (_PyBytes_Resize(&whole, static_cast<Py_ssize_t>(size)) != 0) nb::raise_python_error();
  return nb::steal(whole);
#endif
}

}  // namespace

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
  taken(count);
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
  guard_thread();
  if (most == 0) return bytes_object("", 0);
  if (landing_.is_valid() && buffered_ == 0) {
    if (nb::object landed = take_landing(most); landed.is_valid()) return landed;
  }
  Fill outcome = Fill::Enough;
  if (buffered_ < most) outcome = fill(std::max<std::uint64_t>(buffered_, 1));
  if (buffered_ != 0) return cut(std::min(most, buffered_));
  if (outcome == Fill::End) return bytes_object("", 0);
  if (outcome == Fill::Broken) raise_incoming_end();
  nb::object future = readable();
  if (usually_taken_ >= kWorthLanding && most >= kLandingSize) offer_landing();
  return future;
}

void AsyncStreamObject::taken(std::uint64_t count) noexcept { usually_taken_ = (3 * usually_taken_ + count) / 4; }

void AsyncStreamObject::offer_landing() {
  if (!landing_.is_valid()) {
    landing_ = nb::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(kLandingSize)));
    if (!landing_.is_valid()) nb::raise_python_error();
  }
  mailbox_->begin_landing({reinterpret_cast<std::uint8_t*>(PyBytes_AsString(landing_.ptr())), kLandingSize});
}

nb::object AsyncStreamObject::take_landing(std::uint64_t most) {
  const std::size_t landed = mailbox_->end_landing();
  if (landed == 0) return {};
  const char* const data = PyBytes_AsString(landing_.ptr());
  if (landed > most) {
    slices_.push_back(base::SharedBytes::copy_of({reinterpret_cast<const std::uint8_t*>(data), landed}));
    buffered_ += landed;
    return {};
  }
  nb::object bytes;
  if (landed < kWorthKeeping) {
    bytes = bytes_object(data, landed);
  } else {
    bytes = shortened(landing_.release().ptr(), landed);
  }
  taken(landed);
  if (mailbox_->bytes_taken(landed)) static_cast<void>(stream_.resume_receive());
  // What comes while the reader works on these has a place to go too.
  if (usually_taken_ >= kWorthLanding) offer_landing();
  return bytes;
}

nb::object AsyncStreamObject::take_all(std::uint64_t most) {
  guard_thread();
  most = std::min(most, kEverything - 1);
  switch (fill(most + 1)) {
    case Fill::Enough: raise_overrun(most); break;
    case Fill::End: return buffered_ == 0 ? bytes_object("", 0) : cut(buffered_);
    case Fill::Broken: raise_incoming_end(); break;
    case Fill::Waiting: break;
  }
  return readable();
}

void AsyncStreamObject::raise_overrun(std::uint64_t most) const {
  const std::string text = "the peer sent more than the " + std::to_string(most) + " bytes that read() was to return";
  const nb::object type = nb::module_::import_("asyncio").attr("LimitOverrunError");
  PyErr_SetObject(type.ptr(), type(text.c_str(), buffered_).ptr());
  throw nb::python_error();
}

nb::object AsyncStreamObject::take_exactly(std::uint64_t count) {
  guard_thread();
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
  guard_thread();
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
  guard_thread();
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

void AsyncStreamObject::stop(std::uint64_t code) {
  owner().check_thread();
  if (!can_receive()) raise_named("InvalidState", "the stream is unidirectional and was opened here: reset() it");
  if (stopped_) return;
  if (!started_) owner().channel().flush();
  stopped_ = true;
  if (landing_.is_valid()) static_cast<void>(take_landing(0));
  const bool finished = ended_;
  static_cast<void>(mailbox_->bytes_taken(buffered_));
  slices_.clear();
  first_ = 0;
  buffered_ = searched_ = 0;
  ended_ = false;
  if (!finished && !mailbox_->is_over()) or_raise(stream_.abort_receive(code));
  wake_reader();
  let_go();
}

}  // namespace msquic_py::python
