#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace msquic_py::apps {

/// Writes objects to a file or to standard output.
class MediaOutput {
 public:
  enum class Format {
    Auto,    ///< Cmaf when the first object is one, else Raw
    Cmaf,    ///< a fragmented MP4: the initialization segment of the first group, then every fragment
    Framed,  ///< what moqt-pub --format framed reads
    Raw,     ///< payloads one after the other
  };

  /// `path` "-" is standard output.
  static base::Result<MediaOutput, std::string> open(const std::string& path, Format format);
  MediaOutput(MediaOutput&& other) noexcept;
  MediaOutput& operator=(MediaOutput&&) = delete;
  ~MediaOutput();

  /// False when nothing more can be written (disk full, reader gone).
  bool write(base::Bytes payload, bool starts_group);
  /// Pushes out what is buffered; false when that fails.
  bool flush();

 private:
  MediaOutput(std::FILE* file, Format format) noexcept : file_(file), format_(format) {}

  std::FILE* file_;
  Format format_;
  bool initialized_ = false;  ///< the initialization segment is out
  base::ByteVector scratch_;
};

}  // namespace msquic_py::apps
