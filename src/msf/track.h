#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace msquic_py::msf {

// Values of Track::packaging (section 5.2.4); "cmaf" is that of the CMAF companion of MSF, an object being one chunk.
inline constexpr std::string_view kPackagingLoc = "loc";
inline constexpr std::string_view kPackagingCmaf = "cmaf";
inline constexpr std::string_view kPackagingMediaTimeline = "mediatimeline";
inline constexpr std::string_view kPackagingEventTimeline = "eventtimeline";

// Values of Track::role (table 4) that this project uses.
inline constexpr std::string_view kRoleVideo = "video";
inline constexpr std::string_view kRoleAudio = "audio";

/// Fields that draft-ietf-moq-msf-01 does not name, or that nothing here interprets: name and JSON text, in the order
/// in which they stood. They are kept when a catalog is decoded and encoded again.
using OtherFields = std::vector<std::pair<std::string, std::string>>;

/// How much to hold before decoding begins, in milliseconds (section 5.2.9).
struct Buffers {
  std::optional<double> target{};
  std::optional<double> min{};
  std::optional<double> max{};
  bool operator==(const Buffers&) const = default;
};

/// A feature inside of the track, such as captions (section 5.2.44).
struct Accessibility {
  std::string scheme;
  std::string value;
  bool operator==(const Accessibility&) const = default;
};

/// A track object of a catalog (draft-ietf-moq-msf-01, section 5.2). Field names in JSON stand behind each member.
struct Track {
  std::string name;                              ///< name
  std::optional<std::string> track_namespace{};  ///< namespace, fields separated by '/'; nothing: the catalog's
  std::string packaging;                         ///< packaging
  std::optional<std::string> event_type{};       ///< eventType; only with packaging "eventtimeline", and there always
  std::optional<bool> is_live{};                ///< isLive; required, yet the draft's own timeline tracks go without it
  std::optional<double> target_latency{};       ///< targetLatency, milliseconds; not beside buffers
  std::optional<Buffers> buffers{};             ///< buffers
  std::optional<std::string> role{};            ///< role
  std::optional<std::string> label{};           ///< label
  std::optional<std::int64_t> render_group{};   ///< renderGroup: equal ones are rendered together
  std::optional<std::int64_t> alt_group{};      ///< altGroup: equal ones are versions of the same content
  std::optional<std::string> init_ref{};        ///< initRef: id of an entry of Catalog::init_data_list
  std::vector<std::string> depends{};           ///< depends: names of tracks in the same namespace
  std::optional<std::uint64_t> temporal_id{};   ///< temporalId
  std::optional<std::uint64_t> spatial_id{};    ///< spatialId
  std::optional<std::string> codec{};           ///< codec, for example "avc1.42c01e" or "opus"
  std::optional<std::string> mime_type{};       ///< mimeType
  std::optional<double> framerate{};            ///< framerate, frames per second
  std::optional<std::uint64_t> timescale{};     ///< timescale, units per second
  std::optional<double> bitrate{};              ///< bitrate: the most, bits per second
  std::optional<double> average_bitrate{};      ///< avgBitrate, bits per second
  std::optional<double> max_gop_duration{};     ///< maxGopDuration, milliseconds
  std::optional<double> max_group_duration{};   ///< maxGroupDuration, milliseconds
  std::optional<std::uint64_t> width{};         ///< width, pixels
  std::optional<std::uint64_t> height{};        ///< height, pixels
  std::optional<std::uint64_t> samplerate{};    ///< samplerate, audio samples per second
  std::optional<std::string> channel_config{};  ///< channelConfig, for example "2"
  std::optional<std::uint64_t> display_width{};    ///< displayWidth, pixels
  std::optional<std::uint64_t> display_height{};   ///< displayHeight, pixels
  std::optional<std::string> language{};           ///< lang
  std::optional<std::string> parent_name{};        ///< parentName; only in a clone operation, and there always
  std::optional<std::string> parent_namespace{};   ///< parentNamespace; only in a clone operation
  std::optional<std::uint64_t> track_duration{};   ///< trackDuration, milliseconds; not of a live track
  std::optional<std::string> connection_uri{};     ///< connectionUri, of a publish track
  std::optional<std::string> token{};              ///< token
  std::optional<std::string> encryption_scheme{};  ///< encryptionScheme
  std::optional<std::string> cipher_suite{};       ///< cipherSuite; required beside encryptionScheme
  std::optional<std::string> key_id{};             ///< keyId
  std::optional<std::string> track_base_key{};     ///< trackBaseKey, base64
  std::vector<Accessibility> accessibility{};      ///< accessibility
  OtherFields other{};                             ///< template and authInfo too, as JSON text

  bool operator==(const Track&) const = default;
};

}  // namespace msquic_py::msf
