#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "media/input_file.h"

namespace msquic_py::apps {
namespace {

/// How long the end of a followed file stands before it is looked at again.
constexpr int kGrowthMilliseconds = 50;

}  // namespace

base::Result<InputFile, std::string> InputFile::open(const std::string& path, bool follow, const Interrupt& interrupt) {
  const bool standard_input = path == "-";
  // Without O_NONBLOCK, opening a FIFO that nobody writes to waits where no interrupt reaches.
  const int descriptor = standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const std::string name = standard_input ? "standard input" : "'" + path + "'";
  if (descriptor < 0) return base::Failure{"cannot read " + name + ": " + std::strerror(errno)};
  InputFile file(name, descriptor, interrupt);
  file.owned_ = !standard_input;
  struct stat about {};
  if (::fstat(descriptor, &about) != 0) return base::Failure{"cannot read " + name + ": " + std::strerror(errno)};
  if (S_ISDIR(about.st_mode)) return base::Failure{"cannot read " + name + ": it is a directory; name a file in it"};
  if (follow && !S_ISREG(about.st_mode))
    return base::Failure{"--follow-input needs a file that grows: " + name + " is none, and is read to its end anyway"};
  if (S_ISREG(about.st_mode)) {
    file.waits_ = false;
    file.follow_ = follow;
    file.size_ = static_cast<std::uint64_t>(about.st_size);
    // Standard input may stand in the middle of a file: what is before belongs to somebody else.
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
  if (owned_) ::close(descriptor_);
}

base::Result<std::size_t, std::string> InputFile::read(std::span<std::uint8_t> buffer) {
  while (!interrupt_->raised()) {
    if (waits_ && !interrupt_->wait(descriptor_, -1)) break;
    const ssize_t size = ::read(descriptor_, buffer.data(), buffer.size());
    if (size > 0) return static_cast<std::size_t>(size);
    if (size == 0) {
      if (!follow_) return std::size_t{0};
      (void)interrupt_->wait(-1, kGrowthMilliseconds);
    } else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
      return base::Failure{"cannot read " + path_ + ": " + std::strerror(errno)};
    }
  }
  return std::size_t{0};
}

bool InputFile::seek(std::uint64_t position) {
  return seekable_ && ::lseek(descriptor_, static_cast<off_t>(position), SEEK_SET) >= 0;
}

}  // namespace msquic_py::apps
