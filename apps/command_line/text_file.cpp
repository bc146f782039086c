#include "command_line/text_file.h"

#include <fstream>

namespace msquic_py::apps {

base::Result<std::string, std::string> read_text_file(const std::string& name) {
  constexpr std::size_t kMost = 1024 * 1024;
  std::ifstream file(name, std::ios::binary);
  if (!file) return base::Failure{"cannot read " + name};
  std::string text(kMost + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return base::Failure{"cannot read " + name};
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMost) return base::Failure{name + " is larger than 1 MiB"};
  return text;
}

}  // namespace msquic_py::apps
