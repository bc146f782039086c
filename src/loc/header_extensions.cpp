#include "loc/header_extensions.h"

#include <iterator>
#include <utility>

#include "base/varint.h"

namespace msquic_py::loc {
namespace {

// Numbers of versions in between, which are read and never written.
constexpr std::uint64_t kLoc02Timestamp = 0x06;
constexpr std::uint64_t kLoc03Timestamp = 0x0A;
/// Microseconds since the Unix epoch that nobody has captured anything at: the rest of its first hours. Other values of
/// these numbers are smaller.
constexpr std::uint64_t kSmallestTimestamp = std::uint64_t{1} << 32;

constexpr std::uint64_t number(ExtensionType type) noexcept { return static_cast<std::uint64_t>(type); }
constexpr std::uint64_t number(PropertyType type) noexcept { return static_cast<std::uint64_t>(type); }

/// The numbers of an object that several versions have, until all of them are known.
struct Numbers {
  std::optional<std::uint64_t> loc01_timestamp, two_meanings, loc03_timestamp, timestamp, timescale;
  std::optional<std::uint64_t> loc01_marking, level;
  std::optional<base::ByteVector> marking;
};

template <class T>
std::optional<LocError> store(std::optional<T>& slot, const T* value) {
  if (value == nullptr) return LocError::kKeyValueKind;
  if (slot) return LocError::kRepeated;
  slot = *value;
  return std::nullopt;
}

std::optional<LocError> read_pair(const moqt::KeyValuePair& pair, Numbers& numbers, HeaderExtensions& loc) {
  switch (pair.type) {
    case number(ExtensionType::kCaptureTimestamp): return store(numbers.loc01_timestamp, pair.number());
    case number(ExtensionType::kVideoFrameMarking): return store(numbers.loc01_marking, pair.number());
    case kLoc02Timestamp: return store(numbers.two_meanings, pair.number());
    case kLoc03Timestamp: return store(numbers.loc03_timestamp, pair.number());
    case number(PropertyType::kTimestamp): return store(numbers.timestamp, pair.number());
    case number(PropertyType::kTimescale): return store(numbers.timescale, pair.number());
    case number(PropertyType::kVideoFrameMarking): return store(numbers.marking, pair.bytes());
    case number(PropertyType::kAudioLevel): return store(numbers.level, pair.number());
    case number(PropertyType::kVideoConfig): return store(loc.video_config, pair.bytes());
    case number(PropertyType::kAudioConfig): return store(loc.audio_config, pair.bytes());
    case number(ExtensionType::kPresentationStart): return store(loc.presentation_start, pair.number());
    default: return std::nullopt;
  }
}

/// The newest version's timestamp, where a publisher wrote several for readers of either.
std::optional<std::uint64_t> take_timestamp(Numbers& numbers) {
  if (numbers.timestamp || numbers.loc01_timestamp)
    return numbers.timestamp ? numbers.timestamp : numbers.loc01_timestamp;
  if (numbers.loc03_timestamp && *numbers.loc03_timestamp >= kSmallestTimestamp) return numbers.loc03_timestamp;
  if (numbers.two_meanings && (*numbers.two_meanings >= kSmallestTimestamp || numbers.timescale))
    return std::exchange(numbers.two_meanings, std::nullopt);
  return std::nullopt;
}

std::optional<LocError> interpret(Numbers numbers, HeaderExtensions& loc) {
  const bool loc01_time = !numbers.timestamp && numbers.loc01_timestamp.has_value();  // always on the wall clock
  if (const auto timestamp = take_timestamp(numbers)) {
    if (!numbers.timescale || loc01_time) {
      loc.capture_timestamp = timestamp;
    } else if (*numbers.timescale == 0) {
      return LocError::kMediaTime;
    } else {
      loc.media_time = MediaTime{*timestamp, *numbers.timescale};
    }
  }
  if (const auto& level = numbers.level ? numbers.level : numbers.two_meanings)
    loc.audio_level = AudioLevel::from_number(*level);
  if (numbers.marking || numbers.loc01_marking) {
    loc.video_frame_marking = numbers.marking ? VideoFrameMarking::from_bytes(*numbers.marking)
                                              : VideoFrameMarking::from_number(*numbers.loc01_marking);
    if (!loc.video_frame_marking) return LocError::kVideoFrameMarking;
  }
  return std::nullopt;
}

bool has_encoding(const MediaTime& time) noexcept {
  return time.timestamp <= base::kVarintMax && time.timescale >= 1 && time.timescale <= base::kVarintMax;
}

/// What is wrong with the values, whatever their numbers are.
std::optional<LocError> fault_of(const HeaderExtensions& loc, Version version) {
  if (loc.capture_timestamp && *loc.capture_timestamp > base::kVarintMax) return LocError::kCaptureTimestampTooLarge;
  if (loc.media_time && (version == Version::k01 || loc.capture_timestamp || !has_encoding(*loc.media_time)))
    return LocError::kMediaTime;
  if (loc.audio_level && !loc.audio_level->to_number()) return LocError::kAudioLevel;
  if (loc.video_config && loc.video_config->size() > moqt::kMaxKeyValueLength) return LocError::kVideoConfigTooLong;
  if (loc.audio_config && version == Version::k01) return LocError::kAudioConfigInLoc01;
  if (loc.audio_config && loc.audio_config->size() > moqt::kMaxKeyValueLength) return LocError::kAudioConfigTooLong;
  if (loc.presentation_start && *loc.presentation_start > base::kVarintMax) return LocError::kPresentationStartTooLarge;
  return std::nullopt;
}

base::Result<void, LocError> append_loc01(const HeaderExtensions& loc, moqt::KeyValuePairs& out) {
  std::optional<std::uint64_t> marking;
  if (loc.video_frame_marking) {
    marking = loc.video_frame_marking->to_number();
    if (!marking) return base::Failure{LocError::kVideoFrameMarking};
  }
  if (loc.capture_timestamp) out.push_back({number(ExtensionType::kCaptureTimestamp), *loc.capture_timestamp});
  if (marking) out.push_back({number(ExtensionType::kVideoFrameMarking), *marking});
  if (loc.audio_level) out.push_back({number(ExtensionType::kAudioLevel), *loc.audio_level->to_number()});
  if (loc.video_config) out.push_back({number(ExtensionType::kVideoConfig), *loc.video_config});
  return {};
}

base::Result<void, LocError> append_loc04(const HeaderExtensions& loc, moqt::KeyValuePairs& out) {
  std::optional<base::ByteVector> marking;
  if (loc.video_frame_marking) {
    marking = loc.video_frame_marking->to_bytes();
    if (!marking) return base::Failure{LocError::kVideoFrameMarking};
  }
  if (loc.media_time) out.push_back({number(PropertyType::kTimescale), loc.media_time->timescale});
  if (marking) out.push_back({number(PropertyType::kVideoFrameMarking), std::move(*marking)});
  if (loc.audio_level) out.push_back({number(PropertyType::kAudioLevel), *loc.audio_level->to_number()});
  if (loc.video_config) out.push_back({number(PropertyType::kVideoConfig), *loc.video_config});
  if (loc.audio_config) out.push_back({number(PropertyType::kAudioConfig), *loc.audio_config});
  if (loc.media_time) out.push_back({number(PropertyType::kTimestamp), loc.media_time->timestamp});
  if (loc.capture_timestamp) out.push_back({number(PropertyType::kTimestamp), *loc.capture_timestamp});
  return {};
}

}  // namespace

Version version_for(moqt::Draft draft) noexcept {
  return moqt::has_track_properties(draft) ? Version::k04 : Version::k01;
}

std::string_view describe(LocError error) noexcept {
  switch (error) {
    case LocError::kCaptureTimestampTooLarge: return "the capture timestamp is above 2^62-1 microseconds";
    case LocError::kVideoFrameMarking: return "the video frame marking is not one of RFC 9626";
    case LocError::kAudioLevel: return "the audio level is above 127";
    case LocError::kVideoConfigTooLong: return "the video config is above 65535 bytes";
    case LocError::kMediaTime:
      return "a time with a timescale needs LOC-04, no capture timestamp beside it, a timescale other than 0, and "
             "numbers up to 2^62-1";
    case LocError::kAudioConfigTooLong: return "the audio config is above 65535 bytes";
    case LocError::kAudioConfigInLoc01: return "LOC-01 has no audio config; LOC-04 has";
    case LocError::kKeyValueKind: return "a LOC extension has bytes where it needs a number, or the reverse";
    case LocError::kRepeated: return "a LOC extension appears twice in one object";
    case LocError::kPresentationStartTooLarge: return "the presentation start is above 2^62-1 microseconds";
  }
  return "UNKNOWN";
}

base::Result<void, LocError> append_extensions(const HeaderExtensions& loc, Version version, moqt::KeyValuePairs& out) {
  if (const auto fault = fault_of(loc, version)) return base::Failure{*fault};
  moqt::KeyValuePairs pairs;
  const auto appended = version == Version::k01 ? append_loc01(loc, pairs) : append_loc04(loc, pairs);
  if (!appended) return appended;
  if (loc.presentation_start) pairs.push_back({number(ExtensionType::kPresentationStart), *loc.presentation_start});
  out.insert(out.end(), std::make_move_iterator(pairs.begin()), std::make_move_iterator(pairs.end()));
  return {};
}

base::Result<HeaderExtensions, LocError> parse_extensions(const moqt::KeyValuePairs& extensions) {
  HeaderExtensions loc;
  Numbers numbers;
  for (const moqt::KeyValuePair& pair : extensions) {
    if (const auto error = read_pair(pair, numbers, loc)) return base::Failure{*error};
  }
  if (const auto error = interpret(std::move(numbers), loc)) return base::Failure{*error};
  return loc;
}

}  // namespace msquic_py::loc
