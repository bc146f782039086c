#include "moqt/wire/control/fetch_filter.h"

#include <limits>
#include <optional>
#include <utility>

namespace msquic_py::moqt::wire {
namespace {

constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kFilter = static_cast<std::uint64_t>(MessageParameter::kSubscriptionFilter);
/// As an end: everything that there is.
constexpr Location kOpenEnd{kLast, 0};
/// As a start: behind everything that there is.
constexpr Location kBehindAll{kLast, kLast};

/// The filter that says this range; nothing for the whole track.
std::optional<SubscriptionFilter> filter_for(const StandaloneFetch& fetch) {
  if (fetch.end == kOpenEnd) {
    if (fetch.start == Location{}) return std::nullopt;
    return fetch.start == kBehindAll ? SubscriptionFilter::largest_object()
                                     : SubscriptionFilter::absolute_start(fetch.start);
  }
  if (fetch.end.object == 0) return SubscriptionFilter::absolute_range(fetch.start, fetch.end.group);
  return SubscriptionFilter::absolute_locations(fetch.start, {fetch.end.group, fetch.end.object - 1});
}

}  // namespace

void take_range_from_filter(Fetch& fetch) {
  const SubscriptionFilter filter = fetch.parameters.filter().value_or(SubscriptionFilter::unfiltered());
  fetch.parameters.remove(kFilter);
  auto& standalone = std::get<StandaloneFetch>(fetch.range);
  standalone.start = filter.start;
  standalone.end = kOpenEnd;
  switch (filter.type) {
    case FilterType::kUnfiltered:
    case FilterType::kAbsoluteStart: break;
    case FilterType::kAbsoluteRange: standalone.end = {filter.end_group, 0}; break;
    case FilterType::kAbsoluteLocations:
      standalone.end = {filter.end_group, filter.end_object == kLast ? 0 : filter.end_object + 1};
      break;
    case FilterType::kLargestObject: standalone.start = kBehindAll; break;
    case FilterType::kNextGroupStart:
    case FilterType::kRelativeGroup: {
      FullTrackName track = std::move(standalone.track);
      fetch.range = RelativeFetch{std::move(track), filter.groups_back};
      break;
    }
  }
}

Fetch with_range_in_filter(const Fetch& fetch) {
  Fetch result = fetch;
  result.parameters.remove(kFilter);
  if (const auto* standalone = std::get_if<StandaloneFetch>(&fetch.range)) {
    if (const auto filter = filter_for(*standalone)) result.parameters.set_filter(*filter);
  } else if (const auto* relative = std::get_if<RelativeFetch>(&fetch.range)) {
    result.parameters.set_filter(relative->groups_back == 0
                                     ? SubscriptionFilter::next_group_start()
                                     : SubscriptionFilter::relative_group(relative->groups_back));
  }
  return result;
}

}  // namespace msquic_py::moqt::wire
