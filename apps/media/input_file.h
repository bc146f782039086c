#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "media/interrupt.h"

namespace msquic_py::apps {

/// The bytes of a file, a FIFO, a device file or standard input. Reading waits until there is something, but never for
/// more than there is: a live source must not wait for a full buffer. An interrupt ends the wait.
class InputFile {
 public:
  /// `path` "-" is standard input. With `follow` the end of a regular file is not the end: what is written to it later
  /// is read, too, until the interrupt is raised. `interrupt` must outlive the file. An error names the path.
  static base::Result<InputFile, std::string> open(const std::string& path, bool follow, const Interrupt& interrupt);

  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile();

  /// Bytes read into `buffer`; 0 at the end, or when interrupted. An error names the path and what the system says.
  base::Result<std::size_t, std::string> read(std::span<std::uint8_t> buffer);
  /// A regular file that does not grow: it has a size, and reading may go on anywhere.
  [[nodiscard]] bool seekable() const noexcept { return seekable_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  bool seek(std::uint64_t position);

 private:
  InputFile(std::string path, int descriptor, const Interrupt& interrupt) noexcept
      : path_(std::move(path)), descriptor_(descriptor), interrupt_(&interrupt) {}

  std::string path_;
  int descriptor_;
  const Interrupt* interrupt_;
  bool owned_ = false;
  bool waits_ = true;  ///< reading may have to wait: anything but a regular file
  bool follow_ = false;
  bool seekable_ = false;
  std::uint64_t size_ = 0;
};

}  // namespace msquic_py::apps
