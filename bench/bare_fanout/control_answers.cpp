#include "control_answers.h"

#include "bare_server.h"

namespace msquic_py::bench {

void ControlAnswers::attach(HQUIC stream) noexcept {
  server_.api().SetCallbackHandler(stream, reinterpret_cast<void*>(&on_stream), this);
}

void ControlAnswers::answer(HQUIC stream) {
  const int number = given_++;
  if (number > 1) return;
  static_cast<void>(server_.api().StreamSend(stream, number == 0 ? server_.server_setup() : second_, 1,
                                             QUIC_SEND_FLAG_NONE, nullptr));
  if (number == 1) answered();
}

QUIC_STATUS QUIC_API ControlAnswers::on_stream(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
  auto& self = *static_cast<ControlAnswers*>(context);
  if (event->Type == QUIC_STREAM_EVENT_RECEIVE && event->RECEIVE.TotalBufferLength != 0) self.answer(stream);
  if (event->Type == QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE) self.server_.api().StreamClose(stream);
  return QUIC_STATUS_SUCCESS;
}

}  // namespace msquic_py::bench
