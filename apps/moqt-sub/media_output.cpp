#include "moqt-sub/media_output.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "media/initialization.h"
#include "media/length_framed.h"

namespace msquic_py::apps {

base::Result<MediaOutput, std::string> MediaOutput::open(const std::string& path, Format format) {
  std::FILE* file = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
  if (file == nullptr) return base::Failure{"cannot write '" + path + "': " + std::strerror(errno)};
  return MediaOutput(file, format);
}

MediaOutput::MediaOutput(MediaOutput&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)), format_(other.format_), initialized_(other.initialized_) {}

MediaOutput::~MediaOutput() {
  if (file_ != nullptr && file_ != stdout) std::fclose(file_);
}

bool MediaOutput::write(base::Bytes payload, bool starts_group) {
  if (format_ == Format::Auto) {
    const bool cmaf = payload.size() >= 8 && base::as_text(payload.subspan(4, 4)) == "ftyp";
    format_ = cmaf ? Format::Cmaf : Format::Raw;
  }
  if (format_ == Format::Cmaf) {
    if (initialized_) payload = without_initialization(payload);
    initialized_ = true;
  } else if (format_ == Format::Framed) {
    scratch_.clear();
    append_length_framed(scratch_, payload, starts_group);
    payload = scratch_;
  }
  return std::fwrite(payload.data(), 1, payload.size(), file_) == payload.size();
}

bool MediaOutput::flush() { return std::fflush(file_) == 0; }

}  // namespace msquic_py::apps
