#include "msf/delta_update.h"

#include <algorithm>
#include <string>
#include <utility>

#include "msf/catalog.h"
#include "msf/catalog_check.h"
#include "msf/track_json.h"

namespace msquic_py::msf {
namespace {

using Error = base::Failure<std::string>;

auto find_track(std::vector<Track>& tracks, const std::optional<std::string>& track_namespace,
                const std::string& track_name) {
  return std::ranges::find_if(
      tracks, [&](const Track& track) { return track.name == track_name && track.track_namespace == track_namespace; });
}

/// The parent with every field that `clone` has put in its place.
base::Result<Track, std::string> cloned(const Track& parent, const Track& clone) {
  Json json = track_to_json(parent);
  json.erase("namespace");
  const Json changes = track_to_json(clone);
  // One of the two may stand alone: the clone's takes the place of the other as well.
  if (changes.contains("buffers")) json.erase("targetLatency");
  if (changes.contains("targetLatency")) json.erase("buffers");
  for (const auto& [key, value] : changes.items()) json[key] = value;
  json.erase("parentName");
  json.erase("parentNamespace");
  if (!clone.track_namespace && parent.track_namespace) json["namespace"] = *parent.track_namespace;
  return track_from_json(json, "the clone '" + clone.name + "'");
}

}  // namespace

std::string_view name(DeltaOperation::Kind kind) noexcept {
  switch (kind) {
    case DeltaOperation::Kind::kAdd: return "add";
    case DeltaOperation::Kind::kRemove: return "remove";
    case DeltaOperation::Kind::kClone: return "clone";
  }
  return "add";
}

base::Result<void, std::string> Catalog::apply(const DeltaUpdate& update) {
  if (auto wrong = delta_fault(update)) return Error{std::move(*wrong)};
  Catalog changed = *this;
  for (const DeltaOperation& operation : update.operations) {
    for (const Track& track : operation.tracks) {
      if (operation.kind == DeltaOperation::Kind::kAdd) {
        changed.tracks.push_back(track);
      } else if (operation.kind == DeltaOperation::Kind::kRemove) {
        const auto found = find_track(changed.tracks, track.track_namespace, track.name);
        if (found == changed.tracks.end()) return Error{"'" + track.name + "' is removed, but was not declared"};
        changed.tracks.erase(found);
      } else {
        const auto parent = find_track(changed.tracks, track.parent_namespace, *track.parent_name);
        if (parent == changed.tracks.end())
          return Error{"'" + *track.parent_name + "' is cloned, but was not declared"};
        auto clone = cloned(*parent, track);
        if (!clone) return Error{clone.error()};
        changed.tracks.push_back(std::move(*clone));
      }
      // After each step: names stay unique, and every track is whole.
      if (auto wrong = catalog_fault(changed, Strictness::kReceived)) return Error{std::move(*wrong)};
    }
  }
  if (update.generated_at) changed.generated_at = update.generated_at;
  changed.is_complete = changed.is_complete || update.is_complete;
  *this = std::move(changed);
  return {};
}

}  // namespace msquic_py::msf
