#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "moqt/model/key_value_pair.h"
#include "moqt/model/parameter_list.h"
#include "moqt/wire/control/parameter_values.h"

namespace msquic_py::moqt::wire {

/// Key-Value-Pairs [d15 §1.4.2] as parameters: all parameters of drafts up to 16, and of every draft what SETUP has and
/// the properties of tracks.
template <class Traits>
class KeyValues {
 public:
  using Reader = PayloadReader<Traits>;
  using Writer = PayloadWriter<Traits>;
  using Values = ParameterValues<Traits>;
  using Sections = typename Traits::Sections;

  /// `places` are those of the message. What the draft does not define there is kept as it is, unless the draft refuses
  /// what it does not define at all.
  KeyValues(std::span<const ParameterRule> rules, Places places, bool refuses_unknown = false) noexcept
      : rules_(rules), places_(places), refuses_unknown_(refuses_unknown) {}

  /// Number of Parameters, and the parameters.
  void read_counted(Reader& in, ParameterList& out) const {
    const std::uint64_t count = in.integer();
    Progress progress;
    for (std::uint64_t i = 0; i < count && !in.failed(); ++i) read_one(in, progress, ParameterScope::kMessage, out);
  }
  /// All up to the end of the payload.
  void read_to_end(Reader& in, ParameterScope scope, ParameterList& out) const {
    Progress progress;
    while (in.remaining() > 0) read_one(in, progress, scope, out);
  }

  /// All of them; but where the track's have a place of their own, those are not here.
  void write_counted(Writer& out, const ParameterList& parameters) const {
    const auto wanted = [](const Parameter& parameter) {
      return !Traits::kTrackProperties || parameter.scope != ParameterScope::kTrack;
    };
    const auto& items = parameters.items();
    out.integer(static_cast<std::uint64_t>(std::count_if(items.begin(), items.end(), wanted)));
    write_all(out, parameters, wanted);
  }
  /// Those of that scope.
  void write_scope(Writer& out, const ParameterList& parameters, ParameterScope scope) const {
    write_all(out, parameters, [scope](const Parameter& parameter) { return parameter.scope == scope; });
  }

 private:
  struct Progress {
    std::uint64_t type = 0;  ///< of the pair before
    std::uint64_t seen = 0;  ///< a bit per known type below 64: tells a repeated one without searching the list
  };

  [[nodiscard]] const ParameterRule* rule_here(const ParameterRule* rule) const noexcept {
    return rule != nullptr && (rule->places & places_) != 0 ? rule : nullptr;  // [d15 §9.2.1-1]
  }

  void read_one(Reader& in, Progress& progress, ParameterScope scope, ParameterList& out) const {
    const std::uint64_t type = read_type(in, progress);
    if (in.failed()) return;
    const ParameterRule* defined = find_rule(rules_, type);
    if (refuses_unknown_ && defined == nullptr) {
      return in.fail(kViolates<"unknown parameter", Sections::kParameters>);
    }
    const ParameterRule* rule = rule_here(defined);
    if (rule != nullptr && scope == ParameterScope::kMessage && !rule->repeatable() && type < 64) {  // [d15 §9.2-3]
      const std::uint64_t mark = std::uint64_t{1} << type;
      if ((progress.seen & mark) != 0) {  // [d15 §9.2-2]
        return in.fail(kViolates<"parameter repeated that may appear once", Sections::kParameters>);
      }
      progress.seen |= mark;
    }
    if (defined != nullptr && rule == nullptr) scope = ParameterScope::kNone;
    if (rule != nullptr && (rule->of_track & places_) != 0) scope = ParameterScope::kTrack;
    if ((type & 1) == 0) {
      const std::uint64_t number = in.integer();
      if (in.failed()) return;
      if (rule != nullptr && (number < rule->minimum || number > rule->maximum))
        return in.fail(protocol_violation(rule->out_of_range));
      return out.append({type, number, scope});  // [d15 §9.3-1]
    }
    const std::uint64_t length = in.integer();
    // [d15 §1.4.2-1]
    if (!in.failed() && length > kMaxKeyValueLength)
      in.fail(kViolates<"key-value pair longer than 65535 bytes", Sections::kKeyValuePair>);
    const base::Bytes bytes = in.bytes(length);
    if (in.failed()) return;
    ParameterValue value = read_value(rule == nullptr ? ParameterForm::kBytes : rule->form, bytes, in);
    if (const auto* token = std::get_if<AuthorizationToken>(&value); token != nullptr && forbids(*token)) {
      // [d15 §9.2.1.1-3]
      in.fail(kViolates<"token DELETE or USE_ALIAS in CLIENT_SETUP", Sections::kToken>);
    }
    if (!in.failed()) out.append({type, std::move(value), scope});
  }

  static std::uint64_t read_type(Reader& in, Progress& progress) {
    std::uint64_t type = in.integer();
    if constexpr (Traits::kDeltaTypes) {
      if (type > ~std::uint64_t{0} - progress.type) {
        in.fail(kViolates<"the Type of a key-value pair is above 2^64-1", Sections::kKeyValuePair>);
        return 0;
      }
      type += progress.type;
      progress.type = type;
    }
    return type;
  }

  static ParameterValue read_value(ParameterForm form, base::Bytes bytes, Reader& in) {
    switch (form) {
      case ParameterForm::kLocation: return Values::read_location(bytes, in);
      case ParameterForm::kFilter: return Values::read_filter(bytes, in);
      case ParameterForm::kToken: return Values::read_token(bytes, in);
      default: return base::ByteVector(bytes.begin(), bytes.end());
    }
  }

  /// In a SETUP of the client nothing is registered yet.
  [[nodiscard]] bool forbids(const AuthorizationToken& token) const noexcept {
    return places_ == at(Place::kClientSetup) &&
           (token.alias_type == TokenAliasType::kDelete || token.alias_type == TokenAliasType::kUseAlias);
  }

  template <class Wanted>
  void write_all(Writer& out, const ParameterList& parameters, Wanted wanted) const {
    if constexpr (Traits::kDeltaTypes) {
      std::vector<const Parameter*> ascending;
      ascending.reserve(parameters.size());
      for (const Parameter& parameter : parameters.items()) {
        if (wanted(parameter)) ascending.push_back(&parameter);
      }
      std::stable_sort(ascending.begin(), ascending.end(),
                       [](const Parameter* left, const Parameter* right) { return left->type < right->type; });
      std::uint64_t before = 0;
      for (std::size_t i = 0; i < ascending.size() && !out.failed(); ++i) {
        const bool repeated = i > 0 && ascending[i - 1]->type == ascending[i]->type;
        write_one(out, *ascending[i], ascending[i]->type - before, repeated);
        before = ascending[i]->type;
      }
    } else {
      const auto& items = parameters.items();
      for (std::size_t i = 0; i < items.size() && !out.failed(); ++i) {
        if (wanted(items[i])) write_one(out, items[i], items[i].type, repeats(items, i));
      }
    }
  }
  static bool repeats(const std::vector<Parameter>& items, std::size_t index) noexcept {
    return std::any_of(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(index),
                       [&](const Parameter& each) { return each.type == items[index].type; });
  }

  void write_one(Writer& out, const Parameter& parameter, std::uint64_t type_on_wire, bool repeated) const {
    const auto* number = std::get_if<std::uint64_t>(&parameter.value);
    if (((parameter.type & 1) == 0) != (number != nullptr)) return out.fail(EncodeError::kKeyValueKind);
    const ParameterRule* defined = find_rule(rules_, parameter.type);
    if (refuses_unknown_ && defined == nullptr) return out.fail(EncodeError::kParameterNotDefined);
    if (const ParameterRule* rule = rule_here(defined)) {
      const bool property = Traits::kTrackProperties && parameter.scope == ParameterScope::kTrack;
      if (!property && !rule->repeatable() && repeated)
        return out.fail(EncodeError::kParameterRepeated);  // [d15 §9.2-1]
      check_value(out, *rule, parameter.value);
    }
    out.integer(type_on_wire);
    if (number != nullptr) return out.integer(*number);
    base::ByteVector body;
    Writer body_writer(body);
    write_value(body_writer, parameter.value);
    if (body_writer.failed()) return out.fail(body_writer.error());
    if (body.size() > kMaxKeyValueLength) return out.fail(EncodeError::kKeyValueTooLong);
    out.integer(body.size());
    out.bytes(body);
  }

  static void write_value(Writer& out, const ParameterValue& value) {
    if (const auto* bytes = std::get_if<base::ByteVector>(&value)) return out.bytes(*bytes);
    if (const auto* location = std::get_if<Location>(&value)) return out.location(*location);
    if (const auto* token = std::get_if<AuthorizationToken>(&value)) return Values::write_token(out, *token);
    if (const auto* filter = std::get_if<SubscriptionFilter>(&value)) return Values::write_filter(out, *filter);
    out.fail(EncodeError::kNotInDraft);
  }

  void check_value(Writer& out, const ParameterRule& rule, const ParameterValue& value) const {
    if (const auto* number = std::get_if<std::uint64_t>(&value)) {
      if (*number < rule.minimum || *number > rule.maximum) out.fail(EncodeError::kParameterOutOfRange);
      return;
    }
    const auto* token = std::get_if<AuthorizationToken>(&value);
    ParameterValue decoded;
    if (const auto* bytes = std::get_if<base::ByteVector>(&value)) {
      Reader reader({});
      decoded = read_value(rule.form, *bytes, reader);
      if (reader.failed()) return out.fail(EncodeError::kParameterOutOfRange);
      token = std::get_if<AuthorizationToken>(&decoded);
    }
    if (token != nullptr && forbids(*token)) out.fail(EncodeError::kTokenNotAllowed);
  }

  std::span<const ParameterRule> rules_;
  Places places_;
  bool refuses_unknown_;
};

}  // namespace msquic_py::moqt::wire
