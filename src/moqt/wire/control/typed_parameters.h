#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "moqt/model/key_value_pair.h"
#include "moqt/model/parameter_list.h"
#include "moqt/wire/control/parameter_values.h"
#include "moqt/wire/control/range_filters.h"

namespace msquic_py::moqt::wire {

/// Message Parameters of drafts from 17 on (draft-18 section 10.2): in ascending order, each written as its type says.
/// What is not known cannot be stepped over, and is refused.
template <class Traits>
class TypedParameters {
 public:
  using Reader = PayloadReader<Traits>;
  using Writer = PayloadWriter<Traits>;
  using Values = ParameterValues<Traits>;
  using Sections = typename Traits::Sections;

  explicit TypedParameters(Places places) noexcept : places_(places) {}

  /// Number of Parameters, and the parameters.
  void read(Reader& in, std::vector<Parameter>& out) const {
    const std::uint64_t count = in.integer();
    std::uint64_t type = 0;
    for (std::uint64_t i = 0; i < count && !in.failed(); ++i) {
      const std::uint64_t delta = in.integer();
      if (in.failed()) return;
      if (delta > ~std::uint64_t{0} - type) {
        return in.fail(kViolates<"the Type of a parameter is above 2^64-1", Sections::kParameters>);
      }
      type += delta;
      const ParameterRule* rule = find_rule(Traits::kParameters, type);
      if (rule == nullptr) return in.fail(kViolates<"unknown parameter", Sections::kParameters>);
      if ((rule->places & places_) == 0) {
        return in.fail(kViolates<"parameter in a message that cannot have it", Sections::kParameters>);
      }
      if (delta == 0 && i > 0 && !rule->repeatable()) {
        return in.fail(kViolates<"parameter repeated that may appear once", Sections::kParameters>);
      }
      ParameterValue value = read_value(in, *rule);
      if (!in.failed()) out.push_back({type, std::move(value)});
    }
  }

  /// Those about the message; the others are properties of its track.
  void write(Writer& out, const std::vector<Parameter>& parameters) const {
    std::vector<const Parameter*> ascending;
    ascending.reserve(parameters.size());
    for (const Parameter& parameter : parameters) {
      if (parameter.scope != ParameterScope::kTrack) ascending.push_back(&parameter);
    }
    std::stable_sort(ascending.begin(), ascending.end(),
                     [](const Parameter* left, const Parameter* right) { return left->type < right->type; });
    out.integer(ascending.size());
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < ascending.size() && !out.failed(); ++i) {
      const auto& [type, value, scope] = *ascending[i];
      const ParameterRule* rule = find_rule(Traits::kParameters, type);
      if (rule == nullptr || (rule->places & places_) == 0) return out.fail(EncodeError::kParameterNotDefined);
      if (i > 0 && type == before && !rule->repeatable()) return out.fail(EncodeError::kParameterRepeated);
      out.integer(type - before);
      write_value(out, *rule, value);
      before = type;
    }
  }

 private:
  static base::Bytes read_prefixed(Reader& in) { return in.bytes(in.integer()); }

  static ParameterValue read_value(Reader& in, const ParameterRule& rule) {
    switch (rule.form) {
      case ParameterForm::kNumber:
      case ParameterForm::kByte: {
        const std::uint64_t number = rule.form == ParameterForm::kByte ? in.byte() : in.integer();
        if (!in.failed() && (number < rule.minimum || number > rule.maximum)) {
          in.fail(protocol_violation(rule.out_of_range));
        }
        return number;
      }
      case ParameterForm::kLocation: return in.location();
      case ParameterForm::kNamespace: return in.track_namespace(0);
      case ParameterForm::kToken: {
        const base::Bytes bytes = read_prefixed(in);
        if (in.failed()) return {};
        return Values::read_token(bytes, in);
      }
      case ParameterForm::kFilter: {
        if constexpr (Traits::kFilterForm == FilterForm::kFieldsByType) return Values::read_location_filter(in);
        const base::Bytes bytes = read_prefixed(in);
        if (in.failed()) return {};
        return Values::read_filter(bytes, in);
      }
      case ParameterForm::kRangeFilter:
      case ParameterForm::kPropertyRangeFilter:
        return RangeFilters<Traits>::read(in, rule.form == ParameterForm::kPropertyRangeFilter);
      case ParameterForm::kFill: return read_fill(in);
      case ParameterForm::kBytes: break;
    }
    const base::Bytes bytes = read_prefixed(in);
    return base::ByteVector(bytes.begin(), bytes.end());
  }

  static FillParameters read_fill(Reader& in) {
    FillParameters fill;
    const base::Bytes bytes = read_prefixed(in);
    if (in.failed()) return fill;
    Reader inner(bytes);
    TypedParameters(at(Place::kFill)).read(inner, fill.items);
    if (const auto violation = inner.finish()) in.fail(*violation);
    return fill;
  }

  static void write_value(Writer& out, const ParameterRule& rule, const ParameterValue& value) {
    const auto needed = [&]<class T>(const T* held) {
      if (held == nullptr) out.fail(EncodeError::kKeyValueKind);
      return held != nullptr;
    };
    switch (rule.form) {
      case ParameterForm::kNumber:
      case ParameterForm::kByte: {
        const auto* number = std::get_if<std::uint64_t>(&value);
        if (!needed(number)) return;
        const std::uint64_t most =
            rule.form == ParameterForm::kByte ? std::min<std::uint64_t>(255, rule.maximum) : rule.maximum;
        if (*number < rule.minimum || *number > most) return out.fail(EncodeError::kParameterOutOfRange);
        if (rule.form == ParameterForm::kByte) return out.byte(static_cast<std::uint8_t>(*number));
        return out.integer(*number);
      }
      case ParameterForm::kLocation: {
        const auto* location = std::get_if<Location>(&value);
        if (needed(location)) out.location(*location);
        return;
      }
      case ParameterForm::kNamespace: {
        const auto* prefix = std::get_if<TrackNamespace>(&value);
        if (needed(prefix)) out.track_namespace(*prefix, 0);
        return;
      }
      case ParameterForm::kFilter: {
        const auto* filter = std::get_if<SubscriptionFilter>(&value);
        if (!needed(filter)) return;
        if constexpr (Traits::kFilterForm == FilterForm::kFieldsByType) {
          return Values::write_location_filter(out, *filter);
        }
        return write_prefixed(out, [&](Writer& inner) { Values::write_filter(inner, *filter); });
      }
      case ParameterForm::kToken: {
        const auto* token = std::get_if<AuthorizationToken>(&value);
        if (needed(token)) write_prefixed(out, [&](Writer& inner) { Values::write_token(inner, *token); });
        return;
      }
      case ParameterForm::kRangeFilter:
      case ParameterForm::kPropertyRangeFilter: {
        const auto* filter = std::get_if<RangeFilter>(&value);
        if (!needed(filter)) return;
        const bool of_property = rule.form == ParameterForm::kPropertyRangeFilter;
        return write_prefixed(out, [&](Writer& inner) { RangeFilters<Traits>::write(inner, *filter, of_property); });
      }
      case ParameterForm::kFill: {
        const auto* fill = std::get_if<FillParameters>(&value);
        if (!needed(fill)) return;
        return write_prefixed(out, [&](Writer& inner) { TypedParameters(at(Place::kFill)).write(inner, fill->items); });
      }
      case ParameterForm::kBytes: {
        const auto* bytes = std::get_if<base::ByteVector>(&value);
        if (needed(bytes)) write_prefixed(out, [&](Writer& inner) { inner.bytes(*bytes); });
        return;
      }
    }
  }

  template <class Write>
  static void write_prefixed(Writer& out, Write write) {
    base::ByteVector body;
    Writer inner(body);
    write(inner);
    if (inner.failed()) return out.fail(inner.error());
    if (body.size() > kMaxKeyValueLength) return out.fail(EncodeError::kKeyValueTooLong);
    out.integer(body.size());
    out.bytes(body);
  }

  Places places_;
};

}  // namespace msquic_py::moqt::wire
