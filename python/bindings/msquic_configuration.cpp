#include "msquic_configuration.h"

#include <nanobind/stl/string.h>

#include <string>

#include "msquic_arguments.h"
#include "msquic_errors.h"
#include "msquic_handler_slot.h"
#include "msquic_registration.h"
#include "msquic_settings.h"
#include "msquic_topics.h"

namespace msquic_py::python {
namespace {

quic::Settings settings_of(const nb::args& positional, const nb::kwargs& named) {
  quic::Settings settings;
  if (positional.size() > std::size(kPositionalSettings)) {
    raise_named("InvalidArgumentType", "only the first five settings may be given by position: name the others");
  }
  for (std::size_t i = 0; i < positional.size(); ++i) {
    if (named.contains(kPositionalSettings[i])) {
      raise_named("InvalidArgumentType", std::string(kPositionalSettings[i]) + " is given twice");
    }
    set_setting(settings, kPositionalSettings[i], positional[i]);
  }
  for (const auto& [name, value] : named) set_setting(settings, nb::cast<std::string>(name).c_str(), value);
  or_raise(quic::check_settings(settings));
  return settings;
}

void load_file(ConfigurationObject& self, nb::handle cert_file, nb::handle key_file, nb::handle is_client,
               nb::handle ca_file, nb::handle key_password, nb::handle require_client_certificate) {
  ensure_usable();
  quic::Credentials credentials;
  const bool client = bool_argument(is_client, "is_client");
  credentials.role = client ? quic::Credentials::Role::Client : quic::Credentials::Role::Server;
  credentials.certificate_file = path_argument(cert_file, "cert_file");
  credentials.private_key_file = path_argument(key_file, "key_file");
  credentials.ca_file = path_argument(ca_file, "ca_file");
  if (!key_password.is_none()) credentials.private_key_password = text_argument(key_password, "key_password");
  credentials.require_client_certificate = bool_argument(require_client_certificate, "require_client_certificate");
  if (credentials.certificate_file.empty() || credentials.private_key_file.empty()) {
    raise_named("InvalidArgument",
                "cert_file and key_file must name PEM files; a client without a certificate uses "
                "load_credential_none()");
  }
  if (client && credentials.require_client_certificate) {
    raise_named("InvalidArgument", "require_client_certificate is for servers");
  }
  self.load(credentials);
}

void load_none(ConfigurationObject& self, nb::handle no_certificate_validation, nb::handle ca_file,
               nb::handle pinned_sha256) {
  ensure_usable();
  quic::Credentials credentials;
  credentials.no_certificate_validation = bool_argument(no_certificate_validation, "no_certificate_validation");
  credentials.ca_file = path_argument(ca_file, "ca_file");
  credentials.pinned_sha256 = text_sequence_argument(pinned_sha256, "pinned_sha256");
  if (credentials.no_certificate_validation && !credentials.pinned_sha256.empty()) {
    raise_named("InvalidArgument",
                "no_certificate_validation accepts everything, so pinned_sha256 would be ignored: choose one");
  }
  self.load(credentials);
}

constexpr const char* kInitText =
    "`alpn_list`: 1 to 255 bytes each, the preferred first. The settings are those of msquic.Settings, which "
    "describes\n"
    "each; the first five may be given by position. Every setting left out, or None, keeps MsQuic's default; 0 is a\n"
    "value like any other.\n\n"
    "Raises InvalidArgument, naming the setting and its limits.";

}  // namespace

void bind_quic_configuration(nb::module_& m) {
  static const std::string init_signature =
      "def __init__(self, registration: Registration, alpn_list: collections.abc.Sequence[str | bytes], " +
      settings_parameters() + ") -> None";
  nb::class_<ConfigurationObject>(m, "Configuration", nb::type_slots(collectable_slots<ConfigurationObject>),
                                  nb::is_weak_referenceable(),
                                  "ALPNs, transport settings and credentials for connections. Load credentials before "
                                  "it is used. Connections keep\n"
                                  "what they need of it, so it may be dropped or closed while they live.")
      .def(
          "__init__",
          [](ConfigurationObject* self, nb::handle registration, nb::handle alpn_list, nb::args positional,
             nb::kwargs named) {
            ensure_usable();
            if (!nb::isinstance<RegistrationObject>(registration)) {
              raise_named("InvalidArgumentType", "registration must be a Registration");
            }
            new (self) ConfigurationObject(nb::borrow<nb::object>(registration), alpn_argument(alpn_list),
                                           settings_of(positional, named));
            nb::inst_ptr<RegistrationObject>(registration)->add_child(nb::find(*self));
          },
          nb::arg("registration").none(), nb::arg("alpn_list").none(), nb::arg("args"), nb::arg("kwargs"),
          nb::sig(init_signature.c_str()), kInitText)
      .def("load_credential_file", load_file, nb::arg("cert_file").none(), nb::arg("key_file").none(),
           nb::arg("is_client").none() = false, nb::kw_only(), nb::arg("ca_file").none() = nb::none(),
           nb::arg("key_password").none() = nb::none(), nb::arg("require_client_certificate").none() = false,
           nb::sig("def load_credential_file(self, cert_file: str | bytes | os.PathLike[str], key_file: str | bytes | "
                   "os.PathLike[str], "
                   "is_client: bool = False, *, ca_file: str | bytes | os.PathLike[str] | None = None, key_password: "
                   "str | None = None, "
                   "require_client_certificate: bool = False) -> None"),
           "A certificate for this side, from PEM files: a server's, or a client's that authenticates itself.\n\n"
           "`ca_file`: roots in PEM, trusted in addition to the system's. `require_client_certificate`: a server "
           "refuses\n"
           "clients without a certificate that is trusted. Reads the files (blocking); calling it again replaces the\n"
           "credentials for later connections. Raises CertificateFileInvalid, saying which file and why.")
      .def("load_credential_none", load_none, nb::arg("no_certificate_validation").none() = false,
           nb::arg("ca_file").none() = nb::none(), nb::kw_only(), nb::arg("pinned_sha256").none() = nb::make_tuple(),
           nb::sig("def load_credential_none(self, no_certificate_validation: bool = False, "
                   "ca_file: str | bytes | os.PathLike[str] | None = None, *, pinned_sha256: "
                   "collections.abc.Sequence[str] = ()) -> None"),
           "A client without a certificate. The server's certificate and host name are verified unless\n"
           "`no_certificate_validation` is True, which invites a man in the middle and is for tests only.\n\n"
           "`ca_file`: roots in PEM, trusted in addition to the system's. `pinned_sha256`: accept exactly the "
           "certificates\n"
           "with these SHA-256 fingerprints (hex, colons optional), whoever signed them and whatever their names.")
      .def("close", &ConfigurationObject::close,
           "Gives it up. Connections that were started with it live on. May be called twice.")
      .def(
          "__enter__", [](nb::handle self) { return nb::borrow<nb::object>(self); },
          nb::sig("def __enter__(self) -> typing.Self"))
      .def(
          "__exit__", [](ConfigurationObject& self, nb::args) { self.close(); },
          nb::sig("def __exit__(self, *args: object) -> None"))
      .def("__repr__", &ConfigurationObject::describe);
}

}  // namespace msquic_py::python
