#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace msquic_py::apps {

/// Bytes from a file, standard input, or the standard output of a program. Reading blocks until there is something,
/// but never waits for more than there is: a live source must not wait for a full buffer.
class ByteSource {
 public:
  static base::Result<ByteSource, std::string> file(const std::string& path);
  static ByteSource standard_input();
  /// Runs `command` (found on PATH, no shell) with an empty standard input.
  static base::Result<ByteSource, std::string> program(const std::vector<std::string>& command);

  ByteSource(ByteSource&& other) noexcept;
  ByteSource& operator=(ByteSource&& other) noexcept;
  /// Ends a program that is still running.
  ~ByteSource();

  /// Bytes read into `buffer`; 0 at the end.
  std::size_t read(std::span<std::uint8_t> buffer);
  /// For a program, after the end: whether it succeeded. True for everything else.
  bool finish();

 private:
  ByteSource() noexcept = default;
  void close() noexcept;

  int descriptor_ = -1;
  bool owned_ = false;
  std::intptr_t process_ = 0;  ///< 0: not a program
};

}  // namespace msquic_py::apps
