#include <nanobind/stl/string.h>

#include "msquic_arguments.h"
#include "msquic_certificate.h"
#include "msquic_configuration.h"
#include "msquic_errors.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

base::ByteVector bytes_argument(nb::handle value, const char* name) {
  if (value.is_none()) return {};
  const HeldBuffer held(value, name);
  if (held.bytes().empty()) raise_named("InvalidArgument", std::string(name) + " is empty; None means not to give any");
  return {held.bytes().begin(), held.bytes().end()};
}

quic::ClientCertificates client_certificates_argument(nb::handle value) {
  const std::string text = text_argument(value, "client_certificates");
  if (text == "none") return quic::ClientCertificates::None;
  if (text == "optional") return quic::ClientCertificates::Optional;
  if (text == "required") return quic::ClientCertificates::Required;
  raise_named("InvalidArgument", "client_certificates must be 'none', 'optional' or 'required'");
}

/// Whom to trust.
void set_trust(quic::Credentials& credentials, nb::handle ca_file, nb::handle ca_data, nb::handle pinned_sha256,
               nb::handle pinned_public_key_sha256, bool no_certificate_validation) {
  credentials.ca_file = path_argument(ca_file, "ca_file");
  credentials.ca_data = bytes_argument(ca_data, "ca_data");
  credentials.pinned_sha256 = text_sequence_argument(pinned_sha256, "pinned_sha256");
  credentials.pinned_public_key_sha256 = text_sequence_argument(pinned_public_key_sha256, "pinned_public_key_sha256");
  credentials.no_certificate_validation = no_certificate_validation;
  if (no_certificate_validation &&
      !(credentials.pinned_sha256.empty() && credentials.pinned_public_key_sha256.empty())) {
    raise_named("InvalidArgument",
                "no_certificate_validation accepts everything, so pinned_sha256 and pinned_public_key_sha256 would be "
                "ignored: choose one");
  }
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
  self.load(std::move(credentials));
}

void load_none(ConfigurationObject& self, nb::handle no_certificate_validation, nb::handle ca_file,
               nb::handle pinned_sha256, nb::handle ca_data, nb::handle pinned_public_key_sha256) {
  ensure_usable();
  quic::Credentials credentials;
  set_trust(credentials, ca_file, ca_data, pinned_sha256, pinned_public_key_sha256,
            bool_argument(no_certificate_validation, "no_certificate_validation"));
  self.load(std::move(credentials));
}

void load_certificate(ConfigurationObject& self, nb::handle certificate, nb::handle is_client, nb::handle ca_file,
                      nb::handle ca_data, nb::handle pinned_sha256, nb::handle pinned_public_key_sha256,
                      nb::handle no_certificate_validation, nb::handle client_certificates, nb::handle ticket_keys) {
  ensure_usable();
  quic::Credentials credentials;
  const bool client = bool_argument(is_client, "is_client");
  credentials.role = client ? quic::Credentials::Role::Client : quic::Credentials::Role::Server;
  set_trust(credentials, ca_file, ca_data, pinned_sha256, pinned_public_key_sha256,
            bool_argument(no_certificate_validation, "no_certificate_validation"));
  credentials.client_certificates = client_certificates_argument(client_certificates);
  credentials.ticket_keys = bytes_argument(ticket_keys, "ticket_keys");
  std::map<std::string, quic::Certificate> by_name;
  if (!client && PyMapping_Check(certificate.ptr()) != 0) {
    by_name = certificates_by_name(certificate, "certificate");
    const auto fallback = by_name.find("");
    credentials.certificate = fallback != by_name.end() ? fallback->second : first_certificate(certificate);
    by_name.erase("");
  } else {
    credentials.certificate = certificate_argument(certificate, "certificate");
  }
  self.load(std::move(credentials), std::move(by_name));
}

}  // namespace

void bind_configuration_credentials(LockedClass<ConfigurationObject>& configuration) {
  configuration
      .def(
          "load_credential", load_certificate, nb::arg("certificate").none(), nb::kw_only(),
          nb::arg("is_client").none() = false, nb::arg("ca_file").none() = nb::none(),
          nb::arg("ca_data").none() = nb::none(), nb::arg("pinned_sha256").none() = nb::make_tuple(),
          nb::arg("pinned_public_key_sha256").none() = nb::make_tuple(),
          nb::arg("no_certificate_validation").none() = false, nb::arg("client_certificates").none() = "none",
          nb::arg("ticket_keys").none() = nb::none(),
          nb::sig("def load_credential(self, certificate: Certificate | collections.abc.Mapping[str, Certificate], *, "
                  "is_client: bool = False, ca_file: str | bytes | os.PathLike[str] | None = None, ca_data: "
                  "typing_extensions.Buffer | None = None, pinned_sha256: collections.abc.Sequence[str] = (), "
                  "pinned_public_key_sha256: collections.abc.Sequence[str] = (), no_certificate_validation: bool = "
                  "False, client_certificates: typing.Literal['none', 'optional', 'required'] = 'none', ticket_keys: "
                  "typing_extensions.Buffer | None = None) -> None"),
          "A certificate for this side: a server's, or with `is_client` a client's that authenticates itself. Calling "
          "it\n"
          "again replaces the credentials for later connections.\n\n"
          "A server may have several: a mapping of server names to certificates, \"*.example.org\" for any one label, "
          "\"\" for\n"
          "clients that ask for none of them (without it the first one). `client_certificates`: whether it asks its "
          "clients\n"
          "for one; an optional one that is not trusted is refused like a required one. Such a server cannot resume "
          "sessions.\n"
          "`ticket_keys`: at least 32 random bytes that protect resumption tickets. With the same bytes tickets are "
          "good after\n"
          "a restart and at other servers; whoever has the bytes can read early data and resume sessions, so change "
          "them\n"
          "regularly. None: random ones that end with the configuration.\n\n"
          "Trust, of a client in servers and of a server in client certificates: `ca_file` and `ca_data`, in PEM, take "
          "the place\n"
          "of the system's roots. Pins as in load_credential_none(). `no_certificate_validation` accepts whatever the "
          "peer shows;\n"
          "a server still asks its clients for a certificate.")
      .def(
          "load_credential_file", load_file, nb::arg("cert_file").none(), nb::arg("key_file").none(),
          nb::arg("is_client").none() = false, nb::kw_only(), nb::arg("ca_file").none() = nb::none(),
          nb::arg("key_password").none() = nb::none(), nb::arg("require_client_certificate").none() = false,
          nb::sig("def load_credential_file(self, cert_file: str | bytes | os.PathLike[str], key_file: str | bytes | "
                  "os.PathLike[str], "
                  "is_client: bool = False, *, ca_file: str | bytes | os.PathLike[str] | None = None, key_password: "
                  "str | None = None, "
                  "require_client_certificate: bool = False) -> None"),
          "Short for load_credential() with a certificate from PEM files: a server's, or a client's that authenticates "
          "itself.\n\n"
          "`ca_file`: roots in PEM, trusted in place of the system's. `require_client_certificate`: a server refuses\n"
          "clients without a certificate that is trusted. Reads the files (blocking); calling it again replaces the\n"
          "credentials for later connections. Raises CertificateFileInvalid or one of its kinds, saying which file and "
          "why.")
      .def("load_credential_none", load_none, nb::arg("no_certificate_validation").none() = false,
           nb::arg("ca_file").none() = nb::none(), nb::kw_only(), nb::arg("pinned_sha256").none() = nb::make_tuple(),
           nb::arg("ca_data").none() = nb::none(), nb::arg("pinned_public_key_sha256").none() = nb::make_tuple(),
           nb::sig("def load_credential_none(self, no_certificate_validation: bool = False, "
                   "ca_file: str | bytes | os.PathLike[str] | None = None, *, pinned_sha256: "
                   "collections.abc.Sequence[str] = (), ca_data: typing_extensions.Buffer | None = None, "
                   "pinned_public_key_sha256: collections.abc.Sequence[str] = ()) -> None"),
           "A client without a certificate. The server's certificate and host name are verified unless\n"
           "`no_certificate_validation` is True, which invites a man in the middle and is for tests only.\n\n"
           "`ca_file`, `ca_data`: roots in PEM, trusted in place of the system's; an intermediate or the server's own\n"
           "certificate will do, too. `pinned_sha256`: accept exactly the certificates with these SHA-256 fingerprints "
           "(hex,\n"
           "colons optional). `pinned_public_key_sha256`: those with such a public key (\"sha256/\" and Base64, or "
           "hex), "
           "which\n"
           "a renewed certificate may keep. Pins without roots take the place of the check of issuer, dates and name; "
           "with\n"
           "roots both must hold.");
}

}  // namespace msquic_py::python
