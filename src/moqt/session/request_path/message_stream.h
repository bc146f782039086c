#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/decoded.h"
#include "base/ledger/account.h"
#include "moqt/session/session_config.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::session {

/// Cuts a stream of messages apart. Bytes are copied only while a message is incomplete.
class MessageStream {
 public:
  MessageStream(const wire::Codec& codec, const SessionConfig& config, bool may_begin_with_stream_type) noexcept
      : partial_memory_(config.account),
        codec_(codec),
        may_skip_stream_type_(may_begin_with_stream_type),
        empty_namespaces_(config.tolerances.empty_namespace_prefix) {}

  /// More bytes; next() has said NeedMore, or this is the first call.
  void feed(base::Bytes bytes);
  /// The next message. What feed() was given must stay alive until NeedMore.
  base::Decoded<wire::ControlMessage> next();
  /// Bytes of the message that next() has returned.
  [[nodiscard]] std::size_t message_size() const noexcept { return message_size_; }
  /// Keeps what has not been read, although next() may have more: feed() goes on with it, even with no bytes.
  void suspend();
  /// Bytes that suspend(), or a message that is not complete, keeps.
  [[nodiscard]] std::size_t kept() const noexcept { return partial_.size(); }

 private:
  base::Bytes unread_;
  base::ByteVector partial_;
  base::Charge partial_memory_;
  std::size_t message_size_ = 0;
  const wire::Codec& codec_;
  bool may_skip_stream_type_;  ///< the tolerance `leading-stream-type`; spent with the first byte
  bool empty_namespaces_;
};

}  // namespace msquic_py::moqt::session
