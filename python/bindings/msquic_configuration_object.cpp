#include "dispatch_exit.h"
#include "dispatch_thread.h"
#include "msquic_configuration.h"
#include "msquic_errors.h"
#include "msquic_registration.h"

namespace nb = nanobind;

namespace msquic_py::python {

ConfigurationObject::ConfigurationObject(nb::object registration, std::vector<std::string> alpns,
                                         quic::Settings settings, std::string keylog_file)
    : registration_(std::move(registration)),
      alpns_(std::move(alpns)),
      settings_(settings),
      keylog_file_(std::move(keylog_file)) {
  static_cast<void>(RegistrationObject::open_handle(registration_));
}

void ConfigurationObject::load(quic::Credentials credentials, std::map<std::string, quic::Certificate> by_name) {
  if (closed_) raise_named("ClosedHandle", "the configuration is closed: make another one");
  const quic::Registration registration = RegistrationObject::open_handle(registration_);
  credentials.keylog_file = keylog_file_;
  credentials.custom_verification = static_cast<bool>(verifier_);
  credentials.verification_timeout = verifier_timeout_;
  const auto open = [&]() -> quic::Result<std::pair<quic::Configuration, quic::ServerConfigurations>> {
    auto configuration = quic::Configuration::open(registration, alpns_, settings_, credentials);
    if (!configuration) return base::Failure{configuration.error()};
    auto all = quic::ServerConfigurations::from_certificates(*configuration, by_name);
    if (!all) return base::Failure{all.error()};
    return std::pair{*configuration, *all};
  };
  auto [configuration, configurations] = or_raise(without_gil(open));
  // The files were read; a change of the verifier must not find others in their place.
  credentials.certificate = configuration.certificate();
  credentials.certificate_file.clear();
  credentials.private_key_file.clear();
  credentials_ = std::move(credentials);
  certificates_ = std::move(by_name);
  configuration_ = std::move(configuration);
  configurations_ = std::move(configurations);
}

void ConfigurationObject::set_verifier(nb::handle verifier, std::chrono::milliseconds timeout) {
  if (closed_) raise_named("ClosedHandle", "the configuration is closed: make another one");
  if (timeout >= std::chrono::milliseconds(settings_.handshake_idle_timeout_ms.value_or(10000))) {
    raise_named("InvalidArgument", "timeout must be shorter than handshake_idle_timeout_ms, which ends the handshake");
  }
  static constexpr HandlerShape kShape{"set_certificate_verifier", {"certificate", nullptr}};
  if (!verifier.is_none()) Dispatcher::ensure_running();
  verifier_.set(verifier, kShape);
  verifier_timeout_ = timeout;
  if (credentials_) load(*credentials_, certificates_);
}

void ConfigurationObject::close() noexcept {
  closed_ = true;
  configuration_ = {};
  configurations_ = {};
}

std::string ConfigurationObject::describe() const {
  std::string text = "<Configuration";
  for (const std::string& alpn : alpns_) text += " " + alpn;
  return text + (closed_ ? " closed>" : configuration_ ? ">" : " without credentials>");
}

ConfigurationObject& ConfigurationObject::object_of(nb::handle configuration) {
  ConfigurationObject* self = nullptr;
  if (configuration.is_none() || !nb::try_cast(configuration, self) || self == nullptr) {
    raise_named("InvalidArgumentType", "configuration must be a Configuration");
  }
  return *self;
}

quic::Configuration ConfigurationObject::loaded(nb::handle configuration) {
  const ConfigurationObject& self = object_of(configuration);
  const ObjectLock lock(configuration);
  self.check_loaded();
  return self.configuration_;
}

quic::ServerConfigurations ConfigurationObject::loaded_by_name(nb::handle configuration) {
  const ConfigurationObject& self = object_of(configuration);
  const ObjectLock lock(configuration);
  self.check_loaded();
  return self.configurations_;
}

std::vector<std::string> ConfigurationObject::alpns_of(nb::handle configuration) {
  return object_of(configuration).alpns_;
}

bool ConfigurationObject::has_verifier(nb::handle configuration) {
  return static_cast<bool>(object_of(configuration).verifier_);
}

PyObject* ConfigurationObject::verifier_of(nb::handle configuration, std::chrono::milliseconds& timeout) noexcept {
  const ConfigurationObject& self = *nb::inst_ptr<ConfigurationObject>(configuration);
  const ObjectLock lock(configuration);
  timeout = self.verifier_timeout_;
  return self.verifier_.callable();
}

void ConfigurationObject::check_loaded() const {
  if (closed_) raise_named("ClosedHandle", "the configuration is closed: make another one");
  if (!configuration_) {
    raise_named("CredentialsNotLoaded",
                "the configuration has no credentials: call load_credential(), load_credential_file() or "
                "load_credential_none() first");
  }
}

}  // namespace msquic_py::python
