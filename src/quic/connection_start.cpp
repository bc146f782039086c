// How a client connection starts. MsQuic would resolve names on its worker and hold up every connection there, and
// parameters block until the worker is free; so both happen on other threads.
#include "quic/address_kind.h"
#include "quic/background.h"
#include "quic/certificate_check.h"
#include "quic/configuration_state.h"
#include "quic/connection_state.h"
#include "quic/platform_address.h"
#include "quic/resumption_ticket.h"

namespace msquic_py::quic {

namespace {

/// A server's certificate and its tickets are for the address; the scope means something on this machine only
/// (RFC 4007 section 11).
std::string without_scope(const std::string& host) {
  return host.find(':') == std::string::npos ? host : host.substr(0, host.find('%'));
}

}  // namespace

Result<void> ConnectionState::set_local_address(const Address& address) noexcept {
  if (server_ || start_requested_.load(std::memory_order_acquire)) {
    return base::Failure{
        Error::own(Status::InvalidState,
                   "the local address is chosen before a client connection starts; one that is connected cannot move")};
  }
  const std::lock_guard lock(mutex_);
  bind_ = address;
  return {};
}

Result<void> ConnectionState::start(const Configuration& configuration, const std::string& host,
                                    std::optional<Address> remote, std::uint16_t port) {
  if (!configuration) return base::Failure{closed_handle("the configuration")};
  if (host.empty() || host.size() > 255 || host.find('\0') != std::string::npos) {
    return base::Failure{Error::own(Status::InvalidParameter, "a host name has 1 to 255 bytes")};
  }
  if ((remote ? remote->port() : port) == 0) {
    return base::Failure{Error::own(Status::InvalidParameter, "a server's port is 1 to 65535")};
  }
  if (configuration.state()->credentials().role != Credentials::Role::Client) {
    return base::Failure{
        Error::own(Status::InvalidParameter, "a client connection needs a configuration with client credentials")};
  }
  const Inside inside(*this);
  if (!inside || is_closing()) return base::Failure{closed_handle("the connection")};
  const std::string name = without_scope(host);
  {
    const std::lock_guard lock(mutex_);
    if (const auto ticket = ResumptionTicket::decode(ticket_)) {
      const auto mismatch = [](const std::string& why) {
        return base::Failure{Error::own(Status::TicketMismatch, "the resumption ticket " + why)};
      };
      if (ticket->server_name != name) {
        return mismatch("was issued by '" + std::string(ticket->server_name) + "', not by '" + name + "'");
      }
      if (!configuration.state()->has_alpn(ticket->alpn)) {
        return mismatch("was issued for the ALPN '" + std::string(ticket->alpn) + "', which the configuration has not");
      }
      if (ticket->trust != configuration.state()->trust()) {
        return mismatch("was issued under the trust settings '" + std::string(ticket->trust) + "', not '" +
                        configuration.state()->trust() + "'");
      }
    }
    if (server_ || start_requested_.exchange(true, std::memory_order_acq_rel)) {
      return base::Failure{Error::own(Status::InvalidState, "a connection starts once; open another one to try again")};
    }
    configuration.state()->retain();
    configuration_ = configuration.state();
    server_name_ = name;
  }
  if (!remote) remote = Address::parse(host, port);
  retain();
  if (remote) {
    run_in_background([this, address = *remote] {
      finish_start(address);
      release();
    });
  } else {
    run_on_own_thread([this, host, port] {
      auto found = resolve(host, port);
      if (found)
        finish_start(found->front());
      else
        fail_start(found.error());
      release();
    });
  }
  return {};
}

void ConnectionState::finish_start(const Address& remote) noexcept {
  const Inside inside(*this);
  if (!inside || is_closing()) return;  // shut down meanwhile: SHUTDOWN_COMPLETE is on its way
  std::string name;
  Address bind;
  base::ByteVector ticket;
  ConfigurationState* configuration = nullptr;
  {
    const std::lock_guard lock(mutex_);
    name = server_name_;
    bind = bind_;
    ticket.swap(ticket_);
    configuration = configuration_;
    remote_ = remote;
  }
  if (auto unusable = check_kind(remote, "connect to")) return fail_start(std::move(*unusable));
  if (auto unusable = check_kind(bind, "connect from")) return fail_start(std::move(*unusable));
  QUIC_STATUS status = QUIC_STATUS_SUCCESS;
  const QUIC_ADDR to = to_msquic(remote);
  // Ahead of the worker's other work: this thread waits for it, and starts all connections.
  status = api().SetParam(handle_, QUIC_PARAM_HIGH_PRIORITY | QUIC_PARAM_CONN_REMOTE_ADDRESS, sizeof(to), &to);
  if (QUIC_SUCCEEDED(status) && bind != Address()) {
    const QUIC_ADDR from = to_msquic(bind);
    status = api().SetParam(handle_, QUIC_PARAM_CONN_LOCAL_ADDRESS, sizeof(from), &from);
  }
  if (const auto decoded = ResumptionTicket::decode(ticket); decoded && QUIC_SUCCEEDED(status)) {
    status = api().SetParam(handle_, QUIC_PARAM_CONN_RESUMPTION_TICKET,
                            static_cast<std::uint32_t>(decoded->opaque.size()), decoded->opaque.data());
  }
  if (QUIC_SUCCEEDED(status)) status = begin_key_log(*configuration);
  if (QUIC_SUCCEEDED(status)) {
    apply_own_settings(configuration->settings());
    // An IP literal must not go into the SNI extension (RFC 6066 section 3).
    const bool literal = Address::parse(name, 0).has_value();
    // Nor may a trailing dot.
    name = without_trailing_dot(name);
    status = api().ConnectionStart(handle_, configuration->handle(), QUIC_ADDRESS_FAMILY_UNSPEC,
                                   literal ? nullptr : name.c_str(), remote.port());
  }
  if (QUIC_FAILED(status)) fail_start(Error::from_raw(status, "connecting to " + remote.to_string()));
}

void ConnectionState::fail_start(Error error) noexcept {
  CloseReason cause;
  cause.cause = CloseReason::Cause::Transport;
  cause.status = error.status;
  cause.raw_status = error.raw;
  cause.message = std::move(error.message);
  set_cause(std::move(cause));
  closing_.store(true, std::memory_order_release);
  const Inside inside(*this);
  // MsQuic answers with SHUTDOWN_COMPLETE although the connection never started.
  if (inside) api().ConnectionShutdown(handle_, QUIC_CONNECTION_SHUTDOWN_FLAG_SILENT, 0);
}

}  // namespace msquic_py::quic
