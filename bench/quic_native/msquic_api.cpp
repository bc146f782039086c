#include "msquic_api.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <stdexcept>

#include "protocol.h"

namespace msquic_py::bench {

namespace {

QUIC_SETTINGS settings() {
  QUIC_SETTINGS settings{};
  settings.IdleTimeoutMs = 60'000;
  settings.IsSet.IdleTimeoutMs = TRUE;
  settings.PeerBidiStreamCount = 1000;
  settings.IsSet.PeerBidiStreamCount = TRUE;
  settings.SendBufferingEnabled = FALSE;
  settings.IsSet.SendBufferingEnabled = TRUE;
  settings.StreamRecvWindowDefault = 8 * 1024 * 1024;
  settings.IsSet.StreamRecvWindowDefault = TRUE;
  settings.ConnFlowControlWindow = 32 * 1024 * 1024;
  settings.IsSet.ConnFlowControlWindow = TRUE;
  settings.DatagramReceiveEnabled = TRUE;
  settings.IsSet.DatagramReceiveEnabled = TRUE;
  return settings;
}

}  // namespace

void require(QUIC_STATUS status, const char* what) {
  if (QUIC_FAILED(status))
    throw std::runtime_error(std::string(what) + " failed with status " + std::to_string(status));
}

void give_up(const char* why) {
  std::cerr << "quic_native: " << why << std::endl;
  std::quick_exit(1);
}

QUIC_BUFFER as_buffer(const char* name) noexcept {
  return {static_cast<std::uint32_t>(std::strlen(name)), reinterpret_cast<std::uint8_t*>(const_cast<char*>(name))};
}

MsQuicApi::MsQuicApi(QUIC_EXECUTION_PROFILE profile) {
  require(MsQuicOpen2(&table_), "MsQuicOpen2");
  const QUIC_REGISTRATION_CONFIG config{"quic_native", profile};
  require(table_->RegistrationOpen(&config, &registration_), "RegistrationOpen");
}

MsQuicApi::~MsQuicApi() {
  close_registration();
  MsQuicClose(table_);
}

void MsQuicApi::close_registration() noexcept {
  if (registration_ == nullptr) return;
  table_->RegistrationShutdown(registration_, QUIC_CONNECTION_SHUTDOWN_FLAG_NONE, 0);
  table_->RegistrationClose(registration_);
  registration_ = nullptr;
}

HQUIC MsQuicApi::server_configuration(const std::string& certificate, const std::string& key) const {
  std::array<QUIC_BUFFER, kAlpns.size()> alpns;
  for (std::size_t i = 0; i < kAlpns.size(); ++i) alpns[i] = as_buffer(kAlpns[i]);
  const QUIC_SETTINGS chosen = settings();
  HQUIC configuration = nullptr;
  require(table_->ConfigurationOpen(registration_, alpns.data(), static_cast<std::uint32_t>(alpns.size()), &chosen,
                                    sizeof(chosen), nullptr, &configuration),
          "ConfigurationOpen");
  QUIC_CERTIFICATE_FILE files{key.c_str(), certificate.c_str()};
  QUIC_CREDENTIAL_CONFIG credentials{};
  credentials.Type = QUIC_CREDENTIAL_TYPE_CERTIFICATE_FILE;
  credentials.CertificateFile = &files;
  require(table_->ConfigurationLoadCredential(configuration, &credentials), "ConfigurationLoadCredential");
  return configuration;
}

HQUIC MsQuicApi::client_configuration(const char* alpn) const {
  const QUIC_BUFFER name = as_buffer(alpn);
  const QUIC_SETTINGS chosen = settings();
  HQUIC configuration = nullptr;
  require(table_->ConfigurationOpen(registration_, &name, 1, &chosen, sizeof(chosen), nullptr, &configuration),
          "ConfigurationOpen");
  QUIC_CREDENTIAL_CONFIG credentials{};
  credentials.Type = QUIC_CREDENTIAL_TYPE_NONE;
  credentials.Flags = QUIC_CREDENTIAL_FLAG_CLIENT | QUIC_CREDENTIAL_FLAG_NO_CERTIFICATE_VALIDATION;
  require(table_->ConfigurationLoadCredential(configuration, &credentials), "ConfigurationLoadCredential");
  return configuration;
}

}  // namespace msquic_py::bench
