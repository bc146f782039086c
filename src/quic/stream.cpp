#include "quic/stream.h"

#include "quic/connection_state.h"
#include "quic/library.h"
#include "quic/send_record.h"
#include "quic/stream_state.h"

namespace msquic_py::quic {

void retain_user(StreamState& state) noexcept { state.retain_user(); }
void release_user(StreamState& state) noexcept {
  if (!Library::forked()) state.release_user();
}

namespace {

/// Why `state` cannot be used; nothing when it can.
std::optional<Error> check(const StreamState* state) {
  if (auto error = unusable()) return error;
  if (state == nullptr) return closed_handle("the stream");
  return std::nullopt;
}

std::optional<Error> check_size(std::size_t size) {
  if (size <= UINT32_MAX) return std::nullopt;
  return Error::own(Status::InvalidParameter, "a single send carries at most 4 GiB - 1; split it");
}

}  // namespace

Result<void> Stream::start(StreamStartFlags flags) noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->start(flags);
}

Result<SendOutcome> Stream::send(std::span<const base::SharedBytes> buffers, SendFlags flags,
                                 std::uint64_t token) noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  for (const base::SharedBytes& buffer : buffers) {
    if (auto error = check_size(buffer.size())) return base::Failure{*error};
  }
  SendRecord* const record = state()->connection().send_records().take();
  record->token = token;
  for (const base::SharedBytes& buffer : buffers) {
    record->add(buffer.view());
    record->retained.push_back(buffer);
  }
  return state()->send(record, flags);
}

Result<SendOutcome> Stream::send_borrowed(std::span<const base::Bytes> buffers, SendFlags flags,
                                          std::uint64_t token) noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  for (const base::Bytes& buffer : buffers) {
    if (auto error = check_size(buffer.size())) return base::Failure{*error};
  }
  SendRecord* const record = state()->connection().send_records().take();
  record->token = token;
  for (const base::Bytes& buffer : buffers) record->add(buffer);
  return state()->send(record, flags);
}

Result<void> Stream::finish() noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->shut_down(QUIC_STREAM_SHUTDOWN_FLAG_GRACEFUL, 0);
}

Result<void> Stream::abort_send(std::uint64_t code) noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->shut_down(QUIC_STREAM_SHUTDOWN_FLAG_ABORT_SEND, code);
}

Result<void> Stream::abort_receive(std::uint64_t code) noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->shut_down(QUIC_STREAM_SHUTDOWN_FLAG_ABORT_RECEIVE, code);
}

Result<void> Stream::abort(std::uint64_t code, bool immediate) noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  unsigned flags = QUIC_STREAM_SHUTDOWN_FLAG_ABORT_SEND | QUIC_STREAM_SHUTDOWN_FLAG_ABORT_RECEIVE;
  if (immediate) flags |= QUIC_STREAM_SHUTDOWN_FLAG_IMMEDIATE;
  return state()->shut_down(static_cast<QUIC_STREAM_SHUTDOWN_FLAGS>(flags), code);
}

void Stream::set_abandon_code(std::uint64_t code) noexcept {
  if (!check(state())) state()->set_abandon_code(code);
}

Result<void> Stream::resume_receive() noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->resume_receive();
}

Result<void> Stream::set_priority(std::uint16_t priority) noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->set_priority(priority);
}

Result<StreamStatistics> Stream::statistics() {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->statistics();
}

std::optional<std::uint64_t> Stream::id() const noexcept { return state() != nullptr ? state()->id() : std::nullopt; }
StreamDirection Stream::direction() const noexcept {
  return state() != nullptr ? state()->direction() : StreamDirection::Bidirectional;
}
bool Stream::is_local() const noexcept { return state() != nullptr && state()->is_local(); }
bool Stream::is_early_data() const noexcept { return state() != nullptr && state()->is_early_data(); }
bool Stream::is_closed() const noexcept { return state() == nullptr || state()->is_closed(); }

}  // namespace msquic_py::quic
