// Prints messages, streams and datagrams of a draft, chosen at random: lines "DRAFT KIND HEX", for another codec to
// read. For a fetch stream what it says follows: request, and of each entry group object subgroup priority properties
// payload.
//                                                                     usage: wire_corpus DRAFT SEED COUNT

#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <string>

#include "moqt/wire/codec.h"
#include "moqt/wire/control/parameter_rule.h"
#include "moqt/wire/draft15/traits.h"
#include "moqt/wire/draft16/traits.h"
#include "moqt/wire/draft18/traits.h"
#include "moqt/wire/draft22/traits.h"
#include "moqt/wire/message_fields.h"
#include "unit/vectors/vector_file.h"

namespace msquic_py::tests {
namespace {

using moqt::Draft;
using namespace moqt::wire;

/// What a draft defines.
struct Rules {
  std::span<const ParameterRule> parameters;
  std::span<const ParameterRule> options;
  std::span<const ParameterRule> properties;
};

Rules rules_of(Draft draft) {
  switch (draft) {
    case Draft::k15: return {draft15::kParameterRules, draft15::kSetupParameterRules, {}};
    case Draft::k16: return {draft16::kParameterRules, draft16::kSetupParameterRules, draft16::kPropertyRules};
    case Draft::k18: return {draft18::kParameterRules, draft18::kSetupOptionRules, draft18::kPropertyRules};
    case Draft::k22: return {draft22::kParameterRules, draft22::kSetupOptionRules, draft22::kPropertyRules};
  }
  return {};
}

class Corpus {
 public:
  Corpus(Draft draft, unsigned seed)
      : draft_(draft), codec_(codec_for(draft)), rules_(rules_of(draft)), random_(seed) {}

  void print_one() {
    switch (below(4)) {
      case 0: return print_subgroup();
      case 1: return print_fetch();
      case 2: return print_datagram();
      default: return print_control();
    }
  }

 private:
  std::uint64_t below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
  }
  bool coin() { return below(2) == 1; }
  /// A number of any length, at most `most`.
  std::uint64_t number(std::uint64_t most) {
    return (random_() >> below(64)) % (most == ~std::uint64_t{0} ? most : most + 1);
  }
  std::uint64_t number() { return number((std::uint64_t{1} << 62) - 2); }
  base::ByteVector bytes(std::size_t fewest, std::size_t most) {
    base::ByteVector out(fewest + below(most - fewest + 1));
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random_());
    return out;
  }
  std::string text(std::size_t most) {
    std::string out(below(most + 1), 'a');
    for (char& c : out) c = static_cast<char>('a' + below(26));
    return out;
  }
  moqt::Location location() { return {number(), number()}; }
  moqt::TrackNamespace track_namespace(std::size_t fewest) {
    moqt::TrackNamespace result;
    for (std::size_t i = fewest + below(4); i > 0; --i) result.append(bytes(1, 9));
    return result;
  }
  moqt::FullTrackName track() { return {track_namespace(1), bytes(0, 12)}; }

  moqt::AuthorizationToken token(bool registered) {
    moqt::AuthorizationToken result;
    result.alias_type = registered ? static_cast<moqt::TokenAliasType>(below(4)) : moqt::TokenAliasType::kUseValue;
    if (result.has_alias()) result.alias = number();
    if (result.has_value()) {
      result.token_type = number();
      result.value = bytes(0, 20);
    }
    return result;
  }
  moqt::SubscriptionFilter filter() {
    const moqt::Location start{number(1000), number(1000)};
    switch (below(draft_ == Draft::k22 ? 7 : 4)) {
      case 0: return moqt::SubscriptionFilter::next_group_start();
      case 1: return moqt::SubscriptionFilter::largest_object();
      case 2: return moqt::SubscriptionFilter::absolute_start(start);
      case 3: return moqt::SubscriptionFilter::absolute_range(start, start.group + number(1000));
      case 4: return moqt::SubscriptionFilter::unfiltered();
      case 5: return moqt::SubscriptionFilter::relative_group(1 + number(1000));
      default:
        return moqt::SubscriptionFilter::absolute_locations(start, {start.group + 1 + number(1000), number(1000)});
    }
  }
  moqt::RangeFilter range_filter(bool of_property) {
    moqt::RangeFilter result;
    result.set_id = static_cast<std::uint8_t>(below(256));
    if (of_property) result.property_type = 2 * number(1000);
    std::uint64_t at = 0;
    for (std::uint64_t i = 1 + below(3); i > 0; --i) {
      moqt::RangeFilter::Range range{at + number(80), std::nullopt};
      if (i > 1 || coin()) range.end = range.start + number(80);
      at = range.end.value_or(range.start);
      result.ranges.push_back(range);
    }
    return result;
  }

  moqt::ParameterValue value_of(const ParameterRule& rule) {
    switch (rule.form) {
      case ParameterForm::kNumber: return rule.minimum + number(std::min(rule.maximum - rule.minimum, number()));
      case ParameterForm::kByte:
        return rule.minimum + below(std::min<std::uint64_t>(rule.maximum, 255) - rule.minimum + 1);
      case ParameterForm::kBytes: return bytes(0, 20);
      case ParameterForm::kLocation: return location();
      case ParameterForm::kFilter: return filter();
      case ParameterForm::kToken: return token(true);
      case ParameterForm::kNamespace: return track_namespace(1);
      case ParameterForm::kRangeFilter: return range_filter(false);
      case ParameterForm::kPropertyRangeFilter: return range_filter(true);
      case ParameterForm::kFill: return moqt::FillParameters{parameters(rules_.parameters, at(Place::kFill))};
    }
    return {};
  }
  std::vector<moqt::Parameter> parameters(std::span<const ParameterRule> rules, Places places) {
    std::vector<moqt::Parameter> items;
    for (const ParameterRule& rule : rules) {
      if ((rule.places & places) == 0 || below(3) != 0) continue;
      moqt::Parameter item{rule.type, value_of(rule)};
      if ((rule.of_track & places) != 0) item.scope = moqt::ParameterScope::kTrack;
      items.push_back(std::move(item));
    }
    return items;
  }
  void add_properties(moqt::ParameterList& list) {
    for (const std::uint64_t type : {0x02, 0x04, 0x0B, 0x0E, 0x22, 0x30, 0x9D, 0x3801}) {
      if (coin()) continue;
      const ParameterRule* rule = find_rule(rules_.properties, type);
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
      list.append(std::move(item));
    }
  }

  // ---- control messages: one overload for every type that a field has ----

  void fill(std::uint64_t& field) { field = number(); }
  void fill(std::optional<std::uint64_t>& field) {
    if (coin()) field = number();
  }
  void fill(bool& field) { field = coin(); }
  void fill(moqt::RequestErrorCode& field) {
    const auto codes = {moqt::RequestErrorCode::kTimeout, moqt::RequestErrorCode::kDoesNotExist,
                        moqt::RequestErrorCode::kUninterested, moqt::RequestErrorCode::kPrefixOverlap};
    field = *(codes.begin() + below(codes.size()));
  }
  void fill(moqt::PublishDoneCode& field) { field = static_cast<moqt::PublishDoneCode>(below(9)); }
  void fill(NamespaceInterest& field) { field = static_cast<NamespaceInterest>(below(3)); }
  void fill(RequestReference& field) { field.id = number(); }
  void fill(moqt::Location& field) { field = location(); }
  void fill(moqt::TrackNamespace& field) { field = track_namespace(1); }
  void fill(moqt::FullTrackName& field) { field = track(); }
  void fill(base::ByteVector& field) { field = bytes(0, 9); }
  void fill(std::string& field) { field = text(30); }
  void fill(std::optional<Redirect>&) {}
  void fill(FetchScope& field) {
    const moqt::Location start{number(1000), number(1000)};
    const bool joins = draft_ != Draft::k22 && coin();
    if (joins) {
      field = JoiningFetch{coin(), {number()}, number()};
    } else {
      field = StandaloneFetch{track(), start, {start.group + 1 + number(1000), number(1000)}};
    }
  }

  template <class Body>
  MessageBody body_of() {
    Body body;
    for_each_field(draft_, body, [this, &body](const char*, auto& field) {
      using Field = std::remove_reference_t<decltype(field)>;
      const MessageType type = type_of(body);
      if constexpr (std::same_as<Field, moqt::SetupParameters>) {
        for (moqt::Parameter& item : parameters(rules_.options, places_of(type))) {
          if (std::holds_alternative<moqt::AuthorizationToken>(item.value)) item.value = token(false);
          field.append(std::move(item));
        }
      } else if constexpr (std::same_as<Field, moqt::MessageParameters>) {
        Places places = places_of(type);
        // One request, whose answer or update it is.
        if (type == MessageType::kRequestOk) places = at(Place::kRequestUpdateOk);
        if (type == MessageType::kRequestUpdate) places = at(Place::kSubscriptionUpdate);
        for (moqt::Parameter& item : parameters(rules_.parameters, places)) field.append(std::move(item));
        const bool has_properties =
            type == MessageType::kSubscribeOk || type == MessageType::kPublish || type == MessageType::kFetchOk;
        if (has_properties && draft_ != Draft::k15) add_properties(field);
      } else {
        fill(field);
      }
    });
    return body;
  }
  template <std::size_t... Indices>
  std::optional<MessageBody> body_at(std::size_t index, std::index_sequence<Indices...>) {
    std::optional<MessageBody> body;
    const auto make = [&]<class Body>(std::size_t each, std::type_identity<Body>) {
      if (each == index && number_in<Body>(draft_)) body = body_of<Body>();
    };
    (make(Indices, std::type_identity<std::variant_alternative_t<Indices, MessageBody>>{}), ...);
    return body;
  }

  void print(const char* kind, base::Bytes encoded) {
    std::cout << static_cast<int>(draft_) << ' ' << kind << ' ' << to_hex(encoded);
  }

  void print_control() {
    constexpr std::size_t kMessages = std::variant_size_v<MessageBody>;
    std::optional<MessageBody> body;
    while (!body) body = body_at(below(kMessages), std::make_index_sequence<kMessages>{});
    base::ByteVector out;
    const auto encoded = codec_.encode_control_message({{number()}, *body}, out);
    if (!encoded.ok()) {
      std::cerr << name(type_of(*body), draft_) << ": " << describe(encoded.error()) << "\n";
      std::exit(1);
    }
    print("control", out);
    std::cout << "\n";
  }

  base::ByteVector block() {
    moqt::KeyValuePairs pairs;
    if (coin()) pairs.push_back({2, number()});
    if (coin()) pairs.push_back({0x3801, bytes(0, 9)});
    if (coin()) pairs.push_back({0x3900, number()});
    base::ByteVector out;
    (void)codec_.encode_extensions(pairs, out);
    return out;
  }

  void print_subgroup() {
    SubgroupHeader header;
    header.track_alias = number();
    header.group_id = number();
    header.subgroup_id_mode = static_cast<SubgroupIdMode>(below(3));
    if (header.subgroup_id_mode == SubgroupIdMode::kExplicit) header.subgroup_id = number();
    if (coin()) header.publisher_priority = static_cast<std::uint8_t>(below(256));
    header.has_extensions = coin();
    header.contains_end_of_group = coin();
    header.begins_with_first_object = draft_ >= Draft::k18 && coin();
    base::ByteVector out;
    (void)codec_.encode_subgroup_header(header, out);
    std::optional<std::uint64_t> previous;
    for (std::uint64_t i = below(5); i > 0; --i) {
      const std::uint64_t id = previous ? *previous + 1 + number(300) : number(300);
      const base::ByteVector extensions = header.has_extensions ? block() : base::ByteVector{};
      const base::ByteVector payload = bytes(0, 40);
      (void)codec_.encode_subgroup_object_header({id, extensions, payload.size()}, header.has_extensions, previous,
                                                 out);
      out.insert(out.end(), payload.begin(), payload.end());
      previous = id;
    }
    print("subgroup", out);
    std::cout << "\n";
  }

  void print_fetch() {
    const bool descending = coin();
    const auto order = descending ? moqt::GroupOrder::kDescending : moqt::GroupOrder::kAscending;
    base::ByteVector out;
    const FetchHeader header{number()};
    (void)codec_.encode_fetch_header(header, out);
    std::string says = std::to_string(header.request_id);
    std::optional<FetchPriorObject> prior;
    moqt::Location at{10'000 + number(10'000), number(300)};
    for (std::uint64_t i = below(6); i > 0; --i) {
      const base::ByteVector extensions = block();
      const base::ByteVector payload = bytes(0, 20);
      FetchObjectFields fields{at, coin() ? 0 : number(4), static_cast<std::uint8_t>(below(2)), extensions,
                               payload.size()};
      fields.datagram = draft_ != Draft::k15 && below(4) == 0;
      (void)codec_.encode_fetch_object_header(fields, prior, order, out);
      out.insert(out.end(), payload.begin(), payload.end());
      prior = fields.prior(prior);
      says += " | " + std::to_string(at.group) + " " + std::to_string(at.object) + " " +
              (fields.datagram ? "-" : std::to_string(fields.subgroup_id)) + " " +
              std::to_string(fields.publisher_priority) + " x" + to_hex(extensions) + " x" + to_hex(payload);
      if (coin()) {
        at.object += 1 + number(300);
      } else {
        const std::uint64_t step = 1 + number(300);
        at = {descending ? at.group - step : at.group + step, number(300)};
      }
    }
    print(descending ? "descending" : "fetch", out);
    std::cout << ' ' << says << "\n";
  }

  void print_datagram() {
    ObjectDatagram datagram;
    datagram.track_alias = number();
    datagram.location = {number(), coin() ? 0 : number()};
    if (coin()) datagram.publisher_priority = static_cast<std::uint8_t>(below(256));
    if (below(4) == 0) {
      datagram.status = coin() ? moqt::ObjectStatus::kEndOfGroup : moqt::ObjectStatus::kEndOfTrack;
    } else {
      datagram.end_of_group = coin();
      datagram.payload = base::SharedBytes::copy_of(bytes(1, 40));
      datagram.extensions = base::SharedBytes::copy_of(block());
    }
    base::ByteVector out;
    (void)encode_object_datagram(draft_, datagram, out);
    print("datagram", out);
    std::cout << "\n";
  }

  Draft draft_;
  const Codec& codec_;
  Rules rules_;
  std::mt19937_64 random_;
};

}  // namespace
}  // namespace msquic_py::tests

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: wire_corpus DRAFT SEED COUNT\n";
    return 2;
  }
  const auto draft = static_cast<msquic_py::moqt::Draft>(std::atoi(argv[1]));
  msquic_py::tests::Corpus corpus(draft, static_cast<unsigned>(std::atoi(argv[2])));
  for (int i = std::atoi(argv[3]); i > 0; --i) corpus.print_one();
  return 0;
}
