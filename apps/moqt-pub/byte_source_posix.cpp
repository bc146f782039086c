#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "moqt-pub/byte_source.h"

extern char** environ;

namespace msquic_py::apps {

base::Result<ByteSource, std::string> ByteSource::file(const std::string& path) {
  ByteSource source;
  source.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (source.descriptor_ < 0) return base::Failure{"cannot read '" + path + "': " + std::strerror(errno)};
  source.owned_ = true;
  return source;
}

ByteSource ByteSource::standard_input() {
  ByteSource source;
  source.descriptor_ = STDIN_FILENO;
  return source;
}

base::Result<ByteSource, std::string> ByteSource::program(const std::vector<std::string>& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return base::Failure{std::string("no pipe: ") + std::strerror(errno)};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  // Our signals are blocked for the thread that waits for them; the program gets the usual set.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t process = 0;
  const int error = ::posix_spawnp(&process, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return base::Failure{"cannot run '" + command[0] + "': " + std::strerror(error)};
  }
  ByteSource source;
  source.descriptor_ = ends[0];
  source.owned_ = true;
  source.process_ = process;
  return source;
}

std::size_t ByteSource::read(std::span<std::uint8_t> buffer) {
  for (;;) {
    const ssize_t size = ::read(descriptor_, buffer.data(), buffer.size());
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EINTR) return 0;
  }
}

bool ByteSource::finish() {
  if (process_ == 0) return true;
  int status = 0;
  while (::waitpid(static_cast<pid_t>(process_), &status, 0) < 0 && errno == EINTR) {
  }
  process_ = 0;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void ByteSource::close() noexcept {
  if (owned_) ::close(descriptor_);
  if (process_ != 0) {
    ::kill(static_cast<pid_t>(process_), SIGTERM);
    (void)finish();
  }
}

}  // namespace msquic_py::apps
