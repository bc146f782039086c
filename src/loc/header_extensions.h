#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "loc/audio_level.h"
#include "loc/media_time.h"
#include "loc/video_frame_marking.h"
#include "moqt/model/draft.h"
#include "moqt/model/key_value_pair.h"

namespace msquic_py::loc {

/// A version of draft-ietf-moq-loc. Each gave its extensions other numbers.
enum class Version : std::uint8_t { k01 = 1, k04 = 4 };

/// The version whose numbers mean nothing else in that draft of MOQT: those of LOC-01 (2 and 4) name properties of
/// tracks from draft-16 on.
Version version_for(moqt::Draft draft) noexcept;

/// Object extension headers of LOC-01 (section 2.3), whose numbers are placeholders. The last one is this project's
/// own, in all versions: LOC has no word for frames that decoders need and nobody sees or hears.
enum class ExtensionType : std::uint64_t {
  kCaptureTimestamp = 0x02,
  kVideoFrameMarking = 0x04,
  kAudioLevel = 0x06,
  kVideoConfig = 0x0D,
  kPresentationStart = 0x4D535052,
};

/// Object properties of LOC-04 (section 2.3), as IANA is to register them.
enum class PropertyType : std::uint64_t {
  kTimescale = 0x08,
  kVideoFrameMarking = 0x09,
  kAudioLevel = 0x0C,
  kVideoConfig = 0x0D,
  kAudioConfig = 0x0F,
  kTimestamp = 0x10,
};

/// What LOC says about an object; every part is optional.
struct HeaderExtensions {
  /// Microseconds since the Unix epoch, at most 2^62-1: LOC-04's Timestamp where no Timescale is beside it.
  std::optional<std::uint64_t> capture_timestamp{};
  std::optional<MediaTime> media_time{};  ///< in place of capture_timestamp; LOC-04 alone
  std::optional<VideoFrameMarking> video_frame_marking{};
  std::optional<AudioLevel> audio_level{};
  std::optional<base::ByteVector> video_config{};  ///< codec extradata: WebCodecs VideoDecoderConfig.description
  std::optional<base::ByteVector> audio_config{};  ///< the same of an AudioDecoderConfig; LOC-04 alone
  /// The capture time at which the presentation begins, on the clock of all tracks that are rendered together: what was
  /// captured before it is there for decoders alone. Microseconds since the Unix epoch, at most 2^62-1.
  std::optional<std::uint64_t> presentation_start{};

  /// When the frame was captured, in microseconds on the clock that its publisher uses.
  [[nodiscard]] std::optional<std::uint64_t> capture_microseconds() const noexcept {
    return media_time ? std::optional(media_time->microseconds()) : capture_timestamp;
  }

  bool operator==(const HeaderExtensions&) const = default;
};

enum class LocError : std::uint8_t {
  kCaptureTimestampTooLarge,
  kVideoFrameMarking,  ///< the parts have no encoding, or the number no meaning
  kAudioLevel,         ///< above 127
  kVideoConfigTooLong,
  kMediaTime,  ///< a number above 2^62-1, a timescale of 0, beside a capture timestamp, or in LOC-01
  kAudioConfigTooLong,
  kAudioConfigInLoc01,
  kKeyValueKind,  ///< bytes where LOC has a number, or the reverse
  kRepeated,      ///< one of them appears twice
  kPresentationStartTooLarge,
};

/// One sentence for people.
std::string_view describe(LocError error) noexcept;

/// Appends the extensions that are present, in ascending order of their types.
base::Result<void, LocError> append_extensions(const HeaderExtensions& loc, Version version, moqt::KeyValuePairs& out);

/// Picks LOC's extensions out of an object's, whichever version has written them; others are passed over. What is
/// inside Immutable Extensions is only seen when the caller hands in those pairs.
///
/// Where two versions contradict each other, the value decides. 6 is the Audio Level of LOC-01 and the Timestamp of
/// LOC-02, which it is in an object without another timestamp when it is 2^32 or more, about an hour behind the Unix
/// epoch, or has a Timescale beside it. 0x0A is the Timestamp of LOC-03 in such an object when it is as large, and
/// passed over otherwise: it was the Video Frame Marking of LOC-02.
base::Result<HeaderExtensions, LocError> parse_extensions(const moqt::KeyValuePairs& extensions);

}  // namespace msquic_py::loc
