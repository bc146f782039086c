#include "msf/track_json.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

namespace msquic_py::msf {
namespace {

using Error = base::Failure<std::string>;

// Each reads `value` into `out`; empty, or what is wrong with it.
std::string read(const Json& value, std::string& out) {
  if (!value.is_string()) return "is not a string";
  out = value.get<std::string>();
  return {};
}

std::string read(const Json& value, bool& out) {
  if (!value.is_boolean()) return "is not true or false";
  out = value.get<bool>();
  return {};
}

std::string read(const Json& value, double& out) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) return "is not a number";
  out = value.get<double>();
  return {};
}

template <class Integer>
requires std::is_integral_v<Integer> std::string read(const Json& value, Integer& out) {
  double number = 0;
  if (auto wrong = read(value, number); !wrong.empty()) return wrong;
  constexpr double kMost = 9007199254740992.0;  // 2^53: beyond it a JSON number is not exact
  const double least = std::is_signed_v<Integer> ? -kMost : 0.0;
  if (number != std::floor(number) || number < least || number > kMost) {
    return std::is_signed_v<Integer> ? "is not an integer" : "is not an integer from 0 on";
  }
  out = static_cast<Integer>(number);
  return {};
}

std::string read(const Json& value, Buffers& out) {
  if (!value.is_object()) return "is not an object";
  for (const auto& [key, member] : value.items()) {
    auto* field = key == "target" ? &out.target : key == "min" ? &out.min : key == "max" ? &out.max : nullptr;
    if (field == nullptr) continue;  // section 5.2.9: unknown keys are ignored
    double number = 0;
    if (auto wrong = read(member, number); !wrong.empty()) return "has a '" + key + "' that " + wrong;
    *field = number;
  }
  return {};
}

template <class T>
std::string read(const Json& value, std::optional<T>& out) {
  T inner{};
  auto wrong = read(value, inner);
  if (wrong.empty()) out = std::move(inner);
  return wrong;
}

std::string read(const Json& value, std::vector<std::string>& out) {
  if (!value.is_array()) return "is not an array";
  for (const Json& entry : value) {
    if (!entry.is_string()) return "holds something that is not a string";
    out.push_back(entry.get<std::string>());
  }
  return {};
}

std::string read(const Json& value, std::vector<Accessibility>& out) {
  if (!value.is_array()) return "is not an array";
  for (const Json& entry : value) {
    const bool whole = entry.is_object() && entry.contains("scheme") && entry["scheme"].is_string() &&
                       entry.contains("value") && entry["value"].is_string();
    if (!whole) return "holds something that is not an object with the strings 'scheme' and 'value'";
    out.push_back({entry["scheme"].get<std::string>(), entry["value"].get<std::string>()});
  }
  return {};
}

void write(const std::string& value, const char* key, Json& json) { json[key] = value; }

template <class T>
void write(const std::optional<T>& value, const char* key, Json& json) {
  if (!value) return;
  if constexpr (std::is_same_v<T, double>) {
    json[key] = number_to_json(*value);
  } else if constexpr (std::is_same_v<T, Buffers>) {
    Json& buffers = json[key] = Json::object();
    write(value->target, "target", buffers);
    write(value->min, "min", buffers);
    write(value->max, "max", buffers);
  } else {
    json[key] = *value;
  }
}

void write(const std::vector<std::string>& value, const char* key, Json& json) {
  if (!value.empty()) json[key] = value;
}

void write(const std::vector<Accessibility>& value, const char* key, Json& json) {
  if (value.empty()) return;
  Json& array = json[key] = Json::array();
  for (const Accessibility& entry : value) array.push_back({{"scheme", entry.scheme}, {"value", entry.value}});
}

/// Calls `visit` with the JSON name and the member of every field, in the order in which they are written.
template <class AnyTrack, class Visit>
void visit_fields(AnyTrack& track, Visit visit) {
  visit("name", track.name);
  visit("namespace", track.track_namespace);
  visit("parentName", track.parent_name);
  visit("parentNamespace", track.parent_namespace);
  visit("packaging", track.packaging);
  visit("eventType", track.event_type);
  visit("isLive", track.is_live);
  visit("targetLatency", track.target_latency);
  visit("buffers", track.buffers);
  visit("role", track.role);
  visit("label", track.label);
  visit("renderGroup", track.render_group);
  visit("altGroup", track.alt_group);
  visit("initRef", track.init_ref);
  visit("depends", track.depends);
  visit("temporalId", track.temporal_id);
  visit("spatialId", track.spatial_id);
  visit("codec", track.codec);
  visit("mimeType", track.mime_type);
  visit("framerate", track.framerate);
  visit("timescale", track.timescale);
  visit("bitrate", track.bitrate);
  visit("avgBitrate", track.average_bitrate);
  visit("maxGopDuration", track.max_gop_duration);
  visit("maxGroupDuration", track.max_group_duration);
  visit("width", track.width);
  visit("height", track.height);
  visit("samplerate", track.samplerate);
  visit("channelConfig", track.channel_config);
  visit("displayWidth", track.display_width);
  visit("displayHeight", track.display_height);
  visit("lang", track.language);
  visit("trackDuration", track.track_duration);
  visit("connectionUri", track.connection_uri);
  visit("token", track.token);
  visit("encryptionScheme", track.encryption_scheme);
  visit("cipherSuite", track.cipher_suite);
  visit("keyId", track.key_id);
  visit("trackBaseKey", track.track_base_key);
  visit("accessibility", track.accessibility);
}

}  // namespace

Json number_to_json(double number) {
  constexpr double kMost = 9007199254740992.0;
  if (number == std::floor(number) && std::fabs(number) <= kMost) return static_cast<std::int64_t>(number);
  return number;
}

base::Result<double, std::string> number_from_json(const Json& value, const std::string& where) {
  double number = 0;
  if (auto wrong = read(value, number); !wrong.empty()) return Error{where + " " + wrong};
  return number;
}

Json track_to_json(const Track& track) {
  Json json = Json::object();
  visit_fields(track, [&json](const char* key, const auto& member) { write(member, key, json); });
  if (track.packaging.empty()) json.erase("packaging");  // of a clone: the parent's; of a removal: not allowed
  append_other(track.other, json);
  return json;
}

base::Result<Track, std::string> track_from_json(const Json& json, const std::string& where) {
  if (!json.is_object()) return Error{where + " is not an object"};
  Track track;
  for (const auto& [key, value] : json.items()) {
    bool known = false;
    std::string wrong;
    visit_fields(track, [&, &name = key, &content = value](const char* field, auto& member) {
      if (known || name != field) return;
      known = true;
      wrong = read(content, member);
    });
    if (!wrong.empty()) return Error{where + "." + key + " " + wrong};
    if (!known) track.other.emplace_back(key, value.dump());
  }
  return track;
}

void append_other(const OtherFields& other, Json& json) {
  for (const auto& [key, text] : other) {
    if (json.contains(key)) continue;
    Json value = Json::parse(text, nullptr, false);
    if (!value.is_discarded()) json[key] = std::move(value);
  }
}

}  // namespace msquic_py::msf
