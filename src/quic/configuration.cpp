#include "quic/configuration.h"

#include <algorithm>

#include "quic/certificate_check.h"
#include "quic/configuration_state.h"
#include "quic/library.h"
#include "quic/platform_settings.h"
#include "quic/registration_state.h"
#include "quic/ticket_keys.h"

namespace msquic_py::quic {
namespace {

Error wrong_alpns() { return Error::own(Status::InvalidParameter, "give at least one ALPN, each 1 to 255 bytes long"); }

/// What MsQuic has to know about certificates.
unsigned credential_flags(const Credentials& credentials) noexcept {
  unsigned flags = QUIC_CREDENTIAL_FLAG_NONE;
  const bool client = credentials.role == Credentials::Role::Client;
  if (client) flags |= QUIC_CREDENTIAL_FLAG_CLIENT;
  if (!client && credentials.client_certificates == ClientCertificates::None) return flags;
  if (!client) flags |= QUIC_CREDENTIAL_FLAG_REQUIRE_CLIENT_AUTHENTICATION;
  flags |= QUIC_CREDENTIAL_FLAG_INDICATE_CERTIFICATE_RECEIVED;
  if (kPortableCertificates) flags |= QUIC_CREDENTIAL_FLAG_USE_PORTABLE_CERTIFICATES;
  // Where the whole check happens in the certificate event, MsQuic's own would only get in its way.
  const bool pinned = !credentials.pinned_sha256.empty() || !credentials.pinned_public_key_sha256.empty();
  if (!kMsQuicVerifies || credentials.no_certificate_validation || pinned)
    flags |= QUIC_CREDENTIAL_FLAG_NO_CERTIFICATE_VALIDATION;
  return flags;
}

QUIC_STATUS load_credentials(HQUIC configuration, const Credentials& credentials) noexcept {
  QUIC_CREDENTIAL_CONFIG config{};
  QUIC_CERTIFICATE_PKCS12 container{};
  config.Type = QUIC_CREDENTIAL_TYPE_NONE;
  if (credentials.certificate) {
    const Certificate::Content& content = credentials.certificate.content();
    container.Asn1Blob = content.pkcs12.data();
    container.Asn1BlobLength = static_cast<std::uint32_t>(content.pkcs12.size());
    container.PrivateKeyPassword = content.password.c_str();
    config.Type = QUIC_CREDENTIAL_TYPE_CERTIFICATE_PKCS12;
    config.CertificatePkcs12 = &container;
  }
  config.Flags = static_cast<QUIC_CREDENTIAL_FLAGS>(credential_flags(credentials));
  return api().ConfigurationLoadCredential(configuration, &config);
}

/// MsQuic needs the credentials first.
QUIC_STATUS set_ticket_keys(HQUIC configuration, const base::ByteVector& keys) noexcept {
  QUIC_TICKET_KEY_CONFIG config{};
  fill_ticket_key(keys, {config.Id, sizeof(config.Id)}, {config.Material, sizeof(config.Material)});
  config.MaterialLength = sizeof(config.Material);
  const QUIC_STATUS status =
      api().SetParam(configuration, QUIC_PARAM_CONFIGURATION_TICKET_KEYS, sizeof(config), &config);
  volatile std::uint8_t* const material = config.Material;
  for (std::size_t i = 0; i < sizeof(config.Material); ++i) material[i] = 0;
  return status;
}

std::chrono::milliseconds handshake_timeout(const Settings& settings) noexcept {
  return std::chrono::milliseconds(settings.handshake_idle_timeout_ms.value_or(10000));
}

std::optional<Error> contradiction(const Settings& settings, const Credentials& credentials) {
  const auto wrong = [](const char* message) { return Error::own(Status::InvalidParameter, message); };
  const bool files = !credentials.certificate_file.empty();
  if (files != !credentials.private_key_file.empty())
    return wrong("give certificate_file and private_key_file together; a server needs both");
  const bool server = credentials.role == Credentials::Role::Server;
  if (server && !files && !credentials.certificate) return wrong("a server needs a certificate with its private key");
  const bool asks = credentials.client_certificates != ClientCertificates::None;
  if (server && settings.quic_versions)
    return wrong("quic_versions are a client's: what servers of this process speak is an option of the library");
  if (!server && asks) return wrong("client certificates are asked for by servers");
  if (!server && !credentials.ticket_keys.empty()) return wrong("ticket keys are for servers");
  if (!credentials.ticket_keys.empty() && credentials.ticket_keys.size() < kShortestTicketKeys)
    return wrong("ticket keys have at least 32 bytes, from a source of cryptographic randomness");
  const bool resumes = settings.server_resumption_level.value_or(ServerResumption::None) != ServerResumption::None;
  if (server && asks && (resumes || !credentials.ticket_keys.empty())) {
    return wrong("a server that asks for client certificates cannot resume sessions: a returning client shows none");
  }
  if (credentials.custom_verification && credentials.verification_timeout >= handshake_timeout(settings))
    return wrong("the verification timeout must be shorter than handshake_idle_timeout_ms");
  return std::nullopt;
}

QUIC_STATUS set_versions(HQUIC handle, const std::vector<std::uint32_t>& versions) {
  const QUIC_VERSION_SETTINGS all = to_msquic(versions);
  return api().SetParam(handle, QUIC_PARAM_CONFIGURATION_VERSION_SETTINGS, sizeof(all), &all);
}

}  // namespace

ConfigurationState::ConfigurationState(RegistrationState& registration, HQUIC handle, Parts parts) noexcept
    : registration_(registration), handle_(handle), parts_(std::move(parts)) {
  registration_.child_opened(ObjectKind::Configuration);
}

Result<ConfigurationState*> ConfigurationState::open(RegistrationState& registration, Parts parts) {
  std::vector<QUIC_BUFFER> buffers;
  for (const std::string& alpn : parts.alpns) {
    buffers.push_back(
        {static_cast<std::uint32_t>(alpn.size()), reinterpret_cast<std::uint8_t*>(const_cast<char*>(alpn.data()))});
  }
  const QUIC_SETTINGS converted = to_msquic(parts.settings);
  HQUIC handle = nullptr;
  QUIC_STATUS status =
      api().ConfigurationOpen(registration.handle(), buffers.data(), static_cast<std::uint32_t>(buffers.size()),
                              &converted, sizeof(converted), nullptr, &handle);
  if (QUIC_FAILED(status)) return base::Failure{Error::from_raw(status, "opening a configuration")};
  if (parts.settings.quic_versions) status = set_versions(handle, *parts.settings.quic_versions);
  if (QUIC_SUCCEEDED(status)) status = load_credentials(handle, parts.credentials);
  if (QUIC_SUCCEEDED(status) && !parts.credentials.ticket_keys.empty())
    status = set_ticket_keys(handle, parts.credentials.ticket_keys);
  if (QUIC_FAILED(status)) {
    api().ConfigurationClose(handle);
    return base::Failure{Error::from_raw(status, "loading the credentials")};
  }
  return new ConfigurationState(registration, handle, std::move(parts));
}

void ConfigurationState::release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  api().ConfigurationClose(handle_);
  RegistrationState& registration = registration_;
  delete this;
  registration.child_closed(ObjectKind::Configuration);
}

bool ConfigurationState::has_alpn(std::string_view alpn) const noexcept {
  return std::find(parts_.alpns.begin(), parts_.alpns.end(), alpn) != parts_.alpns.end();
}

std::chrono::milliseconds ConfigurationState::verification_timeout() const noexcept {
  if (parts_.credentials.verification_timeout.count() > 0) return parts_.credentials.verification_timeout;
  return handshake_timeout(parts_.settings) * 4 / 5;
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
  for (const std::string& alpn : alpns) {
    if (alpn.empty() || alpn.size() > 255) return base::Failure{wrong_alpns()};
  }
  if (auto checked = check_settings(settings); !checked) return base::Failure{checked.error()};
  ConfigurationState::Parts parts{{alpns.begin(), alpns.end()}, settings, credentials, nullptr, nullptr};
  Credentials& own = parts.credentials;
  if (own.require_client_certificate) own.client_certificates = ClientCertificates::Required;
  if (auto error = contradiction(settings, own)) return base::Failure{*error};
  if (!own.certificate_file.empty()) {
    CertificateOptions options;
    if (!own.private_key_password.empty()) options.password = own.private_key_password;
    auto certificate = Certificate::from_files(own.certificate_file, own.private_key_file, options);
    if (!certificate) return base::Failure{certificate.error()};
    own.certificate = std::move(*certificate);
  }
  auto check = CertificateCheck::create(own);
  if (!check) return base::Failure{check.error()};
  parts.check = std::move(*check);
  if (!own.keylog_file.empty()) {
    auto key_log = KeyLog::open(own.keylog_file);
    if (!key_log) return base::Failure{key_log.error()};
    parts.key_log = std::move(*key_log);
  }
  // Of this layer's own making when none are given, so that tickets survive a change of the certificate.
  const bool resumes = settings.server_resumption_level.value_or(ServerResumption::None) != ServerResumption::None;
  if (own.role == Credentials::Role::Server && resumes && own.ticket_keys.empty())
    own.ticket_keys = random_ticket_keys();
  auto opened = ConfigurationState::open(*registration.state(), std::move(parts));
  if (!opened) return base::Failure{opened.error()};
  Configuration configuration;
  configuration.state_ = UserReference<ConfigurationState>::adopt(**opened);
  return configuration;
}

Result<Configuration> Configuration::with_certificate(const Certificate& certificate) const {
  if (auto error = unusable()) return base::Failure{*error};
  if (!state_) return base::Failure{closed_handle("the configuration")};
  if (!certificate) return base::Failure{Error::own(Status::InvalidParameter, "there is no certificate to change to")};
  ConfigurationState::Parts parts = state()->parts();
  parts.credentials.certificate = certificate;
  if (parts.credentials.role == Credentials::Role::Client) {
    auto check = CertificateCheck::create(parts.credentials);
    if (!check) return base::Failure{check.error()};
    parts.check = std::move(*check);
  }
  auto opened = ConfigurationState::open(state()->registration(), std::move(parts));
  if (!opened) return base::Failure{opened.error()};
  Configuration configuration;
  configuration.state_ = UserReference<ConfigurationState>::adopt(**opened);
  return configuration;
}

Certificate Configuration::certificate() const { return state_ ? state()->credentials().certificate : Certificate(); }

}  // namespace msquic_py::quic
