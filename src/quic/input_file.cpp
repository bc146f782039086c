#include "quic/input_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace msquic_py::quic {

Result<base::ByteVector> read_input_file(const std::filesystem::path& path, const std::string& role) {
  const auto failed = [&](const std::string& what) {
    return base::Failure{Error::own(Status::CertificateFileInvalid, "'" + path.string() + "' (" + role + ") " + what)};
  };
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return failed("is a directory");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return failed(std::string("cannot be opened: ") + std::strerror(errno));
  // Not by iterators, which let exceptions of the buffer through.
  std::ostringstream content;
  content << file.rdbuf();
  const std::string text = std::move(content).str();
  if (text.empty() || !file) return failed("is empty or cannot be read");
  return base::ByteVector(text.begin(), text.end());
}

}  // namespace msquic_py::quic
