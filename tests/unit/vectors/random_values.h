#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "moqt/model/authorization_token.h"
#include "moqt/model/draft.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/location.h"
#include "moqt/model/parameter.h"
#include "moqt/wire/control/parameter_rule.h"

namespace msquic_py::tests {

/// Values of a draft, chosen at random; the same ones for the same seed.
class RandomValues {
 public:
  RandomValues(moqt::Draft draft, unsigned seed);

  [[nodiscard]] moqt::Draft draft() const noexcept { return draft_; }

  std::uint64_t below(std::uint64_t bound);
  bool coin() { return below(2) == 1; }
  /// A number of any length, at most `most`.
  std::uint64_t number(std::uint64_t most);
  std::uint64_t number() { return number((std::uint64_t{1} << 62) - 2); }
  base::ByteVector bytes(std::size_t fewest, std::size_t most);
  std::string text(std::size_t most);
  moqt::Location location() { return {number(), number()}; }
  moqt::TrackNamespace track_namespace(std::size_t fewest);
  moqt::FullTrackName track() { return {track_namespace(1), bytes(0, 12)}; }

  /// Of the parameters, setup options and fill parameters that may be in those places some, each with a value.
  std::vector<moqt::Parameter> parameters(moqt::wire::Places places);
  std::vector<moqt::Parameter> setup_options(moqt::wire::Places places);
  /// Of the properties of a track some, known and unknown ones.
  std::vector<moqt::Parameter> properties();
  /// A block of object properties, without its length.
  base::ByteVector block();

 private:
  moqt::AuthorizationToken token(bool registered);
  moqt::SubscriptionFilter filter();
  moqt::RangeFilter range_filter(bool of_property, std::uint64_t most);
  moqt::ParameterValue value_of(const moqt::wire::ParameterRule& rule);
  std::vector<moqt::Parameter> chosen(std::span<const moqt::wire::ParameterRule> rules, moqt::wire::Places places);

  moqt::Draft draft_;
  std::span<const moqt::wire::ParameterRule> parameters_;
  std::span<const moqt::wire::ParameterRule> options_;
  std::span<const moqt::wire::ParameterRule> properties_;
  std::mt19937_64 random_;
};

}  // namespace msquic_py::tests
