#include "unit/vectors/vector_file.h"

#include <algorithm>
#include <bit>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "moqt/model/error_codes.h"

namespace msquic_py::tests {

namespace {

std::uint8_t digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  throw std::runtime_error("not a lower-case hex digit");
}

void append_hex(const std::string& hex, base::ByteVector& out) {
  int high = -1;
  for (const char c : hex) {
    if (c == ' ' || c == '~' || c == '#') {
      if (high >= 0) throw std::runtime_error("half a byte in " + hex);
      continue;
    }
    if (high < 0) {
      high = digit(c);
    } else {
      out.push_back(static_cast<std::uint8_t>(high << 4 | digit(c)));
      high = -1;
    }
  }
  if (high >= 0) throw std::runtime_error("half a byte in " + hex);
}

void append_repeated(const Json& part, base::ByteVector& out) {
  base::ByteVector one;
  append_hex(part.at("repeat").get<std::string>(), one);
  out.insert(out.end(), part.at("count").get<std::size_t>(), one.at(0));
}

}  // namespace

VectorFile load_vectors(moqt::Draft draft, const std::string& name, const std::string& kind) {
  const std::string folder = "/draft" + std::to_string(static_cast<int>(draft)) + "/";
  const std::string path = std::string(MSQUIC_PY_TEST_VECTORS) + folder + name + ".json";
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error("cannot open " + path);
  const Json file = Json::parse(stream);
  VectorFile result{draft, file.at("kind").get<std::string>(), file.at("vectors").get<std::vector<Json>>()};
  if (result.vectors.empty()) throw std::runtime_error("no vector in " + path);
  if (result.kind != kind) throw std::runtime_error(path + " is not of kind " + kind);
  return result;
}

base::ByteVector bytes_of(const Json& hex) {
  base::ByteVector out;
  if (hex.is_string()) {
    append_hex(hex.get<std::string>(), out);
    return out;
  }
  for (const Json& part : hex) {
    if (part.is_string()) {
      append_hex(part.get<std::string>(), out);
    } else {
      append_repeated(part, out);
    }
  }
  return out;
}

base::ByteVector text_of(const Json& text) {
  base::ByteVector out;
  if (text.is_string()) {
    const auto bytes = base::as_bytes(text.get_ref<const std::string&>());
    out.assign(bytes.begin(), bytes.end());
  } else if (text.contains("hex")) {
    append_hex(text.at("hex").get<std::string>(), out);
  } else {
    append_repeated(text, out);
  }
  return out;
}

std::string to_hex(base::Bytes bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 0xF]);
  }
  return out;
}

std::size_t integer_size(moqt::Draft draft, std::uint8_t first) {
  if (draft <= moqt::Draft::k16) return std::size_t{1} << (first >> 6);
  return static_cast<std::size_t>(std::countl_one(first)) + 1;
}

namespace {

std::uint64_t integer_of(moqt::Draft draft, base::Bytes bytes) {
  if (integer_size(draft, bytes[0]) != bytes.size()) throw std::runtime_error("no integer: " + to_hex(bytes));
  std::uint64_t value = draft <= moqt::Draft::k16 ? bytes[0] & 0x3FU : bytes[0] & (0x7FU >> (bytes.size() - 1));
  for (const std::uint8_t byte : bytes.subspan(1)) value = value << 8 | byte;
  return value;
}

/// The integer in that many bytes; nothing when the draft has no such length, or it does not hold the integer.
base::ByteVector integer_in(moqt::Draft draft, std::uint64_t value, std::size_t size) {
  base::ByteVector bytes(size);
  std::uint64_t rest = value;
  for (std::size_t i = size; i > 0; --i, rest >>= 8) bytes[i - 1] = static_cast<std::uint8_t>(rest);
  if (draft <= moqt::Draft::k16) {
    if (size != 1 && size != 2 && size != 4 && size != 8) return {};
    if (value >> (8 * size - 2) != 0) return {};
    bytes[0] = static_cast<std::uint8_t>(bytes[0] | std::countr_zero(size) << 6);
  } else {
    if (size < 9 && value >> (7 * size) != 0) return {};
    bytes[0] = static_cast<std::uint8_t>(bytes[0] | 0xFF00U >> (size - 1));
  }
  return bytes;
}

/// The marked integers in `size` bytes each, where that holds them.
base::ByteVector image_with(moqt::Draft draft, const std::string& hex, std::size_t size) {
  base::ByteVector out;
  std::optional<std::size_t> length_at;
  std::istringstream tokens(hex);
  for (std::string token; tokens >> token;) {
    base::ByteVector bytes;
    append_hex(token, bytes);
    if (token[0] == '#') length_at = out.size();
    if (token[0] == '~') {
      const auto longer = integer_in(draft, integer_of(draft, bytes), size);
      if (longer.size() > bytes.size()) bytes = longer;
    }
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  if (length_at) {
    const std::size_t length = out.size() - *length_at - 2;
    out[*length_at] = static_cast<std::uint8_t>(length >> 8);
    out[*length_at + 1] = static_cast<std::uint8_t>(length);
  }
  return out;
}

}  // namespace

std::vector<base::ByteVector> images_of(moqt::Draft draft, const Json& vector) {
  std::vector<base::ByteVector> images{bytes_of(vector.at("hex"))};
  if (vector.at("hex").is_string() && vector.at("hex").get_ref<const std::string&>().find('~') != std::string::npos) {
    for (std::size_t size = 2; size <= 9; ++size) images.push_back(image_with(draft, vector.at("hex"), size));
  }
  if (vector.contains("nonminimal")) {
    for (const Json& image : vector.at("nonminimal")) images.push_back(bytes_of(image));
  }
  return images;
}

bool matches_error(const Json& vector, const base::Violation& violation) {
  const std::string got(moqt::name(static_cast<moqt::SessionErrorCode>(violation.code)));
  const Json& expected = vector.at("error");
  if (expected.is_string()) return expected.get<std::string>() == got;
  return std::any_of(expected.begin(), expected.end(), [&](const Json& one) { return one.get<std::string>() == got; });
}

std::string describe(const base::Violation& violation) {
  return std::string(moqt::name(static_cast<moqt::SessionErrorCode>(violation.code))) + " (" + violation.what + ")";
}

std::vector<std::size_t> cut_points(std::size_t size) {
  constexpr std::size_t kEveryUpTo = 3000, kNearEnds = 200, kStep = 499;
  std::vector<std::size_t> points;
  for (std::size_t at = 0; at < size;) {
    points.push_back(at);
    const bool sparse = size > kEveryUpTo && at >= kNearEnds && at + kNearEnds + kStep < size;
    at += sparse ? kStep : 1;
  }
  return points;
}

}  // namespace msquic_py::tests
