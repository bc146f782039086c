#include "moqt-pub/byte_source.h"

#include <utility>

namespace msquic_py::apps {

ByteSource::ByteSource(ByteSource&& other) noexcept
    : descriptor_(other.descriptor_),
      owned_(std::exchange(other.owned_, false)),
      process_(std::exchange(other.process_, 0)) {}

ByteSource& ByteSource::operator=(ByteSource&& other) noexcept {
  if (this == &other) return *this;
  close();
  descriptor_ = other.descriptor_;
  owned_ = std::exchange(other.owned_, false);
  process_ = std::exchange(other.process_, 0);
  return *this;
}

ByteSource::~ByteSource() { close(); }

}  // namespace msquic_py::apps
