#include "dispatch_exit.h"
#include "msquic_arguments.h"
#include "msquic_errors.h"
#include "msquic_topics.h"
#include "quic/development_certificate.h"

namespace msquic_py::python {

void bind_quic_development_certificate(nb::module_& m) {
  m.def(
      "generate_development_certificate",
      [](nb::handle directory, nb::handle names, nb::handle default_names, nb::handle valid_days) {
        const std::string path = path_argument(directory, "directory");
        if (path.empty()) raise_named("InvalidArgumentType", "directory must be a path");
        quic::DevelopmentCertificateOptions options;
        options.extra_names = text_sequence_argument(names, "names");
        options.default_names = bool_argument(default_names, "default_names");
        options.valid_days = static_cast<std::uint32_t>(unsigned_argument(valid_days, "valid_days", 3650));
        const auto made = or_raise(without_gil([&] { return quic::DevelopmentCertificate::create(path, options); }));
        const auto text = [](const std::filesystem::path& file) {
          return nb::steal(PyUnicode_DecodeFSDefault(file.string().c_str()));
        };
        return nb::make_tuple(text(made.certificate_file), text(made.private_key_file),
                              nb::str(made.sha256_fingerprint.c_str()));
      },
      nb::arg("directory").none(), nb::arg("names").none() = nb::make_tuple(), nb::arg("default_names").none() = true,
      nb::arg("valid_days").none() = 13,
      nb::sig("def generate_development_certificate(directory: str | bytes | os.PathLike[str], names: "
              "collections.abc.Sequence[str] = (), "
              "default_names: bool = True, valid_days: int = 13) -> tuple[str, str, str]"),
      "See msquic.generate_development_certificate().");
}

}  // namespace msquic_py::python
