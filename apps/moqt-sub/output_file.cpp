#include "moqt-sub/output_file.h"

#include <fcntl.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>
#ifdef _WIN32
#include <io.h>
#include <sys/stat.h>
#else
#include <unistd.h>
#endif

namespace msquic_py::apps {
namespace {

#ifdef _WIN32
constexpr int kStandardOutput = 1;
int open_file(const char* path) {
  return _open(path, _O_WRONLY | _O_CREAT | _O_TRUNC | _O_BINARY, _S_IREAD | _S_IWRITE);
}
long write_some(int file, const void* bytes, std::size_t size) {
  return _write(file, bytes, static_cast<unsigned>(size < (1u << 30) ? size : (1u << 30)));
}
void close_file(int file) { _close(file); }
void make_binary(int file) { _setmode(file, _O_BINARY); }
#else
constexpr int kStandardOutput = STDOUT_FILENO;
int open_file(const char* path) { return ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666); }
long write_some(int file, const void* bytes, std::size_t size) { return ::write(file, bytes, size); }
void close_file(int file) { ::close(file); }
void make_binary(int) {}
#endif

std::string reason(int error) {
  if (error == EPIPE) return "its reader has gone";
  return std::strerror(error);
}

}  // namespace

struct OutputFile::State {
  int file = -1;
  std::string name;
  std::string fifo;  ///< not open yet: opening a FIFO waits for its reader
  std::function<void()> on_change;
  std::mutex mutex;
  std::condition_variable wake;
  base::ByteVector waiting;
  std::size_t writing = 0;
  std::optional<std::string> failure;
  bool ending = false;

  void run() {
    if (!fifo.empty()) open_fifo();
    base::ByteVector batch;
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return ending || !waiting.empty(); });
      if (ending) break;
      batch.clear();
      std::swap(batch, waiting);
      writing = batch.size();
      lock.unlock();
      const int error = write_all(batch);
      lock.lock();
      writing = 0;
      if (error != 0 && !failure) {
        failure = "cannot write " + name + ": " + reason(error);
        waiting.clear();
      }
      if (!ending && waiting.empty()) on_change();
    }
    if (file >= 0 && file != kStandardOutput) close_file(file);
  }

  void open_fifo() {
    const int opened = open_file(fifo.c_str());
    const int error = errno;
    const std::lock_guard lock(mutex);
    file = opened;
    if (opened < 0) failure = "cannot write " + name + ": " + reason(error);
  }

  /// An error number, 0 when all is written or nobody wants it any more.
  int write_all(base::Bytes bytes) {
    while (!bytes.empty()) {
      const long written = write_some(file, bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        return errno;
      }
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      const std::lock_guard lock(mutex);
      writing = bytes.size();
      if (ending) return 0;
    }
    return 0;
  }
};

base::Result<OutputFile, std::string> OutputFile::open(const std::string& path, std::function<void()> on_change) {
  auto state = std::make_shared<State>();
  state->on_change = std::move(on_change);
  if (path == "-") {
    state->file = kStandardOutput;
    state->name = "standard output";
    make_binary(state->file);
  } else {
    state->name = "'" + path + "'";
    std::error_code ignored;
    if (std::filesystem::is_fifo(path, ignored)) {
      state->fifo = path;
      std::thread([state] { state->run(); }).detach();
      return OutputFile(std::move(state));
    }
    state->file = open_file(path.c_str());
    if (state->file < 0) return base::Failure{"cannot write " + state->name + ": " + std::strerror(errno)};
  }
  std::thread([state] { state->run(); }).detach();
  return OutputFile(std::move(state));
}

OutputFile::~OutputFile() {
  if (!state_) return;
  const std::lock_guard lock(state_->mutex);
  state_->ending = true;
  state_->wake.notify_all();
}

void OutputFile::write(base::Bytes bytes) {
  const std::lock_guard lock(state_->mutex);
  if (state_->failure) return;
  state_->waiting.insert(state_->waiting.end(), bytes.begin(), bytes.end());
  state_->wake.notify_all();
}

std::size_t OutputFile::queued() const {
  const std::lock_guard lock(state_->mutex);
  return state_->waiting.size() + state_->writing;
}

std::optional<std::string> OutputFile::failure() const {
  const std::lock_guard lock(state_->mutex);
  return state_->failure;
}

}  // namespace msquic_py::apps
