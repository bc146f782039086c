#include "unit/vectors/message_json.h"

#include <stdexcept>
#include <type_traits>

#include "moqt/model/error_codes.h"
#include "moqt/wire/draft15/request_id.h"
#include "moqt/wire/extensions.h"

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

void add_track(Json& json, const moqt::FullTrackName& track) {
  json["track_namespace"] = namespace_json(track.track_namespace);
  json["track_name"] = to_hex(track.track_name);
}

void fill(Json& json, const ClientSetup& m) { json["parameters"] = parameters_json(m.parameters); }
void fill(Json& json, const ServerSetup& m) { json["parameters"] = parameters_json(m.parameters); }
void fill(Json& json, const Goaway& m) { json["new_session_uri"] = hex_of(m.new_session_uri); }
void fill(Json& json, const MaxRequestId& m) { json["request_id"] = m.max_request_id; }
void fill(Json& json, const RequestsBlocked& m) { json["maximum_request_id"] = m.maximum_request_id; }
void fill(Json& json, const RequestOk& m) { json["parameters"] = parameters_json(m.parameters); }
void fill(Json& json, const RequestError& m) {
  json["error_code"] = static_cast<std::uint64_t>(m.error_code);
  json["reason_phrase"] = hex_of(m.error_reason);
}
void fill(Json& json, const Subscribe& m) {
  add_track(json, m.track);
  json["parameters"] = parameters_json(m.parameters);
}
void fill(Json& json, const TrackStatus& m) {
  add_track(json, m.track);
  json["parameters"] = parameters_json(m.parameters);
}
void fill(Json& json, const SubscribeOk& m) {
  json["track_alias"] = m.track_alias;
  json["parameters"] = parameters_json(m.parameters);
}
void fill(Json& json, const SubscribeUpdate& m) {
  json["subscription_request_id"] = m.subscription.id;
  json["parameters"] = parameters_json(m.parameters);
}
void fill(Json&, const Unsubscribe&) {}
void fill(Json& json, const Publish& m) {
  add_track(json, m.track);
  json["track_alias"] = m.track_alias;
  json["parameters"] = parameters_json(m.parameters);
}
void fill(Json& json, const PublishOk& m) { json["parameters"] = parameters_json(m.parameters); }
void fill(Json& json, const PublishDone& m) {
  json["status_code"] = static_cast<std::uint64_t>(m.status_code);
  json["stream_count"] = m.stream_count;
  json["reason_phrase"] = hex_of(m.error_reason);
}
void fill(Json& json, const Fetch& m) {
  json["fetch_type"] = static_cast<std::uint64_t>(m.fetch_type());
  if (const auto* standalone = std::get_if<StandaloneFetch>(&m.range)) {
    add_track(json, standalone->track);
    json["start_location"] = location_json(standalone->start);
    json["end_location"] = location_json(standalone->end);
  } else {
    const auto& joining = std::get<JoiningFetch>(m.range);
    json["joining_request_id"] = joining.joined.id;
    json["joining_start"] = joining.joining_start;
  }
  json["parameters"] = parameters_json(m.parameters);
}
void fill(Json& json, const FetchOk& m) {
  json["end_of_track"] = m.end_of_track ? 1 : 0;
  json["end_location"] = location_json(m.end_location);
  json["parameters"] = parameters_json(m.parameters);
}
void fill(Json&, const FetchCancel&) {}
void fill(Json& json, const PublishNamespace& m) {
  json["track_namespace"] = namespace_json(m.track_namespace);
  json["parameters"] = parameters_json(m.parameters);
}
void fill(Json& json, const PublishNamespaceDone& m) { json["track_namespace"] = namespace_json(m.track_namespace); }
void fill(Json& json, const PublishNamespaceCancel& m) {
  json["track_namespace"] = namespace_json(m.track_namespace);
  json["error_code"] = static_cast<std::uint64_t>(m.error_code);
  json["reason_phrase"] = hex_of(m.error_reason);
}
void fill(Json& json, const SubscribeNamespace& m) {
  json["track_namespace_prefix"] = namespace_json(m.track_namespace_prefix);
  json["parameters"] = parameters_json(m.parameters);
}
void fill(Json&, const UnsubscribeNamespace&) {}

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
        fill(json, body);
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
