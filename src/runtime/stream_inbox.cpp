#include "runtime/stream_inbox.h"

namespace msquic_py::runtime {

using Kind = TransportEvent::Kind;

std::uint64_t ControlStreamInbox::on_receive(const quic::ReceivedData& data) noexcept {
  if (data.size > 0 && !inbox_->push_received(Kind::ControlData, TransportEvent::kControlStream, data)) return 0;
  if (data.fin) closed();
  return data.size;
}

void ControlStreamInbox::on_send_complete(std::uint64_t bytes, bool) noexcept {
  inbox_->push({.kind = Kind::ControlSent, .code = bytes});
}

void ControlStreamInbox::on_peer_send_aborted(std::uint64_t) noexcept { closed(); }
void ControlStreamInbox::on_peer_receive_aborted(std::uint64_t) noexcept { closed(); }

void ControlStreamInbox::on_shutdown_complete(const quic::StreamShutdown& shutdown) noexcept {
  if (!shutdown.connection_shutdown) closed();
}

void ControlStreamInbox::closed() noexcept {
  if (reported_) return;
  reported_ = true;
  inbox_->push({.kind = Kind::ControlClosed});
}

std::uint64_t IncomingStreamInbox::on_receive(const quic::ReceivedData& data) noexcept {
  return inbox_->push_received(Kind::UniStreamData, id_, data) ? data.size : 0;
}

void IncomingStreamInbox::on_peer_send_aborted(std::uint64_t code) noexcept {
  inbox_->push({.kind = Kind::UniStreamReset, .id = id_, .code = code});
}

void IncomingStreamInbox::on_shutdown_complete(const quic::StreamShutdown&) noexcept {
  inbox_->push({.kind = Kind::UniStreamClosed, .id = id_});
}

void OutgoingStreamInbox::on_send_complete(std::uint64_t bytes, bool) noexcept {
  inbox_->push({.kind = Kind::StreamSent, .id = handle_, .code = bytes});
}

void OutgoingStreamInbox::on_peer_receive_aborted(std::uint64_t code) noexcept {
  inbox_->push({.kind = Kind::StreamStopped, .id = handle_, .code = code});
}

void OutgoingStreamInbox::on_shutdown_complete(const quic::StreamShutdown&) noexcept {
  inbox_->push({.kind = Kind::StreamClosed, .id = handle_});
}

}  // namespace msquic_py::runtime
