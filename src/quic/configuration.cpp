#include "quic/configuration.h"

#include "quic/certificate_check.h"
#include "quic/configuration_state.h"
#include "quic/credential_files.h"
#include "quic/library.h"
#include "quic/registration_state.h"

namespace msquic_py::quic {
namespace {

QUIC_SETTINGS to_msquic(const Settings& in) noexcept {
  QUIC_SETTINGS out{};
#define MSQUIC_PY_SET(field, member)                           \
  if (in.field) {                                              \
    out.member = static_cast<decltype(out.member)>(*in.field); \
    out.IsSet.member = 1;                                      \
  }
// Bit-fields have no decltype that a cast could name; each is one or two bits wide.
#define MSQUIC_PY_SET_BITS(field, member, mask)                 \
  if (in.field) {                                               \
    out.member = static_cast<std::uint8_t>(*in.field) & (mask); \
    out.IsSet.member = 1;                                       \
  }
  MSQUIC_PY_SET(idle_timeout_ms, IdleTimeoutMs)
  MSQUIC_PY_SET(handshake_idle_timeout_ms, HandshakeIdleTimeoutMs)
  MSQUIC_PY_SET(disconnect_timeout_ms, DisconnectTimeoutMs)
  MSQUIC_PY_SET(keep_alive_interval_ms, KeepAliveIntervalMs)
  MSQUIC_PY_SET(peer_bidi_stream_count, PeerBidiStreamCount)
  MSQUIC_PY_SET(peer_unidi_stream_count, PeerUnidiStreamCount)
  MSQUIC_PY_SET(congestion_control, CongestionControlAlgorithm)
  MSQUIC_PY_SET(stream_recv_window, StreamRecvWindowDefault)
  MSQUIC_PY_SET(stream_recv_window_bidi_local, StreamRecvWindowBidiLocalDefault)
  MSQUIC_PY_SET(stream_recv_window_bidi_remote, StreamRecvWindowBidiRemoteDefault)
  MSQUIC_PY_SET(stream_recv_window_unidi, StreamRecvWindowUnidiDefault)
  MSQUIC_PY_SET(stream_recv_buffer, StreamRecvBufferDefault)
  MSQUIC_PY_SET(conn_flow_control_window, ConnFlowControlWindow)
  MSQUIC_PY_SET(max_ack_delay_ms, MaxAckDelayMs)
  MSQUIC_PY_SET(initial_rtt_ms, InitialRttMs)
  MSQUIC_PY_SET(initial_window_packets, InitialWindowPackets)
  MSQUIC_PY_SET(send_idle_timeout_ms, SendIdleTimeoutMs)
  MSQUIC_PY_SET(minimum_mtu, MinimumMtu)
  MSQUIC_PY_SET(maximum_mtu, MaximumMtu)
  MSQUIC_PY_SET(max_operations_per_drain, MaxOperationsPerDrain)
  MSQUIC_PY_SET_BITS(datagram_receive_enabled, DatagramReceiveEnabled, 1)
  MSQUIC_PY_SET_BITS(server_resumption_level, ServerResumptionLevel, 3)
  MSQUIC_PY_SET_BITS(send_buffering_enabled, SendBufferingEnabled, 1)
  MSQUIC_PY_SET_BITS(pacing_enabled, PacingEnabled, 1)
  MSQUIC_PY_SET_BITS(migration_enabled, MigrationEnabled, 1)
  MSQUIC_PY_SET_BITS(ecn_enabled, EcnEnabled, 1)
#undef MSQUIC_PY_SET
#undef MSQUIC_PY_SET_BITS
  return out;
}

Error wrong_alpns() { return Error::own(Status::InvalidParameter, "give at least one ALPN, each 1 to 255 bytes long"); }

/// Loads `credentials` into the configuration; the strings MsQuic points to only need to live during the call.
QUIC_STATUS load_credentials(HQUIC configuration, const Credentials& credentials) noexcept {
  QUIC_CREDENTIAL_CONFIG config{};
  unsigned flags = QUIC_CREDENTIAL_FLAG_NONE;
  QUIC_CERTIFICATE_FILE file{};
  QUIC_CERTIFICATE_FILE_PROTECTED protected_file{};
  if (credentials.certificate_file.empty()) {
    config.Type = QUIC_CREDENTIAL_TYPE_NONE;
  } else if (credentials.private_key_password.empty()) {
    file.CertificateFile = credentials.certificate_file.c_str();
    file.PrivateKeyFile = credentials.private_key_file.c_str();
    config.Type = QUIC_CREDENTIAL_TYPE_CERTIFICATE_FILE;
    config.CertificateFile = &file;
  } else {
    protected_file.CertificateFile = credentials.certificate_file.c_str();
    protected_file.PrivateKeyFile = credentials.private_key_file.c_str();
    protected_file.PrivateKeyPassword = credentials.private_key_password.c_str();
    config.Type = QUIC_CREDENTIAL_TYPE_CERTIFICATE_FILE_PROTECTED;
    config.CertificateFileProtected = &protected_file;
  }
  if (credentials.role == Credentials::Role::Client) {
    flags |= QUIC_CREDENTIAL_FLAG_CLIENT;
    const bool pinned = !credentials.pinned_sha256.empty();
    if (credentials.no_certificate_validation || pinned) flags |= QUIC_CREDENTIAL_FLAG_NO_CERTIFICATE_VALIDATION;
    if (pinned || !credentials.no_certificate_validation) {
      flags |= QUIC_CREDENTIAL_FLAG_INDICATE_CERTIFICATE_RECEIVED;
      if (kPortableCertificates) flags |= QUIC_CREDENTIAL_FLAG_USE_PORTABLE_CERTIFICATES;
    }
  } else if (credentials.require_client_certificate) {
    flags |= QUIC_CREDENTIAL_FLAG_REQUIRE_CLIENT_AUTHENTICATION;
  }
  if (!credentials.ca_file.empty()) {
    flags |= QUIC_CREDENTIAL_FLAG_SET_CA_CERTIFICATE_FILE;
    config.CaCertificateFile = credentials.ca_file.c_str();
  }
  config.Flags = static_cast<QUIC_CREDENTIAL_FLAGS>(flags);
  return api().ConfigurationLoadCredential(configuration, &config);
}

}  // namespace

ConfigurationState::ConfigurationState(RegistrationState& registration, HQUIC handle, Credentials credentials) noexcept
    : registration_(registration), handle_(handle), credentials_(std::move(credentials)) {
  registration_.child_opened(ObjectKind::Configuration);
}

void ConfigurationState::release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  api().ConfigurationClose(handle_);
  RegistrationState& registration = registration_;
  delete this;
  registration.child_closed(ObjectKind::Configuration);
}

std::string ConfigurationState::trust() const {
  if (!credentials_.pinned_sha256.empty()) {
    std::string text = "pinned";
    for (const std::string& pin : credentials_.pinned_sha256) text += ":" + pin;
    return text;
  }
  if (credentials_.no_certificate_validation) return "none";
  return credentials_.ca_file.empty() ? "system" : "ca:" + credentials_.ca_file;
}

void retain_user(ConfigurationState& state) noexcept { state.retain(); }
void release_user(ConfigurationState& state) noexcept {
  if (!Library::forked()) state.release();
}

Result<Configuration> Configuration::open(const Registration& registration, std::span<const std::string> alpns,
                                          const Settings& settings, const Credentials& credentials) {
  if (auto error = unusable()) return base::Failure{*error};
  if (!registration) return base::Failure{closed_handle("the registration")};
  if (alpns.empty()) return base::Failure{wrong_alpns()};
  std::vector<QUIC_BUFFER> buffers;
  for (const std::string& alpn : alpns) {
    if (alpn.empty() || alpn.size() > 255) return base::Failure{wrong_alpns()};
    buffers.push_back(
        {static_cast<std::uint32_t>(alpn.size()), reinterpret_cast<std::uint8_t*>(const_cast<char*>(alpn.data()))});
  }
  if (auto checked = check_credential_files(credentials); !checked) return base::Failure{checked.error()};

  RegistrationState& parent = *registration.state();
  const QUIC_SETTINGS converted = to_msquic(settings);
  HQUIC handle = nullptr;
  QUIC_STATUS status =
      api().ConfigurationOpen(parent.handle(), buffers.data(), static_cast<std::uint32_t>(buffers.size()), &converted,
                              sizeof(converted), nullptr, &handle);
  if (QUIC_FAILED(status))
    return base::Failure{Error::from_raw(status, "opening a configuration (is a setting out of range?)")};
  status = load_credentials(handle, credentials);
  if (QUIC_FAILED(status)) {
    api().ConfigurationClose(handle);
    return base::Failure{Error::from_raw(status, "loading the credentials")};
  }
  Configuration configuration;
  configuration.state_ = UserReference<ConfigurationState>::adopt(*new ConfigurationState(parent, handle, credentials));
  return configuration;
}

}  // namespace msquic_py::quic
