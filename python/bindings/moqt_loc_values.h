#pragma once

#include "base/bytes.h"
#include "loc/header_extensions.h"
#include "moqt_value.h"

namespace msquic_py::python {

struct CaptureTimestamp {
  std::uint64_t microseconds = 0;
  bool operator==(const CaptureTimestamp&) const = default;
};

struct VideoConfig {
  base::ByteVector data;
  bool operator==(const VideoConfig&) const = default;
};

struct AudioConfig {
  base::ByteVector data;
  bool operator==(const AudioConfig&) const = default;
};

/// Which argument or field of Python an error of LOC is about.
const char* field_of(loc::LocError error) noexcept;
/// EncodeError.
[[noreturn]] void raise_without_encoding(loc::LocError error);

}  // namespace msquic_py::python
