#include <fcntl.h>
#include <io.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "media/input_file.h"

namespace msquic_py::apps {
namespace {

constexpr int kGrowthMilliseconds = 50;

}  // namespace

base::Result<InputFile, std::string> InputFile::open(const std::string& path, bool follow, const Interrupt& interrupt) {
  const bool standard_input = path == "-";
  const std::string name = standard_input ? "standard input" : "'" + path + "'";
  struct _stat64 about {};
  if (!standard_input && _stat64(path.c_str(), &about) == 0 && (about.st_mode & _S_IFDIR) != 0)
    return base::Failure{"cannot read " + name + ": it is a directory; name a file in it"};
  const int descriptor = standard_input ? 0 : _open(path.c_str(), _O_RDONLY | _O_BINARY);
  if (descriptor < 0) return base::Failure{"cannot read " + name + ": " + std::strerror(errno)};
  if (standard_input) _setmode(descriptor, _O_BINARY);
  InputFile file(name, descriptor, interrupt);
  file.owned_ = !standard_input;
  if (_fstat64(descriptor, &about) == 0 && (about.st_mode & _S_IFREG) != 0) {
    file.waits_ = false;
    file.follow_ = follow;
    file.size_ = static_cast<std::uint64_t>(about.st_size);
    file.seekable_ = !follow && !standard_input;
    if (file.size_ == 0 && !follow) return base::Failure{name + " is empty: there is nothing to publish"};
  }
  return file;
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(other.descriptor_),
      interrupt_(other.interrupt_),
      owned_(std::exchange(other.owned_, false)),
      waits_(other.waits_),
      follow_(other.follow_),
      seekable_(other.seekable_),
      size_(other.size_) {}

InputFile::~InputFile() {
  if (owned_) _close(descriptor_);
}

base::Result<std::size_t, std::string> InputFile::read(std::span<std::uint8_t> buffer) {
  const auto most = static_cast<unsigned>(std::min<std::size_t>(buffer.size(), 1u << 20));
  while (!interrupt_->raised()) {
    const int size = _read(descriptor_, buffer.data(), most);
    if (size > 0) return static_cast<std::size_t>(size);
    if (size < 0) return base::Failure{"cannot read " + path_ + ": " + std::strerror(errno)};
    if (!follow_) return std::size_t{0};
    (void)interrupt_->wait(-1, kGrowthMilliseconds);
  }
  return std::size_t{0};
}

bool InputFile::seek(std::uint64_t position) {
  return seekable_ && _lseeki64(descriptor_, static_cast<__int64>(position), SEEK_SET) >= 0;
}

}  // namespace msquic_py::apps
