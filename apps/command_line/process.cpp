#include "command_line/process.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif

#include "command_line/exit_code.h"
#include "command_line/logging.h"
#include "quic/library.h"

namespace msquic_py::apps {

namespace {

std::string program_name;

std::string describe(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return "out of memory";
  if (dynamic_cast<const std::system_error*>(&error) != nullptr) {
    return std::string("the system refused a thread or another resource: ") + error.what();
  }
  return error.what();
}

/// Memory may be gone, so this neither allocates nor goes through the log.
[[noreturn]] void end_at_once() noexcept {
  char line[512];
  std::size_t size = 0;
  const auto add = [&](const char* text) {
    const std::size_t length = std::strlen(text);
    const std::size_t room = sizeof(line) - 1 - size;
    std::memcpy(line + size, text, length < room ? length : room);
    size += length < room ? length : room;
  };
  add(program_name.c_str());
  add(" error ends: ");
  try {
    if (const auto thrown = std::current_exception()) std::rethrow_exception(thrown);
    add("it cannot go on");
  } catch (const std::bad_alloc&) {
    add("out of memory");
  } catch (const std::exception& error) {
    add(error.what());
  } catch (...) {
    add("an unknown exception");
  }
  line[size++] = '\n';
#if defined(_WIN32)
  (void)_write(2, line, static_cast<unsigned>(size));
#else
  [[maybe_unused]] const auto written = ::write(2, line, size);
#endif
  std::_Exit(kFailure);
}

}  // namespace

int run_process(const std::string& name, const std::string& log_level, const std::function<int()>& work) {
  program_name = name;
  std::set_terminate(end_at_once);
#if !defined(_WIN32)
  std::signal(SIGPIPE, SIG_IGN);
#endif
  int code = kFailure;
  try {
    start_logging(name, log_level);
    code = work();
  } catch (const std::exception& error) {
    log_error(describe(error));
  }
  (void)quic::Library::wait_until_idle(std::chrono::seconds(3));
  return code;
}

}  // namespace msquic_py::apps
