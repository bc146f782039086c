#include "media/cmaf_splitter.h"

#include <utility>

#include "base/byte_reader.h"
#include "media/box.h"

namespace msquic_py::apps {
namespace {

constexpr std::uint64_t kMaxBoxSize = 256u * 1024 * 1024;
constexpr std::uint32_t kSampleIsNonSync = 0x00010000;  // sample_is_non_sync_sample of the sample flags

std::optional<std::uint32_t> read_u32(base::ByteReader& reader) noexcept {
  const auto high = reader.read_u16();
  const auto low = reader.read_u16();
  if (!high || !low) return std::nullopt;
  return (std::uint32_t{*high} << 16) | *low;
}

std::optional<std::uint64_t> read_u64(base::ByteReader& reader) noexcept {
  const auto high = read_u32(reader);
  const auto low = read_u32(reader);
  if (!high || !low) return std::nullopt;
  return (std::uint64_t{*high} << 32) | *low;
}

void append(base::ByteVector& out, base::Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

struct Track {
  std::uint32_t id = 0;
  std::uint32_t timescale = 0;
  bool video = false;
};

std::optional<Track> read_track(base::Bytes trak) {
  const auto tkhd = find_box(trak, four_cc("tkhd"));
  const auto mdia = find_box(trak, four_cc("mdia"));
  if (!tkhd || !mdia) return std::nullopt;
  const auto mdhd = find_box(*mdia, four_cc("mdhd"));
  const auto hdlr = find_box(*mdia, four_cc("hdlr"));
  if (!mdhd || !hdlr) return std::nullopt;

  Track track;
  base::ByteReader header(*tkhd);
  const auto tkhd_version = header.read_u8();
  if (!tkhd_version || !header.read_bytes(3) || !header.read_bytes(*tkhd_version == 1 ? 16 : 8)) return std::nullopt;
  const auto id = read_u32(header);
  base::ByteReader media(*mdhd);
  const auto mdhd_version = media.read_u8();
  if (!mdhd_version || !media.read_bytes(3) || !media.read_bytes(*mdhd_version == 1 ? 16 : 8)) return std::nullopt;
  const auto timescale = read_u32(media);
  base::ByteReader handler(*hdlr);
  if (!handler.read_bytes(8)) return std::nullopt;
  const auto handler_type = read_u32(handler);
  if (!id || !timescale || !handler_type) return std::nullopt;
  track.id = *id;
  track.timescale = *timescale;
  track.video = *handler_type == four_cc("vide");
  return track;
}

}  // namespace

void CmafSplitter::push(base::Bytes bytes) {
  if (consumed_ > 0) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
    consumed_ = 0;
  }
  append(buffer_, bytes);
}

base::Result<std::optional<CmafFragment>, std::string> CmafSplitter::next() {
  for (;;) {
    const base::Bytes rest = base::Bytes(buffer_).subspan(consumed_);
    const auto header = read_box_header(rest);
    if (!header) return std::optional<CmafFragment>{};
    if (header->size < header->header_size || header->size > kMaxBoxSize) {
      return base::Failure{std::string("not a fragmented MP4: a box has an impossible size")};
    }
    if (initialization_.empty() && header->type != four_cc("ftyp")) {
      return base::Failure{std::string("not an MP4: it does not start with an 'ftyp' box")};
    }
    if (header->type == four_cc("mdat") && moof_.empty()) {
      progressive_ = true;
      return base::Failure{std::string("a progressive MP4: its samples are not in fragments")};
    }
    if (rest.size() < header->size) return std::optional<CmafFragment>{};
    const base::Bytes box = rest.first(static_cast<std::size_t>(header->size));
    consumed_ += box.size();

    if (header->type == four_cc("ftyp") || header->type == four_cc("moov")) {
      append(initialization_, box);
      if (header->type == four_cc("moov")) {
        have_moov_ = true;
        if (auto read = read_tracks(); !read) return base::Failure{read.error()};
      }
    } else if (header->type == four_cc("moof")) {
      if (!have_moov_) return base::Failure{std::string("a fragment comes before the 'moov' box")};
      moof_.assign(box.begin(), box.end());
    } else if (header->type == four_cc("mdat")) {
      CmafFragment fragment;
      describe(fragment);
      fragment.bytes = std::exchange(prefix_, {});
      append(fragment.bytes, moof_);
      append(fragment.bytes, box);
      moof_.clear();
      return std::optional<CmafFragment>{std::move(fragment)};
    } else if (header->type == four_cc("styp") || header->type == four_cc("prft") || header->type == four_cc("emsg")) {
      append(prefix_, box);
    }
    // Anything else (free, sidx, mfra …) describes the file, not the media, and is not sent.
  }
}

base::Result<void, std::string> CmafSplitter::read_tracks() {
  base::Bytes moov;
  for_each_box(initialization_, four_cc("moov"), [&](base::Bytes payload) { moov = payload; });
  bool any_track = false;
  for_each_box(moov, four_cc("trak"), [&](base::Bytes trak) {
    const auto track = read_track(trak);
    any_track = any_track || track.has_value();
    if (track && track->video && video_track_ == 0) {
      video_track_ = track->id;
      video_timescale_ = track->timescale;
    }
  });
  if (!any_track) return base::Failure{std::string("the 'moov' box describes no track")};
  if (const auto mvex = find_box(moov, four_cc("mvex"))) {
    for_each_box(*mvex, four_cc("trex"), [&](base::Bytes trex) {
      base::ByteReader reader(trex);
      if (!reader.read_bytes(4)) return;
      const auto id = read_u32(reader);
      if (!id || *id != video_track_ || !reader.read_bytes(12)) return;
      video_default_flags_ = read_u32(reader).value_or(0);
    });
  }
  return {};
}

void CmafSplitter::describe(CmafFragment& fragment) const {
  if (video_track_ == 0) {
    fragment.starts_group = true;
    return;
  }
  const auto moof = find_box(moof_, four_cc("moof"));
  if (!moof) return;
  for_each_box(*moof, four_cc("traf"), [&](base::Bytes traf) {
    const auto tfhd = find_box(traf, four_cc("tfhd"));
    const auto trun = find_box(traf, four_cc("trun"));
    if (!tfhd || !trun) return;

    base::ByteReader header(*tfhd);
    const auto header_flags = read_u32(header);
    const auto track = read_u32(header);
    if (!header_flags || !track || *track != video_track_) return;
    // tfhd: base-data-offset, sample-description-index, duration and size come before the default flags.
    const std::uint64_t before_flags = ((*header_flags & 0x1) ? 8u : 0u) + ((*header_flags & 0x2) ? 4u : 0u) +
                                       ((*header_flags & 0x8) ? 4u : 0u) + ((*header_flags & 0x10) ? 4u : 0u);
    std::uint32_t sample_flags = video_default_flags_;
    if ((*header_flags & 0x20) && header.read_bytes(before_flags))
      sample_flags = read_u32(header).value_or(sample_flags);

    base::ByteReader run(*trun);
    const auto run_flags = read_u32(run);
    const auto samples = read_u32(run);
    if (!run_flags || !samples || *samples == 0) return;
    if (*run_flags & 0x1) (void)run.read_bytes(4);
    if (*run_flags & 0x4) {
      sample_flags = read_u32(run).value_or(sample_flags);
    } else if (*run_flags & 0x400) {
      const std::uint64_t before = ((*run_flags & 0x100) ? 4u : 0u) + ((*run_flags & 0x200) ? 4u : 0u);
      if (run.read_bytes(before)) sample_flags = read_u32(run).value_or(sample_flags);
    }
    fragment.starts_group = (sample_flags & kSampleIsNonSync) == 0;

    if (const auto tfdt = find_box(traf, four_cc("tfdt")); tfdt && video_timescale_ != 0) {
      base::ByteReader time(*tfdt);
      const auto version = time.read_u8();
      if (!version || !time.read_bytes(3)) return;
      const std::uint64_t ticks = *version == 1 ? read_u64(time).value_or(0) : read_u32(time).value_or(0);
      fragment.decode_time = std::chrono::microseconds(
          static_cast<std::int64_t>(static_cast<double>(ticks) * 1e6 / static_cast<double>(video_timescale_)));
    }
  });
}

base::Bytes without_initialization(base::Bytes object) noexcept {
  while (const auto header = read_box_header(object)) {
    if (header->type != four_cc("ftyp") && header->type != four_cc("moov")) break;
    if (header->size < header->header_size || header->size > object.size()) break;
    object = object.subspan(static_cast<std::size_t>(header->size));
  }
  return object;
}

}  // namespace msquic_py::apps
