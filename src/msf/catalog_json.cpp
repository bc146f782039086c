#include <string>
#include <utility>

#include "msf/catalog.h"
#include "msf/catalog_check.h"
#include "msf/track_json.h"

namespace msquic_py::msf {
namespace {

using Error = base::Failure<std::string>;

base::Result<std::vector<Track>, std::string> read_tracks(const Json& json, const std::string& where) {
  if (!json.is_array()) return Error{where + " is not an array"};
  std::vector<Track> tracks;
  for (const Json& entry : json) {
    auto track = track_from_json(entry, where + "[" + std::to_string(tracks.size()) + "]");
    if (!track) return Error{track.error()};
    tracks.push_back(std::move(*track));
  }
  return tracks;
}

base::Result<std::vector<InitData>, std::string> read_init_data_list(const Json& json) {
  if (!json.is_array()) return Error{std::string("initDataList is not an array")};
  std::vector<InitData> list;
  for (const Json& entry : json) {
    const std::string where = "initDataList[" + std::to_string(list.size()) + "]";
    if (!entry.is_object()) return Error{where + " is not an object"};
    InitData data;
    for (const char* key : {"id", "type", "data"}) {
      if (!entry.contains(key) || !entry[key].is_string()) return Error{where + "." + key + " is not a string"};
    }
    for (const auto& [key, value] : entry.items()) {
      if (key == "id") {
        data.id = value.get<std::string>();
      } else if (key == "type") {
        data.type = value.get<std::string>();
      } else if (key == "data") {
        data.data = value.get<std::string>();
      } else {
        data.other.emplace_back(key, value.dump());
      }
    }
    list.push_back(std::move(data));
  }
  return list;
}

base::Result<std::vector<DeltaOperation>, std::string> read_operations(const Json& json) {
  if (!json.is_array()) return Error{std::string("deltaUpdate is not an array")};
  std::vector<DeltaOperation> operations;
  for (const Json& entry : json) {
    const std::string where = "deltaUpdate[" + std::to_string(operations.size()) + "]";
    if (!entry.is_object()) return Error{where + " is not an object"};
    if (!entry.contains("op") || !entry["op"].is_string()) return Error{where + ".op is not a string"};
    if (!entry.contains("tracks")) return Error{where + " has no tracks"};
    DeltaOperation operation;
    bool known = false;
    for (const auto kind : {DeltaOperation::Kind::kAdd, DeltaOperation::Kind::kRemove, DeltaOperation::Kind::kClone}) {
      if (entry["op"].get<std::string>() != name(kind)) continue;
      operation.kind = kind;
      known = true;
    }
    if (!known) return Error{where + ".op is '" + entry["op"].get<std::string>() + "', not add, remove or clone"};
    auto tracks = read_tracks(entry["tracks"], where + ".tracks");
    if (!tracks) return Error{tracks.error()};
    operation.tracks = std::move(*tracks);
    for (const auto& [key, value] : entry.items()) {
      if (key != "op" && key != "tracks") operation.other.emplace_back(key, value.dump());
    }
    operations.push_back(std::move(operation));
  }
  return operations;
}

/// Empty, or what is wrong with one of the fields that both kinds of object share.
template <class Object>
std::string read_shared(const std::string& key, const Json& value, Object& object) {
  if (key == "generatedAt") {
    auto number = number_from_json(value, key);
    if (!number) return number.error();
    object.generated_at = *number;
  } else if (key == "isComplete") {
    if (!value.is_boolean()) return "isComplete is not true or false";
    if (!value.get<bool>()) return "isComplete is false: it must be left out then (section 5.1.3)";
    object.is_complete = true;
  } else {
    object.other.emplace_back(key, value.dump());
  }
  return {};
}

base::Result<CatalogObject, std::string> read_delta(const Json& json) {
  DeltaUpdate update;
  for (const auto& [key, value] : json.items()) {
    if (key == "tracks" || key == "version") return Error{"a delta update must not have '" + key + "' (section 5.3)"};
    if (key == "deltaUpdate") {
      auto operations = read_operations(value);
      if (!operations) return Error{operations.error()};
      update.operations = std::move(*operations);
    } else if (auto wrong = read_shared(key, value, update); !wrong.empty()) {
      return Error{std::move(wrong)};
    }
  }
  if (auto wrong = delta_fault(update)) return Error{std::move(*wrong)};
  return CatalogObject{std::move(update)};
}

base::Result<CatalogObject, std::string> read_independent(const Json& json) {
  Catalog catalog;
  if (!json.contains("version")) return Error{std::string("the catalog has no version")};
  if (!json["version"].is_string()) return Error{std::string("version is not a string")};
  catalog.version = json["version"].get<std::string>();
  if (catalog.version != kDraftVersion && catalog.version != "1") {
    return Error{"the catalog is of version '" + catalog.version + "'; 'draft-01' and '1' are understood"};
  }
  if (!json.contains("tracks")) return Error{std::string("the catalog has no tracks")};
  for (const auto& [key, value] : json.items()) {
    if (key == "version") continue;
    if (key == "tracks" || key == "publishTracks") {
      auto tracks = read_tracks(value, key);
      if (!tracks) return Error{tracks.error()};
      (key == "tracks" ? catalog.tracks : catalog.publish_tracks) = std::move(*tracks);
    } else if (key == "initDataList") {
      auto list = read_init_data_list(value);
      if (!list) return Error{list.error()};
      catalog.init_data_list = std::move(*list);
    } else if (auto wrong = read_shared(key, value, catalog); !wrong.empty()) {
      return Error{std::move(wrong)};
    }
  }
  if (auto wrong = catalog_fault(catalog, Strictness::kReceived)) return Error{std::move(*wrong)};
  return CatalogObject{std::move(catalog)};
}

}  // namespace

base::Result<CatalogObject, std::string> decode_catalog(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return Error{std::string("the catalog is not JSON")};
  if (!json.is_object()) return Error{std::string("the catalog is not an object")};
  return json.contains("deltaUpdate") ? read_delta(json) : read_independent(json);
}

base::Result<std::string, std::string> Catalog::encode() const {
  if (auto wrong = fault()) return Error{std::move(*wrong)};
  Json json = Json::object();
  json["version"] = version;
  if (generated_at) json["generatedAt"] = number_to_json(*generated_at);
  if (is_complete) json["isComplete"] = true;
  json["tracks"] = Json::array();
  for (const Track& track : tracks) json["tracks"].push_back(track_to_json(track));
  if (!publish_tracks.empty()) {
    json["publishTracks"] = Json::array();
    for (const Track& track : publish_tracks) json["publishTracks"].push_back(track_to_json(track));
  }
  append_other(other, json);
  if (!init_data_list.empty()) {  // behind the tracks, as section 5.1.7 demands
    json["initDataList"] = Json::array();
    for (const InitData& data : init_data_list) {
      Json entry = {{"id", data.id}, {"type", data.type}, {"data", data.data}};
      append_other(data.other, entry);
      json["initDataList"].push_back(std::move(entry));
    }
  }
  // Names are bytes to MOQT; JSON is UTF-8 (RFC 8259, section 8.1), so what is not shows as U+FFFD.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

base::Result<std::string, std::string> DeltaUpdate::encode() const {
  if (auto wrong = delta_fault(*this)) return Error{std::move(*wrong)};
  Json json = Json::object();
  if (generated_at) json["generatedAt"] = number_to_json(*generated_at);
  if (is_complete) json["isComplete"] = true;
  json["deltaUpdate"] = Json::array();
  for (const DeltaOperation& operation : operations) {
    Json entry = {{"op", name(operation.kind)}, {"tracks", Json::array()}};
    for (const Track& track : operation.tracks) entry["tracks"].push_back(track_to_json(track));
    append_other(operation.other, entry);
    json["deltaUpdate"].push_back(std::move(entry));
  }
  append_other(other, json);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace msquic_py::msf
