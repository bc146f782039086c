#include "unit/vectors/message_json.h"

#include <stdexcept>
#include <type_traits>

#include "moqt/model/error_codes.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/extensions.h"
#include "moqt/wire/message_fields.h"

namespace msquic_py::tests {

namespace {

using namespace moqt::wire;

std::string hex_of(const std::string& text) { return to_hex(base::as_bytes(text)); }

Json location_json(moqt::Location location) { return {{"group", location.group}, {"object", location.object}}; }

Json namespace_json(const moqt::TrackNamespace& track_namespace) {
  Json fields = Json::array();
  for (const auto& field : track_namespace.fields()) fields.push_back(to_hex(field));
  return fields;
}

Json filter_json(const moqt::SubscriptionFilter& filter) {
  Json json{{"filter_type", static_cast<std::uint64_t>(filter.type)}};
  if (filter.absolute()) json["start_location"] = location_json(filter.start);
  if (filter.ends()) json["end_group"] = filter.end_group;
  if (filter.type == moqt::FilterType::kAbsoluteLocations) json["end_object"] = filter.end_object;
  if (filter.type == moqt::FilterType::kRelativeGroup) json["groups_back"] = filter.groups_back;
  return json;
}

Json token_json(const moqt::AuthorizationToken& token) {
  Json json{{"alias_type", static_cast<std::uint64_t>(token.alias_type)}};
  if (token.has_alias()) json["token_alias"] = token.alias;
  if (token.has_value()) {
    json["token_type"] = token.token_type;
    json["token_value"] = to_hex(token.value);
  }
  return json;
}

Json range_filter_json(const moqt::RangeFilter& filter) {
  if (filter.removed) return {{"removed", true}};
  Json ranges = Json::array();
  for (const auto& [start, end] : filter.ranges)
    ranges.push_back(end ? Json::array({start, *end}) : Json::array({start}));
  Json json{{"set_id", filter.set_id}, {"ranges", ranges}};
  if (filter.property_type != 0) json["property_type"] = filter.property_type;
  if (!filter.valid) json["valid"] = false;
  return json;
}

using Scope = moqt::ParameterScope;

Json parameters_json(const std::vector<moqt::Parameter>& parameters, bool of_track) {
  Json list = Json::array();
  for (const auto& parameter : parameters) {
    if ((parameter.scope == Scope::kTrack) != of_track) continue;
    Json json{{"type", parameter.type}};
    std::visit(
        [&json](const auto& value) {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<T, std::uint64_t>)
            json["value"] = value;
          else if constexpr (std::is_same_v<T, base::ByteVector>)
            json["hex"] = to_hex(value);
          else if constexpr (std::is_same_v<T, moqt::Location>)
            json["location"] = location_json(value);
          else if constexpr (std::is_same_v<T, moqt::SubscriptionFilter>)
            json["filter"] = filter_json(value);
          else if constexpr (std::is_same_v<T, moqt::AuthorizationToken>)
            json["token"] = token_json(value);
          else if constexpr (std::is_same_v<T, moqt::TrackNamespace>)
            json["namespace"] = namespace_json(value);
          else if constexpr (std::is_same_v<T, moqt::RangeFilter>)
            json["range_filter"] = range_filter_json(value);
          else
            json["fill"] = parameters_json(value.items, false);
        },
        parameter.value);
    list.push_back(std::move(json));
  }
  return list;
}

/// One overload for every type that a field of a message has.
struct FieldJson {
  Json& json;
  moqt::Draft draft;

  void add(const char* name, const std::uint64_t& value) const { json[name] = value; }
  void add(const char* name, const bool& value) const { json[name] = value ? 1 : 0; }
  void add(const char* name, const moqt::RequestErrorCode& value) const {
    json[name] = number_of(codec_for(draft).codes, value);
  }
  void add(const char* name, const moqt::PublishDoneCode& value) const {
    json[name] = number_of(codec_for(draft).codes, value);
  }
  void add(const char* name, const RequestReference& value) const { json[name] = value.id; }
  void add(const char* name, const std::string& value) const { json[name] = hex_of(value); }
  void add(const char* name, const moqt::Location& value) const { json[name] = location_json(value); }
  void add(const char* name, const moqt::TrackNamespace& value) const { json[name] = namespace_json(value); }
  /// Draft-15 has the properties of a track among the parameters.
  void add(const char* name, const moqt::ParameterList& value) const {
    if (draft == moqt::Draft::k15) {
      std::vector<moqt::Parameter> all = value.items();
      for (moqt::Parameter& parameter : all) parameter.scope = Scope::kMessage;
      json[name] = parameters_json(all, false);
      return;
    }
    json[name] = parameters_json(value.items(), false);
    if (Json properties = parameters_json(value.items(), true); !properties.empty())
      json["track_properties"] = properties;
  }
  void add(const char* name, const std::optional<std::uint64_t>& value) const {
    if (value) json[name] = *value;
  }
  void add(const char* name, const base::ByteVector& value) const { json[name] = to_hex(value); }
  void add(const char* name, const NamespaceInterest& value) const { json[name] = static_cast<std::uint64_t>(value); }
  void add(const char* name, const std::optional<Redirect>& value) const {
    if (!value) return;
    json[name] = {{"connect_uri", hex_of(value->connect_uri)},
                  {"track_namespace", namespace_json(value->track.track_namespace)},
                  {"track_name", to_hex(value->track.track_name)}};
  }
  void add(const char*, const moqt::FullTrackName& track) const {
    json["track_namespace"] = namespace_json(track.track_namespace);
    json["track_name"] = to_hex(track.track_name);
  }
  void add(const char*, const FetchScope& range) const {
    if (const auto* standalone = std::get_if<StandaloneFetch>(&range)) {
      json["fetch_type"] = 1;
      add("", standalone->track);
      json["start_location"] = location_json(standalone->start);
      json["end_location"] = location_json(standalone->end);
    } else if (const auto* joining = std::get_if<JoiningFetch>(&range)) {
      json["fetch_type"] = joining->relative ? 2 : 3;
      json["joining_request_id"] = joining->joined.id;
      json["joining_start"] = joining->joining_start;
    } else {
      const auto& relative = std::get<RelativeFetch>(range);
      add("", relative.track);
      json["groups_back"] = relative.groups_back;
    }
  }
};

Json normalized_namespace(const Json& fields) {
  Json json = Json::array();
  for (const Json& field : fields) json.push_back(to_hex(text_of(field)));
  return json;
}

Json normalized_parameter(const Json& parameter) {
  Json json{{"type", parameter.at("type")}};
  if (parameter.contains("means")) {
    json.update(parameter.at("means"));
    if (json.contains("namespace")) json["namespace"] = normalized_namespace(json["namespace"]);
    if (json.contains("fill")) {
      for (Json& inner : json["fill"]) inner = normalized_parameter(inner);
    }
    if (json.contains("token") && json["token"].contains("token_value")) {
      json["token"]["token_value"] = to_hex(text_of(json["token"]["token_value"]));
    }
  } else if (parameter.contains("value")) {
    json["value"] = parameter.at("value");
  } else {
    json["hex"] = to_hex(bytes_of(parameter.at("hex")));
  }
  return json;
}

}  // namespace

Json to_json(moqt::Draft draft, const ControlMessage& message) {
  Json json{{"type", moqt::wire::name(type_of(message.body), draft)}};
  std::visit(
      [&]<class Body>(const Body& body) {
        if (kRequestId<Body>.contains(draft)) json["request_id"] = message.request.id;
        for_each_field(draft, body, [&](const char* name, const auto& field) {
          FieldJson{json, draft}.add(name, field);
        });
      },
      message.body);
  return json;
}

Json normalized_message(const Json& message) {
  Json json = message;
  for (const char* key : {"track_name", "reason_phrase", "new_session_uri"}) {
    if (json.contains(key)) json[key] = to_hex(text_of(json[key]));
  }
  for (const char* key : {"track_namespace", "track_namespace_prefix", "track_namespace_suffix"}) {
    if (json.contains(key)) json[key] = normalized_namespace(json[key]);
  }
  for (const char* key : {"parameters", "track_properties"}) {
    if (!json.contains(key)) continue;
    for (Json& parameter : json[key]) parameter = normalized_parameter(parameter);
  }
  if (json.contains("redirect")) {
    Json& redirect = json["redirect"];
    redirect["track_namespace"] = normalized_namespace(redirect["track_namespace"]);
    for (const char* key : {"connect_uri", "track_name"}) redirect[key] = to_hex(text_of(redirect[key]));
  }
  return json;
}

Json pairs_to_json(moqt::Draft draft, base::Bytes raw_extensions) {
  const auto pairs = decode_extensions(draft, raw_extensions);
  if (!pairs.ok()) throw std::runtime_error("extension block does not decode: " + to_hex(raw_extensions));
  Json list = Json::array();
  for (const auto& pair : *pairs) {
    if (const auto* number = pair.number()) {
      list.push_back({{"type", pair.type}, {"value", *number}});
    } else {
      list.push_back({{"type", pair.type}, {"hex", to_hex(*pair.bytes())}});
    }
  }
  return list;
}

Json normalized_pairs(const Json& pairs) {
  Json list = Json::array();
  for (const Json& pair : pairs) list.push_back(normalized_parameter(pair));
  return list;
}

}  // namespace msquic_py::tests
