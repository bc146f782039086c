#include "quic/close_phrase.h"

#include <new>

#include "quic/background.h"
#include "quic/callback_scope.h"
#include "quic/connection_state.h"

namespace msquic_py::quic {

void ClosePhrase::attach(ConnectionState& connection, std::string_view phrase) noexcept {
  ClosePhrase* self = nullptr;
  try {
    self = new ClosePhrase(connection, phrase);
  } catch (const std::bad_alloc&) {
    return;  // the code is what matters
  }
  if (!connection.gate().enter()) {
    delete self;
    return;
  }
  connection.retain();
  if (QUIC_FAILED(api().StreamOpen(connection.handle(), QUIC_STREAM_OPEN_FLAG_UNIDIRECTIONAL, &ClosePhrase::callback,
                                   self, &self->stream_))) {
    return self->close();
  }
  const auto flags = static_cast<QUIC_STREAM_START_FLAGS>(QUIC_STREAM_START_FLAG_PRIORITY_WORK |
                                                          QUIC_STREAM_START_FLAG_SHUTDOWN_ON_FAIL);
  if (QUIC_SUCCEEDED(api().StreamStart(self->stream_, flags))) return;
  // Closing a stream waits for the worker.
  if (CallbackScope::in_callback_of(connection)) return self->close();
  run_in_background([self] { self->close(); });
}

QUIC_STATUS QUIC_API ClosePhrase::callback(HQUIC, void* context, QUIC_STREAM_EVENT* event) noexcept {
  auto& self = *static_cast<ClosePhrase*>(context);
  if (self.closing_) return QUIC_STATUS_SUCCESS;
  const CallbackScope scope(self.connection_);
  switch (event->Type) {
    case QUIC_STREAM_EVENT_START_COMPLETE:
      if (QUIC_FAILED(event->START_COMPLETE.Status)) self.set();
      break;
    case QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE:
      self.set();
      self.close();
      break;
    default: break;
  }
  return QUIC_STATUS_SUCCESS;
}

void ClosePhrase::set() noexcept {
  // When the peer closed first, the phrase that MsQuic has is the peer's.
  if (connection_.close_reason().cause != CloseReason::Cause::LocalApplication) return;
  static_cast<void>(api().SetParam(connection_.handle(), QUIC_PARAM_CONN_CLOSE_REASON_PHRASE,
                                   static_cast<std::uint32_t>(phrase_.size() + 1), phrase_.c_str()));
}

void ClosePhrase::close() noexcept {
  ConnectionState& connection = connection_;
  closing_ = true;
  if (stream_ != nullptr) api().StreamClose(stream_);
  delete this;
  if (connection.gate().leave()) connection.close_handle();
  connection.release();
}

}  // namespace msquic_py::quic
