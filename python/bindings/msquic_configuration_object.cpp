#include "dispatch_exit.h"
#include "msquic_configuration.h"
#include "msquic_errors.h"
#include "msquic_registration.h"

namespace nb = nanobind;

namespace msquic_py::python {

ConfigurationObject::ConfigurationObject(nb::object registration, std::vector<std::string> alpns,
                                         quic::Settings settings)
    : registration_(std::move(registration)), alpns_(std::move(alpns)), settings_(settings) {
  static_cast<void>(nb::inst_ptr<RegistrationObject>(registration_)->open_handle());
}

void ConfigurationObject::load(const quic::Credentials& credentials) {
  if (closed_) raise_named("ClosedHandle", "the configuration is closed: make another one");
  const quic::Registration registration = nb::inst_ptr<RegistrationObject>(registration_)->open_handle();
  configuration_ =
      or_raise(without_gil([&] { return quic::Configuration::open(registration, alpns_, settings_, credentials); }));
}

void ConfigurationObject::close() noexcept {
  closed_ = true;
  configuration_ = {};
}

std::string ConfigurationObject::describe() const {
  std::string text = "<Configuration";
  for (const std::string& alpn : alpns_) text += " " + alpn;
  return text + (closed_ ? " closed>" : configuration_ ? ">" : " without credentials>");
}

const quic::Configuration& ConfigurationObject::loaded(nb::handle configuration) {
  ConfigurationObject* self = nullptr;
  if (configuration.is_none() || !nb::try_cast(configuration, self) || self == nullptr) {
    raise_named("InvalidArgumentType", "configuration must be a Configuration");
  }
  if (self->closed_) raise_named("ClosedHandle", "the configuration is closed: make another one");
  if (!self->configuration_) {
    raise_named("CredentialsNotLoaded",
                "the configuration has no credentials: call load_credential_file() or load_credential_none() first");
  }
  return self->configuration_;
}

}  // namespace msquic_py::python
