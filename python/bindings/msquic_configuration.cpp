#include "msquic_configuration.h"

#include <nanobind/stl/string.h>

#include <string>

#include "msquic_arguments.h"
#include "msquic_errors.h"
#include "msquic_handler_slot.h"
#include "msquic_registration.h"
#include "msquic_settings.h"
#include "msquic_topics.h"
#include "quic/credentials.h"

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

/// Takes "keylog" out of the keyword arguments; without it the environment decides.
std::string keylog_of(nb::dict& named) {
  if (!named.contains("keylog")) return quic::keylog_file_from_environment();
  const nb::object value = named["keylog"];
  PyDict_DelItemString(named.ptr(), "keylog");
  return value.is_none() ? quic::keylog_file_from_environment() : path_argument(value, "keylog");
}

constexpr const char* kInitText =
    "`alpn_list`: 1 to 255 bytes each, the preferred first. The settings are those of msquic.Settings, which "
    "describes\n"
    "each; the first five may be given by position. Every setting left out, or None, keeps MsQuic's default; 0 is a\n"
    "value like any other.\n\n"
    "`keylog`: a file to which the TLS secrets of every connection are appended in NSS format, for tools such as\n"
    "Wireshark; None takes the environment variable SSLKEYLOGFILE, if set. Who can read the file can read the\n"
    "connections.\n\n"
    "Raises InvalidArgument, naming the setting and its limits.";

}  // namespace

void bind_quic_configuration(nb::module_& m) {
  static const std::string init_signature =
      "def __init__(self, registration: Registration, alpn_list: collections.abc.Sequence[str | bytes], " +
      settings_parameters() + ", keylog: str | bytes | os.PathLike[str] | None = None) -> None";
  LockedClass<ConfigurationObject> configuration(
      m, "Configuration", nb::type_slots(collectable_slots<ConfigurationObject>), nb::is_weak_referenceable(),
      "ALPNs, transport settings and credentials for connections. Load credentials before "
      "it is used. Connections keep\n"
      "what they need of it, so it may be dropped or closed while they live.");
  configuration
      .def(
          "__init__",
          [](ConfigurationObject* self, nb::handle registration, nb::handle alpn_list, nb::args positional,
             nb::kwargs named) {
            ensure_usable();
            if (!nb::isinstance<RegistrationObject>(registration)) {
              raise_named("InvalidArgumentType", "registration must be a Registration");
            }
            nb::kwargs settings = nb::steal<nb::kwargs>(PyDict_Copy(named.ptr()));
            std::string keylog = keylog_of(settings);
            new (self) ConfigurationObject(nb::borrow<nb::object>(registration), alpn_argument(alpn_list),
                                           settings_of(positional, settings), std::move(keylog));
            nb::inst_ptr<RegistrationObject>(registration)->add_child(nb::find(*self));
          },
          nb::arg("registration").none(), nb::arg("alpn_list").none(), nb::arg("args"), nb::arg("kwargs"),
          nb::sig(init_signature.c_str()), kInitText)
      .def(
          "set_certificate_verifier",
          [](ConfigurationObject& self, nb::handle verifier, nb::handle timeout) {
            ensure_usable();
            self.set_verifier(verifier, timeout_argument(timeout, "timeout"));
          },
          nb::arg("verifier").none(), nb::kw_only(), nb::arg("timeout").none() = 5.0,
          nb::sig(
              "def set_certificate_verifier(self, verifier: "
              "collections.abc.Callable[[msquic._peer_certificate.PeerCertificate], bool] | None, *, timeout: float "
              "= 5.0) -> None"),
          "`verifier(certificate: PeerCertificate)` decides about every certificate of a peer: True accepts it, also "
          "against\n"
          "this library's verdict, and False refuses it. It runs on the handlers' thread while the handshake waits. "
          "What it\n"
          "returns beside True and False, None included, refuses and is reported like an exception, which refuses, "
          "too; so\n"
          "does taking longer than `timeout` seconds (less than handshake_idle_timeout_ms). A decision for a "
          "connection that\n"
          "ended meanwhile is dropped. The peer hears of a refusal as TLS alert 46.\n\n"
          "For connections and listeners that start later; None goes back to the library's verdict. It is not asked "
          "when a\n"
          "session is resumed, nor on a server about a client without a certificate.")
      .def("close", &ConfigurationObject::close,
           "Gives it up. Connections that were started with it live on. May be called twice.")
      .def(
          "__enter__", [](nb::handle self) { return nb::borrow<nb::object>(self); },
          nb::sig("def __enter__(self) -> typing.Self"))
      .def(
          "__exit__", [](ConfigurationObject& self, nb::args) { self.close(); },
          nb::sig("def __exit__(self, *args: object) -> None"))
      .def("__repr__", &ConfigurationObject::describe);
  bind_configuration_credentials(configuration);
}

}  // namespace msquic_py::python
