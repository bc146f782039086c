#include "moqt/session/request_path/message_stream.h"

#include <utility>

namespace msquic_py::moqt::session {

void MessageStream::feed(base::Bytes bytes) {
  if (may_skip_stream_type_ && !bytes.empty()) {
    may_skip_stream_type_ = false;
    if (bytes.front() == 0x00) bytes = bytes.subspan(1);
  }
  if (partial_.empty()) {
    unread_ = bytes;
  } else {
    partial_.insert(partial_.end(), bytes.begin(), bytes.end());
    unread_ = partial_;
  }
}

void MessageStream::suspend() {
  if (partial_.empty() || unread_.size() != partial_.size()) {
    partial_ = base::ByteVector(unread_.begin(), unread_.end());
  }
  unread_ = {};
}

base::Decoded<wire::ControlMessage> MessageStream::next() {
  auto decoded = codec_.decode_control_message(unread_);
  if (decoded.ok()) {
    message_size_ = decoded->size;
    unread_ = unread_.subspan(decoded->size);
    return std::move(decoded->message);
  }
  if (decoded.violated() && empty_namespaces_) {
    if (auto tolerated = codec_.decode_empty_namespace(unread_)) {
      message_size_ = tolerated->size;
      unread_ = unread_.subspan(tolerated->size);
      return std::move(tolerated->message);
    }
  }
  if (decoded.needs_more()) {  // [d15 §10.4-2]
    // A message that grows by small pieces stays where it is: copying it each time would cost its square.
    suspend();
    partial_memory_.set(partial_.capacity());
  }
  return decoded.failure<wire::ControlMessage>();
}

}  // namespace msquic_py::moqt::session
