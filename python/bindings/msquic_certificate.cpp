#include "msquic_certificate.h"

#include <nanobind/stl/string.h>

#include <optional>

#include "dispatch_exit.h"
#include "msquic_arguments.h"
#include "msquic_errors.h"
#include "msquic_topics.h"

namespace msquic_py::python {
namespace {

/// str or bytes, None where there is none.
quic::CertificateOptions options_of(nb::handle password, nb::handle allow_expired) {
  quic::CertificateOptions options;
  options.allow_expired = bool_argument(allow_expired, "allow_expired");
  if (password.is_none()) return options;
  if (PyBytes_Check(password.ptr())) {
    const HeldBuffer held(password, "password");
    options.password = std::string(base::as_text(held.bytes()));
  } else {
    options.password = text_argument(password, "password");
  }
  return options;
}

quic::Certificate from_files(nb::handle cert_file, nb::handle key_file, nb::handle password, nb::handle allow_expired) {
  const std::string certificate = path_argument(cert_file, "cert_file");
  const std::string key = path_argument(key_file, "key_file");
  const quic::CertificateOptions options = options_of(password, allow_expired);
  return or_raise(without_gil([&] { return quic::Certificate::from_files(certificate, key, options); }));
}

quic::Certificate from_pem(nb::handle certificate, nb::handle private_key, nb::handle password,
                           nb::handle allow_expired) {
  const HeldBuffer certificate_bytes(certificate, "certificate");
  const HeldBuffer key_bytes(private_key, "private_key");
  const quic::CertificateOptions options = options_of(password, allow_expired);
  return or_raise(
      without_gil([&] { return quic::Certificate::from_pem(certificate_bytes.bytes(), key_bytes.bytes(), options); }));
}

quic::Certificate from_pkcs12(nb::handle data_or_path, nb::handle password, nb::handle allow_expired) {
  const quic::CertificateOptions options = options_of(password, allow_expired);
  if (PyObject_CheckBuffer(data_or_path.ptr()) != 0) {
    const HeldBuffer container(data_or_path, "data_or_path");
    return or_raise(without_gil([&] { return quic::Certificate::from_pkcs12(container.bytes(), options); }));
  }
  const std::string path = path_argument(data_or_path, "data_or_path");
  return or_raise(without_gil([&] { return quic::Certificate::from_pkcs12_file(path, options); }));
}

nb::object date(std::int64_t seconds) {
  const nb::module_ datetime = nb::module_::import_("datetime");
  return datetime.attr("datetime").attr("fromtimestamp")(seconds, datetime.attr("timezone").attr("utc"));
}

std::string describe(const quic::Certificate& self) {
  std::string names;
  for (const std::string& name : self.names()) names += (names.empty() ? "" : ", ") + name;
  return "<Certificate for " + (names.empty() ? "no name" : names) + ", sha256 " + self.sha256_fingerprint() + ">";
}

}  // namespace

const quic::Certificate& certificate_argument(nb::handle value, const char* name) {
  quic::Certificate* certificate = nullptr;
  if (value.is_none() || !nb::try_cast(value, certificate) || certificate == nullptr) {
    raise_named("InvalidArgumentType", std::string(name) + " must be a Certificate");
  }
  return *certificate;
}

std::map<std::string, quic::Certificate> certificates_by_name(nb::handle value, const char* name) {
  std::map<std::string, quic::Certificate> certificates;
  const nb::object items = nb::steal(PyMapping_Items(value.ptr()));
  if (!items.is_valid()) {
    PyErr_Clear();
    raise_named("InvalidArgumentType",
                std::string(name) + " must be a Certificate or a mapping of server names to Certificates");
  }
  for (const nb::handle item : items) {
    const nb::handle key = item[0];
    const std::string host = PyUnicode_Check(key.ptr()) && PyUnicode_GetLength(key.ptr()) == 0
                                 ? std::string()
                                 : host_argument(key, "a server name");
    certificates.insert_or_assign(host, certificate_argument(item[1], name));
  }
  if (certificates.empty()) raise_named("InvalidArgument", std::string(name) + " names no certificate");
  return certificates;
}

const quic::Certificate& first_certificate(nb::handle mapping) {
  const nb::object values = nb::steal(PyMapping_Values(mapping.ptr()));
  return certificate_argument(values[0], "certificate");
}

quic::ServerConfigurations with_certificates(const quic::Configuration& base, nb::handle certificates,
                                             const char* name) {
  std::map<std::string, quic::Certificate> by_name;
  if (PyMapping_Check(certificates.ptr()) != 0) {
    by_name = certificates_by_name(certificates, name);
    by_name.try_emplace("", first_certificate(certificates));
  } else {
    by_name[""] = certificate_argument(certificates, name);
  }
  return or_raise(without_gil([&] { return quic::ServerConfigurations::from_certificates(base, by_name); }));
}

nb::object chain_tuple(const std::vector<base::ByteVector>& chain) {
  nb::list items;
  for (const base::ByteVector& each : chain) items.append(nb::bytes(each.data(), each.size()));
  return nb::tuple(items);
}

void bind_quic_certificate(nb::module_& m) {
  m.def(
      "public_key_sha256",
      [](nb::handle der) {
        const HeldBuffer held(der, "der");
        return quic::public_key_sha256(held.bytes());
      },
      nb::arg("der").none(), nb::sig("def public_key_sha256(der: typing_extensions.Buffer) -> str"),
      "See PeerCertificate.public_key_sha256.");
  static constexpr const char* kCommon =
      "`password`: of an encrypted private key. `allow_expired`: take a certificate outside its validity period, "
      "which\n"
      "peers that verify refuse. Raises CertificateFileInvalid, CertificatePasswordWrong or CertificateFileExpired, "
      "saying\nwhich input cannot be used and why.";
  static const std::string files_text =
      "From PEM files (blocking): the chain with the leaf first, and the leaf's key; both may be in one file.\n\n" +
      std::string(kCommon);
  static const std::string pem_text = "The same from memory.\n\n" + std::string(kCommon);
  static const std::string pkcs12_text =
      "From a PKCS#12 container (.p12, .pfx) with one key: bytes, or the path of a file as str or os.PathLike.\n\n" +
      std::string(kCommon);
  nb::class_<quic::Certificate>(
      m, "Certificate",
      "A certificate of this side with its chain and private key, for Configuration.load_credential() and\n"
      "Listener.set_certificates(). Immutable. Made by from_files(), from_pem() or from_pkcs12().")
      .def_static("from_files", from_files, nb::arg("cert_file").none(), nb::arg("key_file").none(),
                  nb::arg("password").none() = nb::none(), nb::kw_only(), nb::arg("allow_expired").none() = false,
                  nb::sig("def from_files(cert_file: str | bytes | os.PathLike[str], key_file: str | bytes | "
                          "os.PathLike[str], password: str | bytes | None = None, *, allow_expired: bool = False) -> "
                          "Certificate"),
                  files_text.c_str())
      .def_static("from_pem", from_pem, nb::arg("certificate").none(), nb::arg("private_key").none(),
                  nb::arg("password").none() = nb::none(), nb::kw_only(), nb::arg("allow_expired").none() = false,
                  nb::sig("def from_pem(certificate: typing_extensions.Buffer, private_key: typing_extensions.Buffer, "
                          "password: str | bytes | None = None, *, allow_expired: bool = False) -> Certificate"),
                  pem_text.c_str())
      .def_static("from_pkcs12", from_pkcs12, nb::arg("data_or_path").none(), nb::arg("password").none() = nb::none(),
                  nb::kw_only(), nb::arg("allow_expired").none() = false,
                  nb::sig("def from_pkcs12(data_or_path: typing_extensions.Buffer | str | os.PathLike[str], password: "
                          "str | bytes | None = None, *, allow_expired: bool = False) -> Certificate"),
                  pkcs12_text.c_str())
      .def_prop_ro(
          "der", [](const quic::Certificate& self) { return nb::bytes(self.der().data(), self.der().size()); },
          "The certificate in DER, without its chain.")
      .def_prop_ro(
          "chain", [](const quic::Certificate& self) { return chain_tuple(self.chain()); },
          nb::sig("def chain(self, /) -> tuple[bytes, ...]"),
          "The certificates that peers get, in DER, this one first.")
      .def_prop_ro("sha256_fingerprint", &quic::Certificate::sha256_fingerprint,
                   "SHA-256 of `der`, upper-case hex with colons; for `pinned_sha256`.")
      .def_prop_ro("public_key_sha256", &quic::Certificate::public_key_sha256,
                   "SHA-256 of the public key (SubjectPublicKeyInfo), as \"sha256/\" and Base64; for\n"
                   "`pinned_public_key_sha256`. It stays the same when the certificate is renewed for the same key.")
      .def_prop_ro(
          "names",
          [](const quic::Certificate& self) -> nb::object {
            nb::list names;
            for (const std::string& name : self.names()) names.append(nb::str(name.data(), name.size()));
            return nb::tuple(names);
          },
          nb::sig("def names(self, /) -> tuple[str, ...]"), "The DNS names and IP addresses that it is for.")
      .def_prop_ro(
          "not_before", [](const quic::Certificate& self) { return date(self.not_before()); },
          nb::sig("def not_before(self, /) -> datetime.datetime"), "The beginning of its validity, in UTC.")
      .def_prop_ro(
          "not_after", [](const quic::Certificate& self) { return date(self.not_after()); },
          nb::sig("def not_after(self, /) -> datetime.datetime"), "The end of its validity, in UTC.")
      .def("__repr__", describe);
}

}  // namespace msquic_py::python
