#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "msf/delta_update.h"
#include "msf/track.h"

namespace msquic_py::msf {

/// Name of the track that carries catalogs (section 5).
inline constexpr std::string_view kCatalogTrackName = "catalog";
/// What Catalog::version is for the draft implemented here, draft-ietf-moq-msf-01 (section 5.1.1). "1", the number of
/// the published version, is understood too.
inline constexpr std::string_view kDraftVersion = "draft-01";

/// An entry of the initialization data list (section 5.1.7).
struct InitData {
  std::string id;
  std::string type = "inline";
  std::string data;  ///< base64 (RFC 4648) when the type is "inline"
  OtherFields other{};
  bool operator==(const InitData&) const = default;
};

/// An independent catalog of draft-ietf-moq-msf-01: the tracks of a publisher and what is needed to decode them.
struct Catalog {
  std::string version{kDraftVersion};
  std::optional<double> generated_at{};  ///< generatedAt, milliseconds since the Unix epoch
  bool is_complete = false;              ///< isComplete: nothing will be published any more
  std::vector<Track> tracks{};
  std::vector<Track> publish_tracks{};  ///< publishTracks: what a subscriber may publish
  std::vector<InitData> init_data_list{};
  OtherFields other{};

  /// The track of that name in the catalog's own namespace; a null pointer when there is none.
  [[nodiscard]] const Track* find(std::string_view name) const noexcept;
  /// The initialization data that `track` refers to; nothing inside when it refers to none. An error when the list
  /// has no such entry, or its data can't be decoded.
  [[nodiscard]] base::Result<std::optional<base::ByteVector>, std::string> initialization_of(const Track& track) const;
  /// Adds an inline entry, or uses one that holds the same bytes, and lets `track` refer to it.
  void set_initialization(Track& track, base::Bytes data);

  /// The first rule of the draft that this catalog breaks, nothing when it keeps them all. What a decoder lets pass is
  /// a fault here: a media track without isLive, codec or bitrate, audio without samplerate or channelConfig.
  [[nodiscard]] std::optional<std::string> fault() const;
  /// JSON. An error when fault() has one.
  [[nodiscard]] base::Result<std::string, std::string> encode() const;
  /// Applies a delta update, whole or not at all: an error leaves the catalog as it was (section 5.3).
  base::Result<void, std::string> apply(const DeltaUpdate& update);

  bool operator==(const Catalog&) const = default;
};

/// What an object of the catalog track holds.
using CatalogObject = std::variant<Catalog, DeltaUpdate>;

/// Decodes an object of the catalog track. The error names the field, for example "tracks[1].codec is not a string".
/// Unknown fields are kept, not interpreted. A version that is not understood is an error, before anything else is
/// looked at.
base::Result<CatalogObject, std::string> decode_catalog(std::string_view json);

}  // namespace msquic_py::msf
