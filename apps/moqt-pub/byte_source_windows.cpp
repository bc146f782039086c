#include <fcntl.h>
#include <io.h>
#include <process.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "moqt-pub/byte_source.h"

namespace msquic_py::apps {

base::Result<ByteSource, std::string> ByteSource::file(const std::string& path) {
  ByteSource source;
  source.descriptor_ = _open(path.c_str(), _O_RDONLY | _O_BINARY);
  if (source.descriptor_ < 0) return base::Failure{"cannot read '" + path + "': " + std::strerror(errno)};
  source.owned_ = true;
  return source;
}

ByteSource ByteSource::standard_input() {
  ByteSource source;
  source.descriptor_ = 0;
  _setmode(source.descriptor_, _O_BINARY);
  return source;
}

base::Result<ByteSource, std::string> ByteSource::program(const std::vector<std::string>& command) {
  int ends[2];
  if (_pipe(ends, 1 << 20, _O_BINARY | _O_NOINHERIT) != 0)
    return base::Failure{std::string("no pipe: ") + std::strerror(errno)};
  // The child inherits our standard output while it starts, so that is the pipe for a moment.
  const int saved = _dup(1);
  _dup2(ends[1], 1);
  _close(ends[1]);
  std::vector<const char*> arguments;
  for (const std::string& argument : command) arguments.push_back(argument.c_str());
  arguments.push_back(nullptr);
  const std::intptr_t process = _spawnvp(_P_NOWAIT, arguments[0], arguments.data());
  _dup2(saved, 1);
  _close(saved);
  if (process == -1) {
    _close(ends[0]);
    return base::Failure{"cannot run '" + command[0] + "': " + std::strerror(errno)};
  }
  ByteSource source;
  source.descriptor_ = ends[0];
  source.owned_ = true;
  source.process_ = process;
  return source;
}

std::size_t ByteSource::read(std::span<std::uint8_t> buffer) {
  const int size = _read(descriptor_, buffer.data(), static_cast<unsigned>(buffer.size()));
  return size > 0 ? static_cast<std::size_t>(size) : 0;
}

bool ByteSource::finish() {
  if (process_ == 0) return true;
  int status = -1;
  _cwait(&status, std::exchange(process_, 0), 0);
  return status == 0;
}

void ByteSource::close() noexcept {
  if (owned_) _close(descriptor_);  // the program's next write fails, which ends it
  (void)finish();
}

}  // namespace msquic_py::apps
