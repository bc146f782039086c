#include "moqt/model/track_namespace.h"

#include <algorithm>

#include "moqt/model/full_track_name.h"

namespace msquic_py::moqt {
namespace {

void append_field(std::string& text, base::Bytes field) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::uint8_t byte : field) {
    if (byte > 0x20 && byte < 0x7f && byte != '/' && byte != '\\') {
      text.push_back(static_cast<char>(byte));
    } else {
      text += "\\x";
      text.push_back(kDigits[byte >> 4]);
      text.push_back(kDigits[byte & 0xf]);
    }
  }
}

std::size_t combine(std::size_t seed, std::size_t value) noexcept {
  return seed ^ (value + 0x9e3779b97f4a7c15ull + (seed << 6) + (seed >> 2));
}

// Each field is hashed on its own, so that ("ab","c") and ("a","bc") differ.
std::size_t hash_bytes(base::Bytes bytes) noexcept { return std::hash<std::string_view>{}(base::as_text(bytes)); }

}  // namespace

TrackNamespace::TrackNamespace(std::initializer_list<std::string_view> fields) {
  fields_.reserve(fields.size());
  for (const std::string_view field : fields) append(base::as_bytes(field));
}

std::size_t TrackNamespace::length() const noexcept {
  std::size_t total = 0;
  for (const auto& field : fields_) total += field.size();
  return total;
}

bool TrackNamespace::valid() const noexcept {
  return !fields_.empty() && fields_.size() <= kMaxNamespaceFields && length() <= kMaxFullTrackNameLength;
}

bool TrackNamespace::is_prefix_of(const TrackNamespace& other) const noexcept {  // [d15 §2.4.1-3]
  return fields_.size() <= other.fields_.size() && std::equal(fields_.begin(), fields_.end(), other.fields_.begin());
}

std::string TrackNamespace::to_text() const {
  std::string text;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (i > 0) text.push_back('/');
    append_field(text, fields_[i]);
  }
  return text;
}

std::size_t TrackNamespace::hash() const noexcept {
  std::size_t seed = fields_.size();
  for (const auto& field : fields_) seed = combine(seed, hash_bytes(field));
  return seed;
}

std::string FullTrackName::to_text() const {
  std::string text = track_namespace.to_text() + "--";
  append_field(text, track_name);
  return text;
}

std::size_t FullTrackName::hash() const noexcept { return combine(track_namespace.hash(), hash_bytes(track_name)); }

}  // namespace msquic_py::moqt
