#include "moqt-sub/track_choice.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "media/frame_reader.h"

namespace msquic_py::apps {
namespace {

/// Why a track can't be recorded; nothing when it can.
std::optional<std::string> obstacle(const msf::Catalog& catalog, const msf::Track& track) {
  if (track.encryption_scheme) return "it is encrypted (" + *track.encryption_scheme + ")";
  if (track.packaging == msf::kPackagingCmaf) {
    if (!track.init_ref) return "it has no initialization data";
    if (auto data = catalog.initialization_of(track); !data) return data.error();
    return std::nullopt;
  }
  if (track.packaging != msf::kPackagingLoc) return "its packaging is '" + track.packaging + "', not cmaf or loc";
  if (!track.codec) return "its codec is not told";
  const AVCodecID id = codec_of(*track.codec);
  if (id == AV_CODEC_ID_NONE) return "its codec is '" + *track.codec + "', which is not known here";
  if (id == AV_CODEC_ID_VP8) return "MP4 has no place for its codec, VP8";
  if (avcodec_get_type(id) == AVMEDIA_TYPE_VIDEO && (!track.width || !track.height)) return "its size is not told";
  return std::nullopt;
}

std::string names_of(const msf::Catalog& catalog) {
  std::string names;
  for (const msf::Track& track : catalog.tracks) names += (names.empty() ? "'" : ", '") + track.name + "'";
  return names.empty() ? "none" : names;
}

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

base::Result<TrackChoice, std::string> choose_tracks(const msf::Catalog& catalog,
                                                     const std::vector<std::string>& names) {
  TrackChoice choice;
  if (!names.empty()) {
    for (const std::string& wanted : names) {
      const auto found =
          std::ranges::find_if(catalog.tracks, [&](const msf::Track& track) { return track.name == wanted; });
      if (found == catalog.tracks.end()) {
        return base::Failure{"the catalog has no track '" + wanted + "'; it has " + names_of(catalog)};
      }
      if (auto why = obstacle(catalog, *found)) return base::Failure{"'" + wanted + "' can't be recorded: " + *why};
      choice.taken.push_back(*found);
    }
    return choice;
  }
  for (const msf::Track& track : catalog.tracks) {
    if (auto why = obstacle(catalog, track)) {
      choice.left_out.push_back("'" + track.name + "' is left out: " + *why);
      continue;
    }
    const auto alternative = std::ranges::find_if(
        choice.taken, [&](const msf::Track& other) { return track.alt_group && other.alt_group == track.alt_group; });
    if (alternative == choice.taken.end()) {
      choice.taken.push_back(track);
      continue;
    }
    const bool better = track.bitrate.value_or(0) > alternative->bitrate.value_or(0);
    const std::string& kept = better ? track.name : alternative->name;
    const std::string& dropped = better ? alternative->name : track.name;
    std::string line = "'" + dropped + "' is left out: '";
    line += kept + "' is the same at a higher bitrate";
    choice.left_out.push_back(std::move(line));
    if (better) *alternative = track;
  }
  return choice;
}

std::string list_tracks(const msf::Catalog& catalog) {
  std::string text;
  for (const msf::Track& track : catalog.tracks) {
    text += track.name + "  " + track.packaging;
    if (track.role) text += "  " + *track.role;
    if (track.codec) text += "  " + *track.codec;
    if (track.width && track.height) text += "  " + std::to_string(*track.width) + "x" + std::to_string(*track.height);
    if (track.framerate) text += "  " + number(*track.framerate) + " fps";
    if (track.samplerate) text += "  " + std::to_string(*track.samplerate) + " Hz";
    if (track.channel_config) text += "  " + *track.channel_config + " channel(s)";
    if (track.bitrate) text += "  " + number(*track.bitrate / 1000) + " kbit/s";
    if (track.language) text += "  " + *track.language;
    if (auto why = obstacle(catalog, track)) text += "  (not recorded: " + *why + ")";
    text += "\n";
  }
  return text;
}

}  // namespace msquic_py::apps
