#include "msf/catalog.h"

#include <algorithm>
#include <array>

namespace msquic_py::msf {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string to_base64(base::Bytes bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t value = 0;
    for (std::size_t j = 0; j < 3; ++j) value = (value << 8) | (j < count ? bytes[i + j] : 0u);
    for (std::size_t j = 0; j < 4; ++j) text += j <= count ? kBase64[(value >> (18 - 6 * j)) & 63] : '=';
  }
  return text;
}

/// Padded base64 of RFC 4648, section 4; nothing for anything else.
std::optional<base::ByteVector> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2u : text.ends_with('=') ? 1u : 0u;
  base::ByteVector bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t digit = i < text.size() - padding ? kBase64.find(text[i]) : 0;
    if (digit == std::string_view::npos) return std::nullopt;
    value = (value << 6) | static_cast<std::uint32_t>(digit);
    if (i % 4 != 3) continue;
    for (const unsigned shift : {16u, 8u, 0u}) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
    value = 0;
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace

const Track* Catalog::find(std::string_view name) const noexcept {
  const auto found =
      std::ranges::find_if(tracks, [name](const Track& track) { return track.name == name && !track.track_namespace; });
  return found == tracks.end() ? nullptr : &*found;
}

base::Result<std::optional<base::ByteVector>, std::string> Catalog::initialization_of(const Track& track) const {
  if (!track.init_ref) return std::optional<base::ByteVector>{};
  const auto found =
      std::ranges::find_if(init_data_list, [&](const InitData& data) { return data.id == *track.init_ref; });
  if (found == init_data_list.end()) {
    return base::Failure{"initDataList has no '" + *track.init_ref + "', which '" + track.name + "' needs"};
  }
  if (found->type != "inline") {
    return base::Failure{"the initialization data of '" + track.name + "' is of type '" + found->type +
                         "', not inline"};
  }
  auto bytes = from_base64(found->data);
  if (!bytes) return base::Failure{"the initialization data of '" + track.name + "' is not base64"};
  return bytes;
}

void Catalog::set_initialization(Track& track, base::Bytes data) {
  std::string text = to_base64(data);
  auto found = std::ranges::find_if(
      init_data_list, [&](const InitData& entry) { return entry.type == "inline" && entry.data == text; });
  if (found == init_data_list.end()) {
    InitData entry;
    for (std::size_t number = init_data_list.size() + 1;; ++number) {
      entry.id = "init-" + std::to_string(number);
      if (std::ranges::none_of(init_data_list, [&](const InitData& other_entry) { return other_entry.id == entry.id; }))
        break;
    }
    entry.data = std::move(text);
    init_data_list.push_back(std::move(entry));
    found = init_data_list.end() - 1;
  }
  track.init_ref = found->id;
}

}  // namespace msquic_py::msf
