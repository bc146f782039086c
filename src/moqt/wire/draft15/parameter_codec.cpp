#include "moqt/wire/draft15/parameter_codec.h"

#include "base/byte_reader.h"
#include "moqt/model/key_value_pair.h"
#include "moqt/wire/draft15/parameter_rule.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

base::Decoded<ParameterValue> decode_location(base::Bytes bytes) {  // [d15 §1.4.2-2]
  base::ByteReader reader(bytes);
  const auto group = reader.read_varint();
  const auto object = reader.read_varint();
  if (!group || !object || !reader.at_end()) {
    return key_value_formatting_error("LARGEST_OBJECT is not exactly one Location (section 9.2.1.9)");
  }
  return ParameterValue(Location{*group, *object});
}

base::Decoded<ParameterValue> decode_filter(base::Bytes bytes) {
  // [d15 §9.2.1.7-1]
  static constexpr base::Violation kLength =
      protocol_violation("SUBSCRIPTION_FILTER length does not match its filter (section 9.2.1.7)");
  base::ByteReader reader(bytes);
  const auto type = reader.read_varint();
  if (!type) return kLength;
  if (*type < 1 || *type > 4) return protocol_violation("unknown Filter Type (section 5.1.2)");  // [d15 §5.1.2-2]
  SubscriptionFilter filter{static_cast<FilterType>(*type), {}, 0};
  if (filter.type == FilterType::kAbsoluteStart || filter.type == FilterType::kAbsoluteRange) {
    const auto group = reader.read_varint();
    const auto object = reader.read_varint();
    if (!group || !object) return kLength;
    filter.start = {*group, *object};
  }
  if (filter.type == FilterType::kAbsoluteRange) {
    const auto end_group = reader.read_varint();
    if (!end_group) return kLength;
    filter.end_group = *end_group;
  }
  if (!reader.at_end()) return kLength;
  return ParameterValue(filter);
}

base::Decoded<ParameterValue> decode_token(base::Bytes bytes) {  // [d15 §9.2.1.1-4]
  static constexpr base::Violation kUndecodable =
      key_value_formatting_error("Token structure cannot be decoded (section 9.2.1.1)");
  base::ByteReader reader(bytes);
  const auto alias_type = reader.read_varint();
  if (!alias_type || *alias_type > 3) return kUndecodable;
  AuthorizationToken token;
  token.alias_type = static_cast<TokenAliasType>(*alias_type);
  if (token.has_alias()) {
    const auto alias = reader.read_varint();
    if (!alias) return kUndecodable;
    token.alias = *alias;
  }
  if (token.has_value()) {
    const auto token_type = reader.read_varint();
    if (!token_type) return kUndecodable;
    token.token_type = *token_type;
    token.value.assign(reader.rest().begin(), reader.rest().end());
  } else if (!reader.at_end()) {
    return kUndecodable;
  }
  return ParameterValue(std::move(token));
}

base::Decoded<ParameterValue> decode_bytes(ParameterForm form, base::Bytes bytes) {
  switch (form) {
    case ParameterForm::kLocation: return decode_location(bytes);
    case ParameterForm::kFilter: return decode_filter(bytes);
    case ParameterForm::kToken: return decode_token(bytes);
    case ParameterForm::kNumber:
    case ParameterForm::kBytes: break;
  }
  return ParameterValue(base::ByteVector(bytes.begin(), bytes.end()));
}

bool removes_or_uses_alias(const AuthorizationToken& token) noexcept {
  return token.alias_type == TokenAliasType::kDelete || token.alias_type == TokenAliasType::kUseAlias;
}

// Nothing of the value is left out and nothing invented: what a form does not carry must be at its default.
void encode_token(PayloadWriter& out, const AuthorizationToken& token) {
  out.varint(static_cast<std::uint64_t>(token.alias_type));
  if (token.has_alias()) out.varint(token.alias);
  if (token.has_value()) {
    out.varint(token.token_type);
    out.bytes(token.value);
  }
}

void encode_filter(PayloadWriter& out, const SubscriptionFilter& filter) {
  const auto type = static_cast<std::uint64_t>(filter.type);
  if (type < 1 || type > 4) return out.fail(EncodeError::kParameterOutOfRange);
  if (!filter.valid()) return out.fail(EncodeError::kFilterRangeReversed);  // [d15 §5.1.2-1]
  out.varint(type);
  if (filter.type == FilterType::kAbsoluteStart || filter.type == FilterType::kAbsoluteRange)
    out.location(filter.start);
  if (filter.type == FilterType::kAbsoluteRange) out.varint(filter.end_group);
}

void encode_value(PayloadWriter& out, const ParameterValue& value) {
  if (const auto* bytes = std::get_if<base::ByteVector>(&value)) return out.bytes(*bytes);
  if (const auto* location = std::get_if<Location>(&value)) return out.location(*location);
  if (const auto* filter = std::get_if<SubscriptionFilter>(&value)) return encode_filter(out, *filter);
  if (const auto* token = std::get_if<AuthorizationToken>(&value)) return encode_token(out, *token);
}

void check_value(PayloadWriter& out, MessageType message, const ParameterRule& rule, const ParameterValue& value) {
  if (const auto* number = std::get_if<std::uint64_t>(&value)) {
    if (*number < rule.minimum || *number > rule.maximum) out.fail(EncodeError::kParameterOutOfRange);
    return;
  }
  const auto* token = std::get_if<AuthorizationToken>(&value);
  const auto* bytes = std::get_if<base::ByteVector>(&value);
  const auto decoded = bytes != nullptr ? decode_bytes(rule.form, *bytes) : base::Decoded<ParameterValue>(value);
  if (!decoded) return out.fail(EncodeError::kParameterOutOfRange);
  if (bytes != nullptr) token = std::get_if<AuthorizationToken>(&decoded.value());
  if (message == MessageType::kClientSetup && token != nullptr && removes_or_uses_alias(*token)) {
    out.fail(EncodeError::kTokenNotAllowed);
  }
}

bool repeated(const std::vector<Parameter>& items, std::size_t index) noexcept {
  for (std::size_t i = 0; i < index; ++i) {
    if (items[i].type == items[index].type) return true;
  }
  return false;
}

}  // namespace

void decode_parameters(PayloadReader& in, MessageType message, ParameterList& out) {
  const std::uint64_t count = in.varint();
  // A bit per known type below 64: all of draft-15 are. Tells a repeated one without searching the list.
  std::uint64_t seen = 0;
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i) {
    const std::uint64_t type = in.varint();
    const ParameterRule* rule = find_parameter_rule(message, type);
    if (rule != nullptr && !rule->repeatable()) {  // [d15 §9.2-3]
      const std::uint64_t mark = std::uint64_t{1} << type;
      // [d15 §9.2-2]
      if ((seen & mark) != 0) in.fail(protocol_violation("parameter repeated that may appear once (section 9.2)"));
      seen |= mark;
    }
    if ((type & 1) == 0) {
      const std::uint64_t number = in.varint();
      if (in.failed()) return;
      if (rule != nullptr && (number < rule->minimum || number > rule->maximum))
        in.fail(protocol_violation(rule->out_of_range));
      out.append({type, number});  // [d15 §9.3-1]
      continue;
    }
    const std::uint64_t length = in.varint();
    // [d15 §1.4.2-1]
    if (!in.failed() && length > kMaxKeyValueLength)
      in.fail(protocol_violation("key-value pair longer than 65535 bytes (section 1.4.2)"));
    const base::Bytes bytes = in.bytes(length);
    if (in.failed()) return;
    auto value = decode_bytes(rule == nullptr ? ParameterForm::kBytes : rule->form, bytes);
    if (!value) return in.fail(value.violation());
    if (const auto* token = std::get_if<AuthorizationToken>(&value.value());
        token != nullptr && message == MessageType::kClientSetup && removes_or_uses_alias(*token)) {
      // [d15 §9.2.1.1-3]
      return in.fail(protocol_violation("token DELETE or USE_ALIAS in CLIENT_SETUP (section 9.2.1.1)"));
    }
    out.append({type, std::move(value).value()});
  }
}

void encode_parameters(PayloadWriter& out, MessageType message, const ParameterList& parameters) {
  const auto& items = parameters.items();
  out.varint(items.size());
  for (std::size_t i = 0; i < items.size() && !out.failed(); ++i) {
    const auto& [type, value] = items[i];
    const auto* number = std::get_if<std::uint64_t>(&value);
    if (((type & 1) == 0) != (number != nullptr)) return out.fail(EncodeError::kKeyValueKind);
    if (const ParameterRule* rule = find_parameter_rule(message, type)) {
      if (!rule->repeatable() && repeated(items, i)) return out.fail(EncodeError::kParameterRepeated);  // [d15 §9.2-1]
      check_value(out, message, *rule, value);
    }
    out.varint(type);
    if (number != nullptr) {
      out.varint(*number);
      continue;
    }
    base::ByteVector body;
    PayloadWriter body_writer(body);
    encode_value(body_writer, value);
    if (body_writer.failed()) return out.fail(body_writer.error());
    if (body.size() > kMaxKeyValueLength) return out.fail(EncodeError::kKeyValueTooLong);
    out.varint(body.size());
    out.bytes(body);
  }
}

}  // namespace msquic_py::moqt::wire::draft15
