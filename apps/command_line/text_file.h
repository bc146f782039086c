#pragma once

#include <string>

#include "base/result.h"

namespace msquic_py::apps {

/// All of a file of at most a mebibyte; the error names it and says what went wrong.
base::Result<std::string, std::string> read_text_file(const std::string& name);

}  // namespace msquic_py::apps
