#include "unit/vectors/message_json.h"

#include <stdexcept>
#include <type_traits>

#include "moqt/model/error_codes.h"
#include "moqt/wire/draft15/request_id.h"
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
  const bool range = filter.type == moqt::FilterType::kAbsoluteRange;
  if (range || filter.type == moqt::FilterType::kAbsoluteStart) json["start_location"] = location_json(filter.start);
  if (range) json["end_group"] = filter.end_group;
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

Json parameters_json(const moqt::ParameterList& parameters) {
  Json list = Json::array();
  for (const auto& parameter : parameters.items()) {
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
          else
            json["token"] = token_json(value);
        },
        parameter.value);
    list.push_back(std::move(json));
  }
  return list;
}

/// One overload for every type that a field of a message has.
struct FieldJson {
  Json& json;

  void add(const char* name, const std::uint64_t& value) const { json[name] = value; }
  void add(const char* name, const bool& value) const { json[name] = value ? 1 : 0; }
  void add(const char* name, const moqt::RequestErrorCode& value) const {
    json[name] = static_cast<std::uint64_t>(value);
  }
  void add(const char* name, const moqt::PublishDoneCode& value) const {
    json[name] = static_cast<std::uint64_t>(value);
  }
  void add(const char* name, const RequestReference& value) const { json[name] = value.id; }
  void add(const char* name, const std::string& value) const { json[name] = hex_of(value); }
  void add(const char* name, const moqt::Location& value) const { json[name] = location_json(value); }
  void add(const char* name, const moqt::TrackNamespace& value) const { json[name] = namespace_json(value); }
  void add(const char* name, const moqt::ParameterList& value) const { json[name] = parameters_json(value); }
  void add(const char*, const moqt::FullTrackName& track) const {
    json["track_namespace"] = namespace_json(track.track_namespace);
    json["track_name"] = to_hex(track.track_name);
  }
  void add(const char*, const std::variant<StandaloneFetch, JoiningFetch>& range) const {
    if (const auto* standalone = std::get_if<StandaloneFetch>(&range)) {
      json["fetch_type"] = 1;
      add("", standalone->track);
      json["start_location"] = location_json(standalone->start);
      json["end_location"] = location_json(standalone->end);
    } else {
      const auto& joining = std::get<JoiningFetch>(range);
      json["fetch_type"] = joining.relative ? 2 : 3;
      json["joining_request_id"] = joining.joined.id;
      json["joining_start"] = joining.joining_start;
    }
  }
};

Json normalized_parameter(const Json& parameter) {
  Json json{{"type", parameter.at("type")}};
  if (parameter.contains("means")) {
    json.update(parameter.at("means"));
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

Json to_json(const ControlMessage& message) {
  Json json{{"type", moqt::wire::name(type_of(message.body))}};
  std::visit(
      [&]<class Body>(const Body& body) {
        if constexpr (draft15::kHasRequestId<Body>) json["request_id"] = message.request.id;
        for_each_field(body, [&](const char* name, const auto& field) { FieldJson{json}.add(name, field); });
      },
      message.body);
  return json;
}

Json normalized_message(const Json& message) {
  Json json = message;
  for (const char* key : {"track_name", "reason_phrase", "new_session_uri"}) {
    if (json.contains(key)) json[key] = to_hex(text_of(json[key]));
  }
  for (const char* key : {"track_namespace", "track_namespace_prefix"}) {
    if (!json.contains(key)) continue;
    for (Json& field : json[key]) field = to_hex(text_of(field));
  }
  if (json.contains("parameters")) {
    for (Json& parameter : json["parameters"]) parameter = normalized_parameter(parameter);
  }
  return json;
}

Json pairs_to_json(base::Bytes raw_extensions) {
  const auto pairs = decode_extensions(moqt::Draft::k15, raw_extensions);
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
