#include "msf/catalog_check.h"

#include <set>
#include <utility>

namespace msquic_py::msf {
namespace {

using Fault = std::optional<std::string>;

bool is_timeline_or_log(const Track& track) noexcept {
  return track.packaging == kPackagingMediaTimeline || track.packaging == kPackagingEventTimeline ||
         track.packaging == "moqlog" || track.packaging == "moqmetrics";
}

/// What must not stand side by side in any track object, whole or partial.
Fault combination_fault(const Track& track, const std::string& where, bool in_clone) {
  if (track.name.empty()) return where + " has no name";
  if (!in_clone && (track.parent_name || track.parent_namespace)) {
    return where + " has a parent, which only a clone operation may have (section 5.2.33)";
  }
  if (track.target_latency && track.buffers) return where + " has both targetLatency and buffers (section 5.2.9)";
  if (track.track_duration && track.is_live.value_or(false)) {
    return where + " is live and has a trackDuration (section 5.2.35)";
  }
  return std::nullopt;
}

Fault track_fault(const Track& track, const std::string& where, Strictness strictness) {
  if (auto fault = combination_fault(track, where, false)) return fault;
  if (track.packaging.empty()) return where + " has no packaging";
  const bool events = track.packaging == kPackagingEventTimeline;
  if (events && !track.event_type) return where + " is an event timeline without eventType (section 5.2.5)";
  if (!events && track.event_type) return where + " has an eventType and is no event timeline (section 5.2.5)";
  if (track.encryption_scheme && !track.cipher_suite) return where + " is encrypted and has no cipherSuite";
  if (!track.is_live && (strictness == Strictness::kOwn || !is_timeline_or_log(track))) return where + " has no isLive";
  if (strictness == Strictness::kReceived) return std::nullopt;
  const bool audio = track.role == kRoleAudio;
  if (audio || track.role == kRoleVideo) {
    if (!track.codec) return where + " has no codec";
    if (!track.bitrate) return where + " has no bitrate";
  }
  if (audio && !track.samplerate) return where + " has no samplerate";
  if (audio && !track.channel_config) return where + " has no channelConfig";
  return std::nullopt;
}

/// Tracks that are rendered together, or stand for each other, wait equally long (sections 5.2.8 and 5.2.9).
Fault latency_fault(const Catalog& catalog) {
  for (std::size_t i = 0; i < catalog.tracks.size(); ++i) {
    for (std::size_t j = i + 1; j < catalog.tracks.size(); ++j) {
      const Track& one = catalog.tracks[i];
      const Track& two = catalog.tracks[j];
      const bool together = (one.render_group && one.render_group == two.render_group) ||
                            (one.alt_group && one.alt_group == two.alt_group);
      if (together && (one.target_latency != two.target_latency || one.buffers != two.buffers)) {
        return "tracks '" + one.name + "' and '" + two.name + "' of one group have different latencies";
      }
    }
  }
  return std::nullopt;
}

}  // namespace

Fault catalog_fault(const Catalog& catalog, Strictness strictness) {
  std::set<std::pair<std::optional<std::string>, std::string>> names;
  for (std::size_t i = 0; i < catalog.tracks.size(); ++i) {
    const Track& track = catalog.tracks[i];
    const std::string where = "tracks[" + std::to_string(i) + "]";
    if (auto fault = track_fault(track, where, strictness)) return fault;
    if (!names.emplace(track.track_namespace, track.name).second) {
      return where + " has the name '" + track.name + "', as an earlier track has";
    }
  }
  std::set<std::string> ids;
  for (const InitData& data : catalog.init_data_list) {
    if (!ids.insert(data.id).second) return "initDataList has the id '" + data.id + "' twice";
  }
  for (std::size_t i = 0; i < catalog.tracks.size(); ++i) {
    const auto& reference = catalog.tracks[i].init_ref;
    if (reference && !ids.contains(*reference)) {
      return "tracks[" + std::to_string(i) + "].initRef is '" + *reference + "', which initDataList does not have";
    }
  }
  if (strictness == Strictness::kOwn) return latency_fault(catalog);
  return std::nullopt;
}

Fault delta_fault(const DeltaUpdate& update) {
  if (update.operations.empty()) return std::string("a delta update has no operation (section 5.3)");
  for (std::size_t i = 0; i < update.operations.size(); ++i) {
    const DeltaOperation& operation = update.operations[i];
    for (std::size_t j = 0; j < operation.tracks.size(); ++j) {
      const Track& track = operation.tracks[j];
      const std::string where = "deltaUpdate[" + std::to_string(i) + "].tracks[" + std::to_string(j) + "]";
      const bool clone = operation.kind == DeltaOperation::Kind::kClone;
      if (auto fault = combination_fault(track, where, clone)) return fault;
      if (clone && !track.parent_name) return where + " has no parentName";
      if (operation.kind == DeltaOperation::Kind::kRemove) {
        Track bare;
        bare.name = track.name;
        bare.track_namespace = track.track_namespace;
        if (track != bare) return where + " is removed and has more than name and namespace (section 5.1.6)";
      }
    }
  }
  return std::nullopt;
}

Fault Catalog::fault() const { return catalog_fault(*this, Strictness::kOwn); }

}  // namespace msquic_py::msf
