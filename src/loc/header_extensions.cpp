#include "loc/header_extensions.h"

#include "base/varint.h"

namespace msquic_py::loc {
namespace {

constexpr std::uint64_t number(ExtensionType type) noexcept { return static_cast<std::uint64_t>(type); }

template <class T>
std::optional<LocError> store(std::optional<T>& slot, T value) {
  if (slot) return LocError::kRepeated;
  slot = std::move(value);
  return std::nullopt;
}

std::optional<LocError> read_pair(const moqt::KeyValuePair& pair, HeaderExtensions& loc) {
  if (pair.type == number(ExtensionType::kVideoConfig)) {
    if (pair.bytes() == nullptr) return LocError::kKeyValueKind;
    return store(loc.video_config, *pair.bytes());
  }
  const bool known =
      pair.type == number(ExtensionType::kCaptureTimestamp) || pair.type == number(ExtensionType::kVideoFrameMarking) ||
      pair.type == number(ExtensionType::kAudioLevel) || pair.type == number(ExtensionType::kPresentationStart);
  if (!known) return std::nullopt;
  if (pair.number() == nullptr) return LocError::kKeyValueKind;
  if (pair.type == number(ExtensionType::kCaptureTimestamp)) return store(loc.capture_timestamp, *pair.number());
  if (pair.type == number(ExtensionType::kPresentationStart)) return store(loc.presentation_start, *pair.number());
  if (pair.type == number(ExtensionType::kAudioLevel))
    return store(loc.audio_level, AudioLevel::from_number(*pair.number()));
  const auto marking = VideoFrameMarking::from_number(*pair.number());
  if (!marking) return LocError::kVideoFrameMarking;
  return store(loc.video_frame_marking, *marking);
}

}  // namespace

std::string_view describe(LocError error) noexcept {
  switch (error) {
    case LocError::kCaptureTimestampTooLarge: return "the capture timestamp is above 2^62-1 microseconds";
    case LocError::kVideoFrameMarking: return "the video frame marking is not one of RFC 9626";
    case LocError::kAudioLevel: return "the audio level is above 127";
    case LocError::kVideoConfigTooLong: return "the video config is above 65535 bytes";
    case LocError::kKeyValueKind: return "a LOC extension has bytes where it needs a number, or the reverse";
    case LocError::kRepeated: return "a LOC extension appears twice in one object";
    case LocError::kPresentationStartTooLarge: return "the presentation start is above 2^62-1 microseconds";
  }
  return "UNKNOWN";
}

base::Result<void, LocError> append_extensions(const HeaderExtensions& loc, moqt::KeyValuePairs& out) {
  moqt::KeyValuePairs pairs;
  if (loc.capture_timestamp) {
    if (*loc.capture_timestamp > base::kVarintMax) return base::Failure{LocError::kCaptureTimestampTooLarge};
    pairs.push_back({number(ExtensionType::kCaptureTimestamp), *loc.capture_timestamp});
  }
  if (loc.video_frame_marking) {
    const auto marking = loc.video_frame_marking->to_number();
    if (!marking) return base::Failure{LocError::kVideoFrameMarking};
    pairs.push_back({number(ExtensionType::kVideoFrameMarking), *marking});
  }
  if (loc.audio_level) {
    const auto level = loc.audio_level->to_number();
    if (!level) return base::Failure{LocError::kAudioLevel};
    pairs.push_back({number(ExtensionType::kAudioLevel), *level});
  }
  if (loc.video_config) {
    if (loc.video_config->size() > moqt::kMaxKeyValueLength) return base::Failure{LocError::kVideoConfigTooLong};
    pairs.push_back({number(ExtensionType::kVideoConfig), *loc.video_config});
  }
  if (loc.presentation_start) {
    if (*loc.presentation_start > base::kVarintMax) return base::Failure{LocError::kPresentationStartTooLarge};
    pairs.push_back({number(ExtensionType::kPresentationStart), *loc.presentation_start});
  }
  out.insert(out.end(), pairs.begin(), pairs.end());
  return {};
}

base::Result<HeaderExtensions, LocError> parse_extensions(const moqt::KeyValuePairs& extensions) {
  HeaderExtensions loc;
  for (const moqt::KeyValuePair& pair : extensions) {
    if (const auto error = read_pair(pair, loc)) return base::Failure{*error};
  }
  return loc;
}

}  // namespace msquic_py::loc
