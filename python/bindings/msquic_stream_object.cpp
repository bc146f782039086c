#include "msquic_arguments.h"
#include "msquic_connection.h"
#include "msquic_errors.h"
#include "msquic_flags.h"
#include "msquic_stream.h"
#include "quic/library.h"

namespace nb = nanobind;

namespace msquic_py::python {

StreamObject::StreamObject(nb::object connection, std::shared_ptr<StreamMailbox> mailbox, quic::Stream stream)
    : connection_(std::move(connection)),
      mailbox_(std::move(mailbox)),
      stream_(std::move(stream)),
      local_(stream_.is_local()),
      unidirectional_(stream_.direction() == quic::StreamDirection::Unidirectional) {}

StreamObject::~StreamObject() { mailbox_->owner().detach(); }

void StreamObject::start(quic::StreamStartFlags flags) {
  or_raise(stream_.start(flags));
  hold();
}

void StreamObject::hold() {
  const ObjectLock lock(connection_);
  if (!is_over()) nb::inst_ptr<ConnectionObject>(connection_)->hold_stream(*this);  // else it was let go already
}

void StreamObject::send(nb::handle data, unsigned flags) {
  auto in_flight = std::make_unique<SendInFlight>(data);
  const auto token = reinterpret_cast<std::uint64_t>(in_flight.get());
  const base::Bytes bytes = in_flight->buffer.bytes();
  const quic::SendOutcome outcome = or_raise(stream_.send_borrowed({&bytes, 1}, native_send_flags(flags), token));
  in_flight.release();  // the completion owns it
  if (outcome == quic::SendOutcome::NothingToSend) mailbox_->push(kSendComplete, token);
  if ((flags & send_flag::kStart) != 0) hold();
}

void StreamObject::shutdown(unsigned flags, std::uint64_t code) {
  using namespace stream_shutdown_flag;
  if (flags == 0 || ((flags & kGraceful) != 0 && flags != kGraceful)) {
    raise_named("InvalidArgument", "flags must be GRACEFUL alone, or ABORT_SEND, ABORT_RECEIVE or both");
  }
  if ((flags & kImmediate) != 0 && (flags & kAbort) != kAbort) {
    raise_named("InvalidArgument", "flags may have IMMEDIATE only together with ABORT");
  }
  if (is_over() || closed_) return;
  if (flags == kGraceful) {
    or_raise(stream_.finish());
  } else if ((flags & kAbort) == kAbort) {
    or_raise(stream_.abort(code, (flags & kImmediate) != 0));
  } else if (flags == kAbortSend) {
    or_raise(stream_.abort_send(code));
  } else {
    or_raise(stream_.abort_receive(code));
  }
}

void StreamObject::close() noexcept {
  if (closed_ || is_over()) return;
  closed_ = true;
  id_ = stream_.id();
  early_data_ = stream_.is_early_data();
  stream_ = {};
}

void StreamObject::set_handler(StreamEvent which, nb::handle handler) {
  static constexpr HandlerShape kShapes[kStreamEventCount] = {
      {"set_on_receive", {"data", "fin"}},
      {"set_on_send_complete", {"canceled", nullptr}, true},
      {"set_on_peer_send_aborted", {"code", nullptr}},
      {"set_on_peer_receive_aborted", {"code", nullptr}},
      {"set_on_start_complete", {"error", nullptr}},
      {"set_on_peer_accepted", {"stream_id", nullptr}},
      {"set_on_send_shutdown_complete", {"graceful", nullptr}},
      {"set_on_ideal_send_buffer", {"size", nullptr}},
      {"set_on_shutdown_complete", {"app_close_in_progress", nullptr}},
  };
  handlers_[which].set(handler, kShapes[which]);
  if (handlers_[which]) mailbox_->replay(which);
}

std::string StreamObject::describe() const {
  std::string text = "<Stream";
  if (const auto number = id()) text += " " + std::to_string(*number);
  text += local_ ? " local" : " remote";
  text += unidirectional_ ? " unidirectional" : " bidirectional";
  if (is_over()) return text + " over>";
  if (closed_) return text + " closed>";
  return text + (id() ? " open>" : " not started>");
}

void StreamObject::fail_connection() {
  const ObjectLock lock(connection_);
  nb::inst_ptr<ConnectionObject>(connection_)->fail();
}

void StreamObject::finish() noexcept {
  if (stream_) {
    id_ = stream_.id();
    early_data_ = stream_.is_early_data();
  }
  stream_ = {};
  for (HandlerSlot& handler : handlers_) handler.clear();
  const ObjectLock lock(connection_);
  nb::inst_ptr<ConnectionObject>(connection_)->release_stream(*this);
}

int StreamObject::traverse(visitproc visit, void* arg) const {
  Py_VISIT(connection_.ptr());
  for (const HandlerSlot& handler : handlers_) {
    if (const int result = handler.traverse(visit, arg)) return result;
  }
  return 0;
}

void StreamObject::clear_references() noexcept {
  for (HandlerSlot& handler : handlers_) handler.clear();
}

}  // namespace msquic_py::python
