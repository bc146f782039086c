#include "unit/vectors/vector_file.h"

#include <algorithm>
#include <fstream>
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
    if (c == ' ') {
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

VectorFile load_vectors(const std::string& name, const std::string& kind) {
  const std::string path = std::string(MSQUIC_PY_TEST_VECTORS) + "/draft15/" + name + ".json";
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error("cannot open " + path);
  const Json file = Json::parse(stream);
  VectorFile result{file.at("kind").get<std::string>(), file.at("vectors").get<std::vector<Json>>()};
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

std::vector<base::ByteVector> images_of(const Json& vector) {
  std::vector<base::ByteVector> images{bytes_of(vector.at("hex"))};
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
