#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "msf/catalog.h"

namespace msquic_py::apps {

/// Which tracks of a catalog are recorded.
struct TrackChoice {
  std::vector<msf::Track> taken;
  std::vector<std::string> left_out;  ///< a line for people each, with the reason
};

/// Every audio and video track that can be recorded, of alternatives (altGroup) the one with the highest bitrate. With
/// `names`, those and no others; an error when the catalog has no such track, or one that can't be recorded.
base::Result<TrackChoice, std::string> choose_tracks(const msf::Catalog& catalog,
                                                     const std::vector<std::string>& names);

/// A line for each track of the catalog: its name, packaging, codec and what else is known.
std::string list_tracks(const msf::Catalog& catalog);

}  // namespace msquic_py::apps
