#include "media/parameter_sets.h"

#include <algorithm>

#include "base/byte_reader.h"

namespace msquic_py::apps {
namespace {

base::Bytes extradata(const AVCodecParameters& parameters) noexcept {
  return {parameters.extradata, static_cast<std::size_t>(parameters.extradata_size)};
}

/// `count` NAL units, each behind a 16-bit length in `reader`, appended to `out` behind lengths of `length_size` bytes.
bool copy_units(base::ByteReader& reader, unsigned count, unsigned length_size, base::ByteVector& out) {
  for (unsigned i = 0; i < count; ++i) {
    const auto size = reader.read_u16();
    const auto unit = size ? reader.read_bytes(*size) : std::nullopt;
    if (!unit) return false;
    for (unsigned shift = length_size; shift-- > 0;) {
      out.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(*size) >> (8 * shift)));
    }
    out.insert(out.end(), unit->begin(), unit->end());
  }
  return true;
}

/// Of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, section 5.3.3).
std::optional<base::ByteVector> avc_units(base::Bytes record) {
  base::ByteReader reader(record);
  const auto head = reader.read_bytes(5);
  const auto sequence_sets = reader.read_u8();
  if (!head || !sequence_sets || (*head)[0] != 1) return std::nullopt;
  base::ByteVector units;
  const unsigned length_size = ((*head)[4] & 3u) + 1;
  if (!copy_units(reader, *sequence_sets & 31u, length_size, units)) return std::nullopt;
  const auto picture_sets = reader.read_u8();
  if (!picture_sets || !copy_units(reader, *picture_sets, length_size, units)) return std::nullopt;
  return units;
}

/// Of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, section 8.3.3).
std::optional<base::ByteVector> hevc_units(base::Bytes record) {
  base::ByteReader reader(record);
  const auto head = reader.read_bytes(22);
  const auto arrays = reader.read_u8();
  if (!head || !arrays || (*head)[0] != 1) return std::nullopt;
  base::ByteVector units;
  for (unsigned i = 0; i < *arrays; ++i) {
    const auto kind = reader.read_u8();
    const auto count = reader.read_u16();
    if (!kind || !count || !copy_units(reader, *count, ((*head)[21] & 3u) + 1, units)) return std::nullopt;
  }
  return units;
}

}  // namespace

std::optional<Continuation> continue_with(const AVCodecParameters& first, const AVCodecParameters& now) {
  if (first.codec_id != now.codec_id) return std::nullopt;
  const bool same = std::ranges::equal(extradata(first), extradata(now));
  if (first.codec_type == AVMEDIA_TYPE_AUDIO) {
    const bool alike = first.sample_rate == now.sample_rate && first.ch_layout.nb_channels == now.ch_layout.nb_channels;
    // Opus' header has the encoder's delay, which differs without making the frames different.
    if (!alike || (!same && first.codec_id != AV_CODEC_ID_OPUS)) return std::nullopt;
    return Continuation{same, {}};
  }
  if (first.codec_id == AV_CODEC_ID_AV1 || first.codec_id == AV_CODEC_ID_VP9 || first.codec_id == AV_CODEC_ID_VP8) {
    return Continuation{same, {}};
  }
  const bool avc = first.codec_id == AV_CODEC_ID_H264;
  if (!avc && first.codec_id != AV_CODEC_ID_HEVC) {
    return same ? std::optional(Continuation{true, {}}) : std::nullopt;
  }
  const std::size_t length_at = avc ? 4 : 21;
  const base::Bytes old_record = extradata(first), new_record = extradata(now);
  if (old_record.size() <= length_at || new_record.size() <= length_at ||
      ((old_record[length_at] ^ new_record[length_at]) & 3) != 0) {
    return same ? std::optional(Continuation{true, {}}) : std::nullopt;
  }
  auto units = avc ? avc_units(new_record) : hevc_units(new_record);
  if (!units) return same ? std::optional(Continuation{true, {}}) : std::nullopt;
  return Continuation{same, std::move(*units)};
}

}  // namespace msquic_py::apps
