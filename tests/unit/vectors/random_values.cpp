#include "unit/vectors/random_values.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "moqt/wire/codec.h"
#include "moqt/wire/draft15/traits.h"
#include "moqt/wire/draft16/traits.h"
#include "moqt/wire/draft18/traits.h"
#include "moqt/wire/draft22/traits.h"

namespace msquic_py::tests {

using moqt::Draft;
using namespace moqt::wire;

RandomValues::RandomValues(Draft draft, unsigned seed) : draft_(draft), random_(seed) {
  switch (draft) {
    case Draft::k15:
      parameters_ = draft15::kParameterRules;
      options_ = draft15::kSetupParameterRules;
      break;
    case Draft::k16:
      parameters_ = draft16::kParameterRules;
      options_ = draft16::kSetupParameterRules;
      properties_ = draft16::kPropertyRules;
      break;
    case Draft::k18:
      parameters_ = draft18::kParameterRules;
      options_ = draft18::kSetupOptionRules;
      properties_ = draft18::kPropertyRules;
      break;
    case Draft::k22:
      parameters_ = draft22::kParameterRules;
      options_ = draft22::kSetupOptionRules;
      properties_ = draft22::kPropertyRules;
      break;
  }
}

std::uint64_t RandomValues::below(std::uint64_t bound) {
  return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
}

std::uint64_t RandomValues::number(std::uint64_t most) {
  const std::uint64_t any = random_() >> below(64);
  return most == ~std::uint64_t{0} ? any : any % (most + 1);
}

base::ByteVector RandomValues::bytes(std::size_t fewest, std::size_t most) {
  base::ByteVector out(fewest + below(most - fewest + 1));
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random_());
  return out;
}

std::string RandomValues::text(std::size_t most) {
  std::string out(below(most + 1), 'a');
  for (char& c : out) c = static_cast<char>('a' + below(26));
  return out;
}

moqt::TrackNamespace RandomValues::track_namespace(std::size_t fewest) {
  moqt::TrackNamespace result;
  for (std::size_t i = fewest + below(4); i > 0; --i) result.append(bytes(1, 9));
  return result;
}

moqt::AuthorizationToken RandomValues::token(bool registered) {
  moqt::AuthorizationToken result;
  result.alias_type = registered ? static_cast<moqt::TokenAliasType>(below(4)) : moqt::TokenAliasType::kUseValue;
  if (result.has_alias()) result.alias = number();
  if (result.has_value()) {
    result.token_type = number();
    result.value = bytes(0, 20);
  }
  return result;
}

moqt::SubscriptionFilter RandomValues::filter() {
  const moqt::Location start{number(1000), number(1000)};
  switch (below(draft_ == Draft::k22 ? 7 : 4)) {
    case 0: return moqt::SubscriptionFilter::next_group_start();
    case 1: return moqt::SubscriptionFilter::largest_object();
    case 2: return moqt::SubscriptionFilter::absolute_start(start);
    case 3: return moqt::SubscriptionFilter::absolute_range(start, start.group + number(1000));
    case 4: return moqt::SubscriptionFilter::unfiltered();
    case 5: return moqt::SubscriptionFilter::relative_group(1 + number(1000));
    default: return moqt::SubscriptionFilter::absolute_locations(start, {start.group + 1 + number(1000), number(1000)});
  }
}

moqt::RangeFilter RandomValues::range_filter(bool of_property, std::uint64_t most) {
  moqt::RangeFilter result;
  result.set_id = static_cast<std::uint8_t>(below(256));
  if (of_property) result.property_type = 2 * number(1000);
  std::uint64_t at = 0;
  for (std::uint64_t i = 1 + below(3); i > 0; --i) {
    moqt::RangeFilter::Range range{at + number(most), std::nullopt};
    if (i > 1 || coin()) range.end = range.start + number(most);
    at = range.end.value_or(range.start);
    result.ranges.push_back(range);
  }
  return result;
}

moqt::ParameterValue RandomValues::value_of(const ParameterRule& rule) {
  // Priorities are at most 255.
  const bool of_priorities = rule.type == static_cast<std::uint64_t>(moqt::MessageParameter::kPriorityFilter);
  switch (rule.form) {
    case ParameterForm::kNumber: return rule.minimum + number(std::min(rule.maximum - rule.minimum, number()));
    case ParameterForm::kByte:
      return rule.minimum + below(std::min<std::uint64_t>(rule.maximum, 255) - rule.minimum + 1);
    case ParameterForm::kBytes: return bytes(0, 20);
    case ParameterForm::kLocation: return location();
    case ParameterForm::kFilter: return filter();
    case ParameterForm::kToken: return token(true);
    case ParameterForm::kNamespace: return track_namespace(1);
    case ParameterForm::kRangeFilter: return range_filter(false, of_priorities ? 40 : 80);
    case ParameterForm::kPropertyRangeFilter: return range_filter(true, 80);
    case ParameterForm::kFill: return moqt::FillParameters{parameters(at(Place::kFill))};
  }
  return {};
}

std::vector<moqt::Parameter> RandomValues::chosen(std::span<const ParameterRule> rules, Places places) {
  std::vector<moqt::Parameter> items;
  for (const ParameterRule& rule : rules) {
    if ((rule.places & places) == 0 || below(3) != 0) continue;
    for (std::uint64_t i = rule.form == ParameterForm::kToken ? 1 + below(2) : 1; i > 0; --i) {
      moqt::Parameter item{rule.type, value_of(rule)};
      if ((rule.of_track & places) != 0) item.scope = moqt::ParameterScope::kTrack;
      items.push_back(std::move(item));
    }
  }
  return items;
}

std::vector<moqt::Parameter> RandomValues::parameters(Places places) { return chosen(parameters_, places); }

std::vector<moqt::Parameter> RandomValues::setup_options(Places places) {
  std::vector<moqt::Parameter> items = chosen(options_, places);
  for (moqt::Parameter& item : items) {
    if (std::holds_alternative<moqt::AuthorizationToken>(item.value)) item.value = token(false);
  }
  return items;
}

std::vector<moqt::Parameter> RandomValues::properties() {
  std::vector<moqt::Parameter> items;
  for (const std::uint64_t type : {0x02, 0x04, 0x0B, 0x0E, 0x22, 0x30, 0x9D, 0x3801}) {
    if (coin()) continue;
    const ParameterRule* rule = find_rule(properties_, type);
    moqt::Parameter item{type, {}, moqt::ParameterScope::kTrack};
    if (rule != nullptr) {
      item.value = value_of(*rule);
    } else if (type == 0x0B) {
      item.value = base::ByteVector{0x02, 0x05};
    } else if ((type & 1) == 0) {
      item.value = 1 + number();
    } else {
      item.value = bytes(0, 9);
    }
    items.push_back(std::move(item));
  }
  return items;
}

base::ByteVector RandomValues::block() {
  moqt::KeyValuePairs pairs;
  if (coin()) pairs.push_back({2, number()});
  if (coin()) pairs.push_back({0x3801, bytes(0, 9)});
  if (coin()) pairs.push_back({0x3900, number()});
  base::ByteVector out;
  (void)encode_extensions(draft_, pairs, out);
  return out;
}

}  // namespace msquic_py::tests
