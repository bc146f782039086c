#include "quic/connection.h"

#include "quic/connection_state.h"
#include "quic/library.h"
#include "quic/registration_state.h"

namespace msquic_py::quic {

void retain_user(ConnectionState& state) noexcept { state.retain_user(); }
void release_user(ConnectionState& state) noexcept {
  if (!Library::forked()) state.release_user();
}

namespace {

std::optional<Error> check(const ConnectionState* state) {
  if (auto error = unusable()) return error;
  if (state == nullptr) return closed_handle("the connection");
  return std::nullopt;
}

/// False in a forked child, where the mutex may be held for ever by a thread that is gone.
bool readable(const ConnectionState* state) noexcept { return state != nullptr && !Library::forked(); }

}  // namespace

Result<Connection> Connection::open(const Registration& registration, std::shared_ptr<ConnectionHandler> handler) {
  if (auto error = unusable()) return base::Failure{*error};
  if (!registration) return base::Failure{closed_handle("the registration")};
  if (!handler) return base::Failure{Error::own(Status::InvalidParameter, "a connection needs a handler")};
  auto opened = ConnectionState::open(*registration.state(), std::move(handler));
  if (!opened) return base::Failure{opened.error()};
  return Connection(UserReference<ConnectionState>::adopt(**opened));
}

Result<void> Connection::set_local_address(const Address& address) noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->set_local_address(address);
}

Result<void> Connection::set_resumption_ticket(base::Bytes ticket) {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->set_resumption_ticket(ticket);
}

Result<void> Connection::start(const Configuration& configuration, const std::string& host, std::uint16_t port) {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->start(configuration, host, std::nullopt, port);
}

Result<void> Connection::start(const Configuration& configuration, const std::string& server_name,
                               const Address& remote) {
  if (auto error = check(state())) return base::Failure{*error};
  if (remote.family() == Address::Family::Unspecified) {
    return base::Failure{Error::own(Status::InvalidParameter, "the server's address is unspecified")};
  }
  return state()->start(configuration, server_name, remote, remote.port());
}

Result<void> Connection::set_configuration(const Configuration& configuration) noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->set_configuration(configuration);
}

Result<Stream> Connection::open_stream(StreamDirection direction, std::shared_ptr<StreamHandler> handler,
                                       bool allow_zero_rtt) {
  if (auto error = check(state())) return base::Failure{*error};
  if (!handler) return base::Failure{Error::own(Status::InvalidParameter, "a stream needs a handler")};
  auto opened = StreamState::open(*state(), direction, std::move(handler), allow_zero_rtt);
  if (!opened) return base::Failure{opened.error()};
  return Stream(UserReference<StreamState>::adopt(**opened));
}

Result<void> Connection::shutdown(std::uint64_t code, std::string_view reason) noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->shutdown(code, reason, false);
}

Result<void> Connection::shutdown_silently() noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->shutdown(0, {}, true);
}

Result<void> Connection::send_datagram(std::span<const base::SharedBytes> buffers, std::uint64_t token,
                                       DatagramSendFlags flags) noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  SendRecord* const record = state()->send_records().take();
  record->token = token;
  record->datagram_flags = flags;
  for (const base::SharedBytes& buffer : buffers) {
    record->add(buffer.view());
    record->retained.push_back(buffer);
  }
  return state()->send_datagram(record);
}

DatagramBacklog Connection::datagram_backlog() const noexcept {
  return readable(state()) ? state()->datagram_backlog() : DatagramBacklog();
}

std::uint16_t Connection::max_datagram_size() const noexcept {
  return state() != nullptr ? state()->max_datagram_size() : std::uint16_t{0};
}

Result<void> Connection::send_resumption_ticket(base::Bytes application_data, bool last) noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->send_resumption_ticket(application_data, last);
}

bool Connection::complete_certificate(bool accept, std::string_view reason) noexcept {
  if (check(state())) return false;
  return state()->complete_certificate(accept, reason);
}

base::ByteVector Connection::peer_certificate() const {
  std::vector<base::ByteVector> chain = peer_certificate_chain();
  return chain.empty() ? base::ByteVector() : std::move(chain.front());
}

std::vector<base::ByteVector> Connection::peer_certificate_chain() const {
  return readable(state()) ? state()->peer_chain() : std::vector<base::ByteVector>();
}

Result<ConnectionStatistics> Connection::statistics() const {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->statistics();
}

Result<void> Connection::set_peer_stream_counts(std::uint16_t bidirectional, std::uint16_t unidirectional) noexcept {
  Settings settings;
  settings.peer_bidi_stream_count = bidirectional;
  settings.peer_unidi_stream_count = unidirectional;
  return update_settings(settings);
}

Result<void> Connection::update_settings(const Settings& settings) {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->update_settings(settings);
}

Address Connection::local_address() const { return readable(state()) ? state()->local_address() : Address(); }
Address Connection::remote_address() const { return readable(state()) ? state()->remote_address() : Address(); }
std::string Connection::server_name() const { return readable(state()) ? state()->server_name() : std::string(); }
std::string Connection::negotiated_alpn() const {
  return readable(state()) ? state()->negotiated_alpn() : std::string();
}
std::optional<bool> Connection::early_data_accepted() const noexcept {
  return readable(state()) ? state()->early_data_accepted() : std::nullopt;
}
std::optional<HandshakeInfo> Connection::handshake() const {
  return readable(state()) ? state()->handshake() : std::nullopt;
}
base::ByteVector Connection::original_destination_cid() const {
  return readable(state()) ? state()->original_destination_cid() : base::ByteVector();
}
bool Connection::is_server() const noexcept { return state() != nullptr && state()->is_server(); }
bool Connection::is_closing() const noexcept { return state() == nullptr || state()->is_closing(); }
CloseReason Connection::close_reason() const { return readable(state()) ? state()->close_reason() : CloseReason(); }

}  // namespace msquic_py::quic
