#include "relay_process.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace msquic_py::bench {

namespace {

constexpr auto kStartDeadline = std::chrono::seconds(20);
constexpr auto kEndDeadline = std::chrono::seconds(5);

}  // namespace

RelayProcess::RelayProcess(const std::string& program) {
  std::array<int, 2> pipe_ends{};
  if (pipe(pipe_ends.data()) != 0) throw std::runtime_error("no pipe for the relay's output");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, pipe_ends[0]);
  posix_spawn_file_actions_addclose(&actions, pipe_ends[1]);
  std::array<std::string, 9> words{program,           "--host", "127.0.0.1",   "--port", "0",
                                   "--drain-seconds", "0.2",    "--log-level", "error"};
  std::array<char*, 10> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  const int failed = posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[1]);
  if (failed != 0) {
    close(pipe_ends[0]);
    throw std::runtime_error("cannot start " + program + ": " + std::strerror(failed));
  }
  try {
    read_greeting(pipe_ends[0]);
  } catch (...) {
    close(pipe_ends[0]);
    end();
    throw;
  }
  close(pipe_ends[0]);
}

RelayProcess::~RelayProcess() { end(); }

void RelayProcess::end() noexcept {
  kill(pid_, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kEndDeadline;
  while (waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void RelayProcess::read_greeting(int from) {
  static constexpr const char* kPort = "listening on port ";
  static constexpr const char* kFingerprint = "development certificate SHA-256 ";
  const auto deadline = std::chrono::steady_clock::now() + kStartDeadline;
  std::string text;
  while (fingerprint_.empty()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waiting{from, POLLIN, 0};
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0) {
      throw std::runtime_error("the relay does not say that it listens");
    }
    std::array<char, 512> buffer{};
    const ssize_t size = read(from, buffer.data(), buffer.size());
    if (size <= 0) throw std::runtime_error("the relay ended before it listened");
    text.append(buffer.data(), static_cast<std::size_t>(size));
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      const std::string line = text.substr(0, end);
      text.erase(0, end + 1);
      if (line.rfind(kPort, 0) == 0) port_ = static_cast<std::uint16_t>(std::stoul(line.substr(std::strlen(kPort))));
      if (line.rfind(kFingerprint, 0) == 0) fingerprint_ = line.substr(std::strlen(kFingerprint));
    }
  }
}

std::chrono::nanoseconds RelayProcess::cpu_time() const {
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &used) != 0) {
    throw std::runtime_error("the relay's CPU time cannot be read: it has ended");
  }
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace msquic_py::bench
