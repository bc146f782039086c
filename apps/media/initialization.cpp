#include "media/initialization.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "media/box.h"

namespace msquic_py::apps {
namespace {

constexpr std::size_t kVisualEntry = 78;  ///< fields of a VisualSampleEntry ahead of its boxes
constexpr std::size_t kAudioEntry = 28;   ///< the same of an AudioSampleEntry, version 0

void put(base::ByteVector& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

base::ByteVector box(std::uint32_t type, base::Bytes payload) {
  base::ByteVector out;
  put(out, payload.size() + 8, 4);
  put(out, type, 4);
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

void append(base::ByteVector& out, base::Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

std::uint32_t u32(base::Bytes bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
  return value;
}

std::uint32_t media_timescale(base::Bytes trak) {
  const auto mdia = find_box(trak, four_cc("mdia"));
  const auto mdhd = mdia ? find_box(*mdia, four_cc("mdhd")) : std::nullopt;
  if (!mdhd || mdhd->empty()) return 0;
  const std::size_t at = (*mdhd)[0] == 1 ? 20 : 12;
  return mdhd->size() >= at + 4 ? u32(*mdhd, at) : 0;
}

base::ByteVector edit_list(std::uint64_t media_time) {
  base::ByteVector elst;
  put(elst, std::uint64_t{1} << 24, 4);  // version 1, no flags
  put(elst, 1, 4);                       // one edit
  put(elst, 0, 8);                       // as long as the media: not known yet
  put(elst, media_time, 8);
  put(elst, 0x00010000, 4);  // at normal speed
  return box(four_cc("edts"), box(four_cc("elst"), elst));
}

template <class... Values>
std::string text(const char* format, Values... values) {
  std::array<char, 64> line{};
  std::snprintf(line.data(), line.size(), format, values...);
  return line.data();
}

std::string four_letters(std::uint32_t type) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(type >> shift & 0xff);
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

/// ISO/IEC 14496-15 annex E: profile space and profile, compatibility in reverse, tier and level, constraint bytes.
std::string hevc(const std::string& entry, base::Bytes config) {
  if (config.size() < 13) return entry;
  static constexpr std::array kSpaces{"", "A", "B", "C"};
  std::uint32_t compatibility = u32(config, 2);
  std::uint32_t reversed = 0;
  for (int i = 0; i < 32; ++i, compatibility >>= 1) reversed = reversed << 1 | (compatibility & 1);
  std::string out =
      entry + "." + kSpaces[config[1] >> 6] +
      text("%u.%X.%c%u", config[1] & 0x1fu, reversed, (config[1] & 0x20) != 0 ? 'H' : 'L', unsigned{config[12]});
  std::size_t constraints = 6;
  while (constraints > 0 && config[5 + constraints] == 0) --constraints;
  for (std::size_t i = 0; i < constraints; ++i) out += text(".%X", unsigned{config[6 + i]});
  return out;
}

/// AV1 in ISOBMFF, section 5: profile, level and tier, bit depth.
std::string av1(base::Bytes config) {
  if (config.size() < 3) return "av01";
  const unsigned depth = (config[2] & 0x40) == 0 ? 8 : (config[2] & 0x20) == 0 ? 10 : 12;
  return text("av01.%u.%02u%c.%02u", config[1] >> 5u, config[1] & 0x1fu, (config[2] & 0x80) != 0 ? 'H' : 'M', depth);
}

/// VP Codec ISO media file format binding, section "Codecs Parameter String".
std::string vp9(base::Bytes config) {
  if (config.size() < 7) return "vp09";
  return text("vp09.%02u.%02u.%02u", unsigned{config[4]}, unsigned{config[5]}, config[6] >> 4u);
}

/// The length of an MPEG-4 descriptor (ISO/IEC 14496-1 section 8.3.3); `at` moves behind it.
std::size_t descriptor_length(base::Bytes bytes, std::size_t& at) {
  std::size_t length = 0;
  for (int i = 0; i < 4 && at < bytes.size(); ++i) {
    const std::uint8_t byte = bytes[at++];
    length = length << 7 | (byte & 0x7f);
    if ((byte & 0x80) == 0) break;
  }
  return length;
}

/// "mp4a.40.2" and the like: the object type, and for AAC the audio object type of its configuration.
SampleEntry mpeg4(const std::string& entry, base::Bytes esds) {
  SampleEntry out{entry, {}};
  std::size_t at = 4;
  if (at >= esds.size() || esds[at++] != 3) return out;  // ES_Descriptor
  (void)descriptor_length(esds, at);
  at += 3;
  if (at >= esds.size() || esds[at++] != 4) return out;  // DecoderConfigDescriptor
  (void)descriptor_length(esds, at);
  if (at >= esds.size()) return out;
  const unsigned type = esds[at];
  at += 13;
  out.codec += text(".%02X", type);
  if (at >= esds.size() || esds[at++] != 5) return out;  // DecoderSpecificInfo
  const std::size_t length = descriptor_length(esds, at);
  if (length == 0 || at + length > esds.size()) return out;
  const base::Bytes config = esds.subspan(at, length);
  out.configuration.assign(config.begin(), config.end());
  if (type == 0x40) {
    unsigned object = config[0] >> 3;
    if (object == 31 && config.size() > 1) object = 32 + ((config[0] & 7u) << 3 | config[1] >> 5);
    out.codec += text(".%u", object);
  }
  return out;
}

/// The identification header of RFC 7845 section 5.1: what "dOps" has, with numbers in the other byte order.
base::ByteVector opus_head(base::Bytes dops) {
  base::ByteVector out{'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1, dops[1], dops[3], dops[2]};
  for (const std::size_t at : {7, 6, 5, 4, 9, 8}) out.push_back(dops[at]);
  append(out, dops.subspan(10));
  return out;
}

}  // namespace

void add_edit_lists(base::ByteVector& initialization, std::int64_t start_seconds) {
  base::ByteVector out;
  base::Bytes rest = initialization;
  while (const auto top = take_box(rest)) {
    if (top->type != four_cc("moov")) {
      append(out, box(top->type, top->payload));
      continue;
    }
    base::ByteVector moov;
    base::Bytes children = top->payload;
    while (const auto child = take_box(children)) {
      if (child->type != four_cc("trak") || find_box(child->payload, four_cc("edts"))) {
        append(moov, box(child->type, child->payload));
        continue;
      }
      base::ByteVector trak;
      base::Bytes parts = child->payload;
      while (const auto part = take_box(parts)) {
        append(trak, box(part->type, part->payload));
        if (part->type == four_cc("tkhd")) {
          append(trak, edit_list(static_cast<std::uint64_t>(start_seconds) * media_timescale(child->payload)));
        }
      }
      append(moov, box(four_cc("trak"), trak));
    }
    append(out, box(four_cc("moov"), moov));
  }
  initialization = std::move(out);
}

void open_edit_lists(base::ByteVector& initialization) noexcept {
  constexpr std::uint32_t kWithoutEnd = 0x7fffffff;  // milliseconds, as FFmpeg's muxer counts: 24 days
  const auto moov = find_box(initialization, four_cc("moov"));
  if (!moov) return;
  for_each_box(*moov, four_cc("trak"), [&](base::Bytes trak) {
    const auto edts = find_box(trak, four_cc("edts"));
    const auto elst = edts ? find_box(*edts, four_cc("elst")) : std::nullopt;
    if (!elst || elst->size() < 8) return;
    const std::size_t duration = (*elst)[0] == 1 ? 8 : 4;
    const std::size_t entry = duration * 2 + 4;
    const std::size_t count = u32(*elst, 4);
    if (count == 0 || (elst->size() - 8) / entry < count) return;
    const auto at = static_cast<std::size_t>(elst->data() - initialization.data()) + 8 + (count - 1) * entry;
    const bool open = std::all_of(initialization.begin() + static_cast<std::ptrdiff_t>(at),
                                  initialization.begin() + static_cast<std::ptrdiff_t>(at + duration),
                                  [](std::uint8_t byte) { return byte == 0; });
    if (!open) return;
    for (std::size_t i = 0; i < 4; ++i)
      initialization[at + duration - 4 + i] = static_cast<std::uint8_t>(kWithoutEnd >> (24 - 8 * i));
  });
}

std::optional<SampleEntry> read_sample_entry(base::Bytes initialization) {
  base::Bytes at = initialization;
  for (const std::uint32_t type :
       {four_cc("moov"), four_cc("trak"), four_cc("mdia"), four_cc("minf"), four_cc("stbl"), four_cc("stsd")}) {
    const auto inner = find_box(at, type);
    if (!inner) return std::nullopt;
    at = *inner;
  }
  if (at.size() < 8) return std::nullopt;
  at = at.subspan(8);  // version, flags and the number of entries
  const auto entry = take_box(at);
  if (!entry) return std::nullopt;
  const std::string name = four_letters(entry->type);
  const auto config = [&](std::size_t skip, std::uint32_t type) -> base::Bytes {
    if (entry->payload.size() < skip) return {};
    return find_box(entry->payload.subspan(skip), type).value_or(base::Bytes{});
  };
  const auto made = [](std::string codec, base::Bytes configuration) {
    return SampleEntry{std::move(codec), base::ByteVector(configuration.begin(), configuration.end())};
  };
  if (const auto avc = config(kVisualEntry, four_cc("avcC")); avc.size() >= 4)
    return made(name + text(".%02X%02X%02X", unsigned{avc[1]}, unsigned{avc[2]}, unsigned{avc[3]}), avc);
  if (const auto hvc = config(kVisualEntry, four_cc("hvcC")); !hvc.empty()) return made(hevc(name, hvc), hvc);
  if (const auto av1c = config(kVisualEntry, four_cc("av1C")); !av1c.empty()) return made(av1(av1c), av1c);
  if (const auto vpc = config(kVisualEntry, four_cc("vpcC")); !vpc.empty()) return made(vp9(vpc), {});
  for (const std::size_t skip : {kVisualEntry, kAudioEntry}) {
    if (const auto esds = config(skip, four_cc("esds")); !esds.empty()) return mpeg4(name, esds);
  }
  if (const auto opus = config(kAudioEntry, four_cc("dOps")); opus.size() >= 11) return {{"opus", opus_head(opus)}};
  if (const auto flac = config(kAudioEntry, four_cc("dfLa")); flac.size() > 4) {
    SampleEntry out{"flac", {'f', 'L', 'a', 'C'}};  // the stream's marker, then its metadata blocks
    append(out.configuration, flac.subspan(4));
    return out;
  }
  return made(name, {});
}

PictureSize picture_size(base::Bytes initialization, std::size_t track) noexcept {
  constexpr std::size_t kWidthAt = 24;
  std::optional<base::Bytes> at = find_box(initialization, four_cc("moov"));
  std::size_t number = 0;
  for_each_box(at.value_or(base::Bytes{}), four_cc("trak"), [&](base::Bytes trak) {
    if (number++ == track) at = trak;
  });
  if (track >= number) return {};
  for (const std::uint32_t type : {four_cc("mdia"), four_cc("minf"), four_cc("stbl"), four_cc("stsd")}) {
    at = find_box(*at, type);
    if (!at) return {};
  }
  if (at->size() < 8) return {};
  base::Bytes entries = at->subspan(8);  // behind version, flags and the number of entries
  const auto entry = take_box(entries);
  if (!entry || entry->payload.size() < kVisualEntry) return {};
  const std::uint32_t both = u32(entry->payload, kWidthAt);
  return {static_cast<int>(both >> 16), static_cast<int>(both & 0xffff)};
}

base::Bytes without_initialization(base::Bytes object) noexcept {
  while (const auto header = read_box_header(object)) {
    if (header->type != four_cc("ftyp") && header->type != four_cc("moov")) break;
    if (header->size < header->header_size || header->size > object.size()) break;
    object = object.subspan(static_cast<std::size_t>(header->size));
  }
  return object;
}

base::Bytes media_data(base::Bytes chunk) noexcept { return find_box(chunk, four_cc("mdat")).value_or(base::Bytes{}); }

}  // namespace msquic_py::apps
