#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "loc/audio_level.h"
#include "loc/video_frame_marking.h"
#include "moqt/model/key_value_pair.h"

namespace msquic_py::loc {

/// Object extension headers of LOC-01 (section 2.3); the numbers are placeholders that later versions change. The last
/// one is this project's own: LOC has no word for frames that decoders need and nobody sees or hears.
enum class ExtensionType : std::uint64_t {
  kCaptureTimestamp = 0x02,
  kVideoFrameMarking = 0x04,
  kAudioLevel = 0x06,
  kVideoConfig = 0x0D,
  kPresentationStart = 0x4D535052,
};

/// What LOC says about an object; every part is optional.
struct HeaderExtensions {
  std::optional<std::uint64_t> capture_timestamp{};  ///< microseconds since the Unix epoch, at most 2^62-1
  std::optional<VideoFrameMarking> video_frame_marking{};
  std::optional<AudioLevel> audio_level{};
  std::optional<base::ByteVector> video_config{};  ///< codec extradata: WebCodecs VideoDecoderConfig.description
  /// The capture time at which the presentation begins, on the clock of all tracks that are rendered together: what was
  /// captured before it is there for decoders alone. Microseconds since the Unix epoch, at most 2^62-1.
  std::optional<std::uint64_t> presentation_start{};

  bool operator==(const HeaderExtensions&) const = default;
};

enum class LocError : std::uint8_t {
  kCaptureTimestampTooLarge,
  kVideoFrameMarking,  ///< the parts have no encoding, or the number no meaning
  kAudioLevel,         ///< above 127
  kVideoConfigTooLong,
  kKeyValueKind,  ///< bytes where LOC has a number, or the reverse
  kRepeated,      ///< one of them appears twice
  kPresentationStartTooLarge,
};

/// One sentence for people.
std::string_view describe(LocError error) noexcept;

/// Appends the extensions that are present, in ascending order of their types.
base::Result<void, LocError> append_extensions(const HeaderExtensions& loc, moqt::KeyValuePairs& out);

/// Picks LOC's extensions out of an object's; others are passed over. What is inside Immutable Extensions is only seen
/// when the caller hands in those pairs.
base::Result<HeaderExtensions, LocError> parse_extensions(const moqt::KeyValuePairs& extensions);

}  // namespace msquic_py::loc
