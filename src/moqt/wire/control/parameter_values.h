#pragma once

#include "moqt/model/parameter.h"
#include "moqt/wire/control/parameter_rule.h"
#include "moqt/wire/control/payload_reader.h"
#include "moqt/wire/control/payload_writer.h"

namespace msquic_py::moqt::wire {

/// How a draft writes which objects a subscription wants.
enum class FilterForm : std::uint8_t {
  kEndGroup,       ///< up to draft 16: a Filter Type and absolute groups
  kEndGroupDelta,  ///< drafts 17 to 19: the end counts from the start
  kFieldsByType,   ///< draft 22: a Location Filter Type says which fields follow, and there is no length
};

/// The structures that values of parameters are made of, as they lie in their bytes.
template <class Traits>
struct ParameterValues {
  using Reader = PayloadReader<Traits>;
  using Writer = PayloadWriter<Traits>;
  using Sections = typename Traits::Sections;

  static Location read_location(base::Bytes bytes, Reader& outer) {  // [d15 §1.4.2-2]
    Reader in(bytes);
    const Location location = in.location();
    if (in.finish()) {
      outer.fail(
          key_value_formatting_error(kCited<"LARGEST_OBJECT is not exactly one Location", Sections::kLargestObject>));
    }
    return location;
  }

  /// A Token that fills `bytes`.
  static AuthorizationToken read_token(base::Bytes bytes, Reader& outer) {  // [d15 §9.2.1.1-4]
    Reader in(bytes);
    AuthorizationToken token;
    const std::uint64_t alias_type = in.integer();
    token.alias_type = static_cast<TokenAliasType>(alias_type & 3);
    if (token.has_alias()) token.alias = in.integer();
    if (token.has_value()) {
      token.token_type = in.integer();
      const base::Bytes value = in.bytes(in.remaining());
      token.value.assign(value.begin(), value.end());
    }
    if (alias_type > 3 || in.finish()) {
      outer.fail(key_value_formatting_error(kCited<"Token structure cannot be decoded", Sections::kToken>));
    }
    return token;
  }
  // Nothing of the value is left out and nothing invented: what a form does not carry must be at its default.
  static void write_token(Writer& out, const AuthorizationToken& token) {
    out.integer(static_cast<std::uint64_t>(token.alias_type));
    if (token.has_alias()) out.integer(token.alias);
    if (token.has_value()) {
      out.integer(token.token_type);
      out.bytes(token.value);
    }
  }

  /// The filter of drafts up to 19, which fills `bytes`.
  static SubscriptionFilter read_filter(base::Bytes bytes, Reader& outer) {
    Reader in(bytes);
    SubscriptionFilter filter;
    const std::uint64_t type = in.integer();
    if (!in.failed() && (type < 1 || type > 4)) {  // [d15 §5.1.2-2]
      outer.fail(kViolates<"unknown Filter Type", Sections::kFilters>);
      return filter;
    }
    filter.type = static_cast<FilterType>(type);
    if (filter.absolute()) filter.start = in.location();
    if (filter.ends()) filter.end_group = in.integer();
    if (in.finish()) {  // [d15 §9.2.1.7-1]
      outer.fail(kViolates<"SUBSCRIPTION_FILTER length does not match its filter", Sections::kFilterParameter>);
      return filter;
    }
    if (Traits::kFilterForm == FilterForm::kEndGroupDelta && filter.ends()) add_start(filter, outer);
    return filter;
  }
  static void write_filter(Writer& out, const SubscriptionFilter& filter) {
    const auto type = static_cast<std::uint64_t>(filter.type);
    if (type < 1) return out.fail(EncodeError::kParameterOutOfRange);
    if (type > 4) return out.fail(EncodeError::kNotInDraft);
    if (!filter.valid()) return out.fail(EncodeError::kFilterRangeReversed);  // [d15 §5.1.2-1]
    out.integer(type);
    if (filter.absolute()) out.location(filter.start);
    if (filter.ends()) {
      out.integer(Traits::kFilterForm == FilterForm::kEndGroupDelta ? filter.end_group - filter.start.group
                                                                    : filter.end_group);
    }
  }

  /// LOCATION_FILTER of draft-22 (its section 9.20.9), which is as long as its type says.
  static SubscriptionFilter read_location_filter(Reader& in) {
    const std::uint64_t type = in.integer();
    switch (type) {
      case 0x0: return SubscriptionFilter::unfiltered();
      case 0x1: {
        const std::uint64_t groups_back = in.integer();
        return groups_back == 0 ? SubscriptionFilter::next_group_start()
                                : SubscriptionFilter::relative_group(groups_back);
      }
      case 0x5: return SubscriptionFilter::largest_object();
      case 0x2:
      case 0x3:
      case 0x4: {
        SubscriptionFilter filter = SubscriptionFilter::absolute_start(in.location());
        if (type == 0x2) return filter;
        filter.type = type == 0x3 ? FilterType::kAbsoluteRange : FilterType::kAbsoluteLocations;
        filter.end_group = in.integer();
        add_start(filter, in);
        if (type == 0x4) filter.end_object = in.integer();
        return filter;
      }
      default: in.fail(kViolates<"unknown Location Filter Type", Sections::kFilterParameter>); return {};
    }
  }
  static void write_location_filter(Writer& out, const SubscriptionFilter& filter) {
    if (!filter.valid()) return out.fail(EncodeError::kFilterRangeReversed);
    switch (filter.type) {
      case FilterType::kUnfiltered: return out.integer(0x0);
      case FilterType::kNextGroupStart:
      case FilterType::kRelativeGroup:
        out.integer(0x1);
        return out.integer(filter.type == FilterType::kNextGroupStart ? 0 : filter.groups_back);
      case FilterType::kLargestObject: return out.integer(0x5);
      case FilterType::kAbsoluteStart: out.integer(0x2); return out.location(filter.start);
      case FilterType::kAbsoluteRange:
      case FilterType::kAbsoluteLocations:
        out.integer(filter.type == FilterType::kAbsoluteRange ? 0x3 : 0x4);
        out.location(filter.start);
        out.integer(filter.end_group - filter.start.group);
        if (filter.type == FilterType::kAbsoluteLocations) out.integer(filter.end_object);
        return;
    }
    out.fail(EncodeError::kParameterOutOfRange);
  }

 private:
  static void add_start(SubscriptionFilter& filter, Reader& in) {
    if (filter.end_group > Traits::Integers::kLargest - filter.start.group) {
      in.fail(kViolates<"the End Group of a filter is above the largest number", Sections::kFilters>);
    }
    filter.end_group += filter.start.group;
  }
};

}  // namespace msquic_py::moqt::wire
