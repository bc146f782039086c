#include "moqt-pub/outgoing_catalog.h"

#include <chrono>
#include <string_view>
#include <utility>

namespace msquic_py::apps {
namespace {

/// The catalog has to name a bit rate (MSF section 5.2.21); where the input has none this is a guess at its order.
double bit_rate_of(const MediaTrack& track) {
  if (track.bit_rate > 0) return static_cast<double>(track.bit_rate);
  if (!track.video) return 64'000.0 * track.channels;
  return 0.1 * track.width * track.height * (track.frame_rate > 0 ? track.frame_rate : 30);
}

}  // namespace

void OutgoingCatalog::describe(const std::vector<MediaTrack>& tracks, const std::vector<std::string>& names,
                               Packaging packaging) {
  catalog_ = msf::Catalog{};
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    const MediaTrack& media = tracks[i];
    msf::Track track;
    track.name = names[i];
    track.packaging = packaging == Packaging::Loc ? msf::kPackagingLoc : msf::kPackagingCmaf;
    track.is_live = true;
    track.role = std::string(media.video ? msf::kRoleVideo : msf::kRoleAudio);
    track.render_group = 1;
    track.codec = media.codec;
    track.timescale = media.timescale;
    track.bitrate = bit_rate_of(media);
    if (media.video) {
      track.width = media.width;
      track.height = media.height;
      if (media.frame_rate > 0) track.framerate = media.frame_rate;
    } else {
      track.samplerate = media.sample_rate;
      track.channel_config = std::to_string(media.channels);
    }
    if (!media.language.empty()) track.language = media.language;
    if (!media.initialization.empty()) catalog_.set_initialization(track, media.initialization);
    catalog_.tracks.push_back(std::move(track));
  }
}

void OutgoingCatalog::complete() {
  catalog_ = msf::Catalog{};
  catalog_.is_complete = true;
}

base::Result<void, std::string> OutgoingCatalog::publish(Time now) {
  last_ = now;
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  catalog_.generated_at =
      static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
  auto text = catalog_.encode();
  if (!text) return base::Failure{"the catalog can't be written: " + text.error()};
  auto group = writer_->begin_group(next_group_);
  if (!group) return base::Failure{std::string(moqt::session::describe(group.error()))};
  ++next_group_;
  if (auto written = (*group)->write(base::SharedBytes::copy_of(base::as_bytes(std::string_view(*text)))); !written)
    return base::Failure{std::string(moqt::session::describe(written.error()))};
  (*group)->finish();
  return {};
}

std::optional<OutgoingCatalog::Time> OutgoingCatalog::due() const {
  if (!writer_->wanted()) return std::nullopt;
  return last_ ? *last_ + kInterval : Time{};
}

}  // namespace msquic_py::apps
