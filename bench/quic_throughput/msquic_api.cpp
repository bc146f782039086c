#include "msquic_api.h"

#include <stdexcept>

namespace msquic_py::bench {

void require(QUIC_STATUS status, const char* what) {
  if (QUIC_FAILED(status))
    throw std::runtime_error(std::string(what) + " failed with status " + std::to_string(status));
}

MsQuicApi::MsQuicApi(QUIC_EXECUTION_PROFILE profile) {
  require(MsQuicOpen2(&table_), "MsQuicOpen2");
  const QUIC_REGISTRATION_CONFIG config{"quic_throughput", profile};
  require(table_->RegistrationOpen(&config, &registration_), "RegistrationOpen");
}

MsQuicApi::~MsQuicApi() {
  if (registration_ != nullptr) table_->RegistrationClose(registration_);
  MsQuicClose(table_);
}

HQUIC MsQuicApi::configure(const std::string& certificate, const std::string& key) const {
  QUIC_SETTINGS settings{};
  settings.IdleTimeoutMs = 30'000;
  settings.IsSet.IdleTimeoutMs = TRUE;
  settings.PeerBidiStreamCount = 1;
  settings.IsSet.PeerBidiStreamCount = TRUE;
  settings.SendBufferingEnabled = FALSE;
  settings.IsSet.SendBufferingEnabled = TRUE;
  settings.StreamRecvWindowDefault = 8 * 1024 * 1024;
  settings.IsSet.StreamRecvWindowDefault = TRUE;
  settings.ConnFlowControlWindow = 32 * 1024 * 1024;
  settings.IsSet.ConnFlowControlWindow = TRUE;

  QUIC_BUFFER alpn{sizeof(kBulkAlpn) - 1, reinterpret_cast<std::uint8_t*>(const_cast<char*>(kBulkAlpn))};
  HQUIC configuration = nullptr;
  require(table_->ConfigurationOpen(registration_, &alpn, 1, &settings, sizeof(settings), nullptr, &configuration),
          "ConfigurationOpen");
  QUIC_CREDENTIAL_CONFIG credentials{};
  QUIC_CERTIFICATE_FILE files{key.c_str(), certificate.c_str()};
  if (certificate.empty()) {
    credentials.Type = QUIC_CREDENTIAL_TYPE_NONE;
    credentials.Flags = QUIC_CREDENTIAL_FLAG_CLIENT | QUIC_CREDENTIAL_FLAG_NO_CERTIFICATE_VALIDATION;
  } else {
    credentials.Type = QUIC_CREDENTIAL_TYPE_CERTIFICATE_FILE;
    credentials.CertificateFile = &files;
  }
  require(table_->ConfigurationLoadCredential(configuration, &credentials), "ConfigurationLoadCredential");
  return configuration;
}

}  // namespace msquic_py::bench
