#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace msquic_py::moqt::wire {

/// The bytes of "03 0022 00|02": two digits each; spaces, '|' and brackets are for the reader.
inline base::ByteVector hex(std::string_view text) {
  base::ByteVector bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ' || c == '|' || c == '[' || c == ']') continue;
    const std::size_t digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) throw std::invalid_argument("not a hex digit");
    if (high < 0) {
      high = static_cast<int>(digit);
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high * 16 + static_cast<int>(digit)));
      high = -1;
    }
  }
  if (high >= 0) throw std::invalid_argument("odd number of hex digits");
  return bytes;
}

inline std::string to_hex(base::Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace msquic_py::moqt::wire
