#include "quic/configuration.h"

#include "quic/certificate_check.h"
#include "quic/configuration_state.h"
#include "quic/credential_files.h"
#include "quic/library.h"
#include "quic/platform_settings.h"
#include "quic/registration_state.h"

namespace msquic_py::quic {
namespace {

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
  if (auto checked = check_settings(settings); !checked) return base::Failure{checked.error()};
  if (auto checked = check_credential_files(credentials); !checked) return base::Failure{checked.error()};

  RegistrationState& parent = *registration.state();
  const QUIC_SETTINGS converted = to_msquic(settings);
  HQUIC handle = nullptr;
  QUIC_STATUS status =
      api().ConfigurationOpen(parent.handle(), buffers.data(), static_cast<std::uint32_t>(buffers.size()), &converted,
                              sizeof(converted), nullptr, &handle);
  if (QUIC_FAILED(status)) return base::Failure{Error::from_raw(status, "opening a configuration")};
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
