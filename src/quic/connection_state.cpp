#include "quic/connection_state.h"

#include <cstring>

#include "quic/background.h"
#include "quic/callback_scope.h"
#include "quic/close_phrase.h"
#include "quic/configuration_state.h"
#include "quic/library.h"
#include "quic/platform_address.h"
#include "quic/resumption_ticket.h"

namespace msquic_py::quic {
namespace {

constexpr std::uint64_t kLargestCode = (std::uint64_t{1} << 62) - 1;

}  // namespace

ConnectionState::ConnectionState(RegistrationState& registration, bool server)
    : registration_(registration), server_(server) {}

ConnectionState::~ConnectionState() { drop_configuration(); }

void ConnectionState::drop_configuration() noexcept {
  ConfigurationState* configuration = nullptr;
  {
    const std::lock_guard lock(mutex_);
    std::swap(configuration, configuration_);
  }
  if (configuration != nullptr) configuration->release();
}

Result<ConnectionState*> ConnectionState::open(RegistrationState& registration,
                                               std::shared_ptr<ConnectionHandler> handler) {
  auto* const state = new ConnectionState(registration, false);
  state->datagram_listener_ = handler;
  state->handler_ = std::move(handler);
  const QUIC_STATUS status = api().ConnectionOpenInPartition(registration.handle(), next_partition(),
                                                             &ConnectionState::callback, state, &state->handle_);
  if (QUIC_FAILED(status)) {
    static_cast<void>(state->gate_.shut());
    state->release();
    return base::Failure{Error::from_raw(status, "opening a connection")};
  }
  state->retain();  // MsQuic's
  registration.child_opened(ObjectKind::Connection);
  registration.add(*state);
  return state;
}

ConnectionState* ConnectionState::offered(RegistrationState& registration, HQUIC handle,
                                          const QUIC_NEW_CONNECTION_INFO& info, std::shared_ptr<ListenerRun> run) {
  auto* const state = new ConnectionState(registration, true);
  state->handle_ = handle;
  state->run_ = std::move(run);
  state->start_requested_.store(true, std::memory_order_relaxed);
  if (info.LocalAddress != nullptr) state->local_ = from_msquic(*info.LocalAddress);
  if (info.RemoteAddress != nullptr) state->remote_ = from_msquic(*info.RemoteAddress);
  if (info.ServerName != nullptr) state->server_name_.assign(info.ServerName, info.ServerNameLength);
  // Decided with the ClientHello; early streams come before the handshake is complete.
  if (info.NegotiatedAlpn != nullptr)
    state->alpn_.assign(reinterpret_cast<const char*>(info.NegotiatedAlpn), info.NegotiatedAlpnLength);
  return state;
}

void ConnectionState::take_over(std::shared_ptr<ConnectionHandler> handler, HandshakeDeadlines* deadlines) noexcept {
  {
    const std::lock_guard lock(mutex_);
    datagram_listener_ = handler;
  }
  handler_ = std::move(handler);
  if (deadlines != nullptr) deadline_ = deadlines->begin(*this);
  retain();  // MsQuic's
  registration_.child_opened(ObjectKind::Connection);
  registration_.add(*this);
  api().SetCallbackHandler(handle_, reinterpret_cast<void*>(&ConnectionState::callback), this);
  {
    const CallbackScope scope(*this);
    apply_own_settings(configuration_->settings());
  }
  report_what_came_before();
  answer_what_is_not_asked();
}

void ConnectionState::disown() noexcept {
  run_.reset();
  closing_.store(true, std::memory_order_release);
  static_cast<void>(gate_.shut());
}

void ConnectionState::release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void ConnectionState::release_user() noexcept {
  if (users_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (!Library::finalizing() && !closing_.load(std::memory_order_acquire)) static_cast<void>(shutdown(0, {}, false));
  release();
}

void ConnectionState::close_handle() const noexcept {
  auto* const self = const_cast<ConnectionState*>(this);  // closing is not something a caller of a const method sees
  if (CallbackScope::in_callback_of(*this)) {
    self->close_now();
  } else {
    run_in_background([self] { self->close_now(); });
  }
}

void ConnectionState::close_now() noexcept {
  // Kept by the open handle until child_closed().
  RegistrationState& registration = registration_;
  registration.remove(*this);
  api().ConnectionClose(handle_);
  run_.reset();
  deliver_shutdown(close_reason());
  drop_configuration();
  release();  // MsQuic's
  registration.child_closed(ObjectKind::Connection);
}

Result<void> ConnectionState::set_configuration(const Configuration& configuration) noexcept {
  const Inside inside(*this);
  if (!inside) return base::Failure{closed_handle("the connection")};
  if (!configuration) return base::Failure{closed_handle("the configuration")};
  if (!server_ || configured_.exchange(true, std::memory_order_acq_rel)) {
    return base::Failure{Error::own(Status::InvalidState, "a configuration is set once, on a server's connection")};
  }
  // Here before MsQuic has it: a certificate is only judged by a configuration.
  configuration.state()->retain();
  {
    const std::lock_guard lock(mutex_);
    configuration_ = configuration.state();
  }
  takes_early_data_.store(configuration.state()->takes_early_data(), std::memory_order_release);
  QUIC_STATUS status = begin_key_log(*configuration.state());
  if (QUIC_SUCCEEDED(status)) status = api().ConnectionSetConfiguration(handle_, configuration.state()->handle());
  if (QUIC_SUCCEEDED(status)) return {};
  drop_configuration();
  configured_.store(false, std::memory_order_release);
  return base::Failure{Error::from_raw(status, "setting a connection's configuration")};
}

Result<void> ConnectionState::shutdown(std::uint64_t code, std::string_view reason, bool silent) noexcept {
  if (code > kLargestCode)
    return base::Failure{Error::own(Status::InvalidParameter, "an error code is at most 2^62 - 1")};
  if (reason.size() > Connection::kLongestReason) {
    return base::Failure{Error::own(Status::InvalidParameter, "a reason phrase is at most 511 bytes")};
  }
  const Inside inside(*this);
  if (!inside) return {};  // it is over
  CloseReason cause;
  cause.cause = CloseReason::Cause::LocalApplication;
  cause.code = code;
  cause.message = "closed by this side's application";
  set_cause(std::move(cause));
  // MsQuic would send the second code when it has not acted on the first one yet.
  if (closing_.exchange(true, std::memory_order_acq_rel) && !silent) return {};
  if (!reason.empty() && !silent) ClosePhrase::attach(*this, reason);
  api().ConnectionShutdown(handle_, silent ? QUIC_CONNECTION_SHUTDOWN_FLAG_SILENT : QUIC_CONNECTION_SHUTDOWN_FLAG_NONE,
                           code);
  return {};
}

// On the background thread. A handshake that completes in the very moment is over all the same.
void ConnectionState::end_handshake(std::chrono::milliseconds allowed) noexcept {
  const Inside inside(*this);
  if (!inside || connected_.load(std::memory_order_acquire)) return;
  CloseReason cause;
  cause.cause = CloseReason::Cause::Transport;
  cause.status = Status::HandshakeTimeout;
  cause.message = "the handshake was not complete within the " + std::to_string(allowed.count()) +
                  " ms that the listener allows [HandshakeTimeout]";
  set_cause(std::move(cause));
  if (closing_.exchange(true, std::memory_order_acq_rel)) return;
  api().ConnectionShutdown(handle_, QUIC_CONNECTION_SHUTDOWN_FLAG_NONE, 0);
}

bool ConnectionState::add(StreamState& stream) noexcept {
  const std::lock_guard lock(mutex_);
  if (streams_over_) return false;
  streams_.push(stream);
  return true;
}

void ConnectionState::remove(StreamState& stream) noexcept {
  const std::lock_guard lock(mutex_);
  streams_.remove(stream);
}

void ConnectionState::set_cause(CloseReason reason) noexcept {
  const std::lock_guard lock(mutex_);
  if (reason_.cause == CloseReason::Cause::None) reason_ = std::move(reason);
}

Address ConnectionState::local_address() const {
  const std::lock_guard lock(mutex_);
  return local_;
}
Address ConnectionState::remote_address() const {
  const std::lock_guard lock(mutex_);
  return remote_;
}
std::string ConnectionState::server_name() const {
  const std::lock_guard lock(mutex_);
  return server_name_;
}
std::string ConnectionState::negotiated_alpn() const {
  const std::lock_guard lock(mutex_);
  return alpn_;
}
std::optional<HandshakeInfo> ConnectionState::handshake() const {
  const std::lock_guard lock(mutex_);
  return handshake_;
}
base::ByteVector ConnectionState::original_destination_cid() const {
  const std::lock_guard lock(mutex_);
  return original_destination_cid_;
}
CloseReason ConnectionState::close_reason() const {
  const std::lock_guard lock(mutex_);
  return reason_;
}

}  // namespace msquic_py::quic
