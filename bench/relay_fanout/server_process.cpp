#include "server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace msquic_py::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kStartDeadline = std::chrono::seconds(20);
constexpr auto kAnswerDeadline = std::chrono::seconds(20);
constexpr auto kEndDeadline = std::chrono::seconds(5);

/// Both ends stay out of other processes.
std::array<int, 2> open_pipe() {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe for the server");
  for (const int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
  return ends;
}

}  // namespace

ServerProcess::ServerProcess(std::vector<std::string> command) {
  const auto output = open_pipe();
  output_ = output[0];
  const auto input = open_pipe();
  input_ = input[1];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int failed = posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(input[0]);
  close(output[1]);
  if (failed != 0) {
    close(input_);
    close(output_);
    throw std::runtime_error("cannot start " + command[0] + ": " + std::strerror(failed));
  }
  try {
    read_greeting(Clock::now() + kStartDeadline);
  } catch (...) {
    end();
    throw;
  }
}

ServerProcess::~ServerProcess() { end(); }

void ServerProcess::end() noexcept {
  close(input_);
  close(output_);
  kill(pid_, SIGTERM);
  const auto deadline = Clock::now() + kEndDeadline;
  while (waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (Clock::now() > deadline) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void ServerProcess::read_greeting(Clock::time_point deadline) {
  static constexpr const char* kPort = "listening on port ";
  static constexpr const char* kFingerprint = "development certificate SHA-256 ";
  while (fingerprint_.empty() || port_ == 0) {
    const std::string line = read_line(deadline);
    if (line.rfind(kPort, 0) == 0) port_ = static_cast<std::uint16_t>(std::stoul(line.substr(std::strlen(kPort))));
    if (line.rfind(kFingerprint, 0) == 0) fingerprint_ = line.substr(std::strlen(kFingerprint));
  }
}

std::string ServerProcess::read_line(Clock::time_point deadline) {
  std::size_t end = 0;
  while ((end = unread_.find('\n')) == std::string::npos) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd waiting{output_, POLLIN, 0};
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0) {
      throw std::runtime_error("the server does not say anything");
    }
    std::array<char, 512> buffer{};
    const ssize_t size = read(output_, buffer.data(), buffer.size());
    if (size <= 0) throw std::runtime_error("the server has ended");
    unread_.append(buffer.data(), static_cast<std::size_t>(size));
  }
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return line;
}

std::uint64_t ServerProcess::ask(const std::string& line) {
  const std::string text = line + '\n';
  if (write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("the server takes no \"" + line + "\"");
  }
  return std::stoull(read_line(Clock::now() + kAnswerDeadline));
}

std::chrono::nanoseconds ServerProcess::cpu_time() const {
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &used) != 0) {
    throw std::runtime_error("the server's CPU time cannot be read: it has ended");
  }
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::uint64_t ServerProcess::resident_bytes() const {
  std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  if (!(statm >> pages >> resident)) throw std::runtime_error("the server's memory cannot be read: it has ended");
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace msquic_py::bench
