#include "media/length_framed.h"

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace msquic_py::apps {

void LengthFramedReader::push(base::Bytes bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
  consumed_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

base::Result<std::optional<LengthFrame>, std::string> LengthFramedReader::next() {
  for (;;) {
    base::ByteReader reader(base::Bytes(buffer_).subspan(consumed_));
    const auto high = reader.read_u16();
    const auto low = reader.read_u16();
    if (!high || !low) return std::optional<LengthFrame>{};
    const std::uint32_t length = (std::uint32_t{*high} << 16) | *low;
    if (length > kMaxFrame) {
      return base::Failure{"a frame announces " + std::to_string(length) + " bytes; the most is " +
                           std::to_string(kMaxFrame)};
    }
    if (length == 0) {
      consumed_ += 4;
      group_pending_ = true;
      continue;
    }
    const auto bytes = reader.read_bytes(length);
    if (!bytes) return std::optional<LengthFrame>{};
    consumed_ += 4 + bytes->size();
    LengthFrame frame{{bytes->begin(), bytes->end()}, group_pending_};
    group_pending_ = false;
    return std::optional<LengthFrame>{std::move(frame)};
  }
}

void append_length_framed(base::ByteVector& out, base::Bytes frame, bool starts_group) {
  base::ByteWriter writer(out);
  if (starts_group) {
    writer.write_u16(0);
    writer.write_u16(0);
  }
  writer.write_u16(static_cast<std::uint16_t>(frame.size() >> 16));
  writer.write_u16(static_cast<std::uint16_t>(frame.size() & 0xffff));
  writer.write_bytes(frame);
}

}  // namespace msquic_py::apps
