#include "quic/input_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace msquic_py::quic {
namespace {

/// A bundle of every public root is a quarter of a megabyte.
constexpr std::uintmax_t kLargest = std::uintmax_t{16} << 20;

}  // namespace

Result<base::ByteVector> read_input_file(const std::filesystem::path& path, const std::string& role) {
  const auto failed = [&](const std::string& what) {
    return base::Failure{Error::own(Status::CertificateFileInvalid, "'" + path.string() + "' (" + role + ") " + what)};
  };
  // Looked at before it is opened: opening a FIFO waits for its writer, and a device never ends.
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  if (kind == std::filesystem::file_type::directory) return failed("is a directory");
  if (kind == std::filesystem::file_type::not_found) return failed("does not exist");
  if (error) return failed("cannot be opened: " + error.message());
  if (kind != std::filesystem::file_type::regular) return failed("is not a regular file");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return failed(std::string("cannot be opened: ") + std::strerror(errno));
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size > kLargest) {
    return failed("has " + std::to_string(size) + " bytes, more than the " + std::to_string(kLargest) +
                  " that are read of such a file");
  }
  base::ByteVector content(static_cast<std::size_t>(error ? kLargest : size));
  file.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (content.empty()) return failed("is empty or cannot be read");
  return content;
}

}  // namespace msquic_py::quic
