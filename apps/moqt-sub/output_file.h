#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace msquic_py::apps {

/// A file, or standard output, that is written on a thread of its own: a pipe that nobody reads, or a slow disk, never
/// holds up who writes.
class OutputFile {
 public:
  /// `path` "-" is standard output. `on_change` is called on the writing thread when everything queued was written and
  /// when writing has failed; it must not call back.
  static base::Result<OutputFile, std::string> open(const std::string& path, std::function<void()> on_change);
  OutputFile(OutputFile&& other) noexcept = default;
  OutputFile& operator=(OutputFile&&) = delete;
  /// Gives up what is not written yet.
  ~OutputFile();

  /// Queues the bytes; after a failure they are dropped.
  void write(base::Bytes bytes);
  /// Bytes that wait to be written.
  [[nodiscard]] std::size_t queued() const;
  /// Why nothing more can be written; nothing while all is well.
  [[nodiscard]] std::optional<std::string> failure() const;

 private:
  struct State;
  explicit OutputFile(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}

  std::shared_ptr<State> state_;  ///< shared with the thread, which a blocked pipe may hold beyond our end
};

}  // namespace msquic_py::apps
