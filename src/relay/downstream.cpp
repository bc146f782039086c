#include "relay/downstream.h"

#include <algorithm>

#include "relay/peer.h"

namespace msquic_py::relay {

bool Downstream::admits(moqt::Location location, const RelayLimits& limits, RelayCounters& counters) {
  if (ended_ || location.group < first_group_admitted_) return false;
  const auto* published = peer_.session.published(request_);
  if (published == nullptr || !published->wants(location)) return false;
  if (published->queued_bytes > limits.max_queued_bytes_per_subscription) {
    fall_behind(location.group, limits, counters);
    return false;
  }
  if (consecutive_skips_ > 0 && caught_up(*published)) consecutive_skips_ = 0;
  largest_group_admitted_ = std::max(largest_group_admitted_, location.group);
  return true;
}

bool Downstream::covers(moqt::Location location) const noexcept {
  const auto* published = peer_.session.published(request_);
  return published != nullptr && location >= published->start &&
         (!published->last_group || location.group <= *published->last_group);
}

bool Downstream::caught_up(const moqt::session::PublishedSubscription& published) const noexcept {
  // A transport that is stuck takes a window's worth as well; only what it has let go of tells that somebody reads.
  return published.queued_bytes == 0 && sent_since_skip_ > published.outstanding_bytes;
}

void Downstream::fall_behind(std::uint64_t group, const RelayLimits& limits, RelayCounters& counters) {
  ++consecutive_skips_;
  sent_since_skip_ = 0;
  // Every group under way is given up, as the reset below takes a part of each.
  first_group_admitted_ = std::max(group, largest_group_admitted_) + 1;
  ++counters.groups_skipped;
  if (consecutive_skips_ > limits.max_consecutive_skips) {
    ++counters.subscribers_too_far_behind;
    end(moqt::PublishDoneCode::kTooFarBehind, "the subscriber does not keep up with the track", true);
  } else {
    (void)peer_.session.reset_streams(request_, moqt::StreamResetCode::kDeliveryTimeout);
  }
  retired_.clear();
  peer_.outlet.make_ready();
}

void Downstream::retire(moqt::session::StreamHandle stream, moqt::session::Time now) {
  retired_.push_back({stream, now});
  peer_.has_retired_streams = true;
}

bool Downstream::settle(moqt::session::Time now, const RelayLimits& limits) {
  if (retired_.empty()) return true;
  const auto* published = peer_.session.published(request_);
  const bool all_arrived = published == nullptr || (published->queued_bytes == 0 && published->outstanding_bytes == 0);
  std::erase_if(retired_, [&](const RetiredStream& retired) {
    if (!all_arrived && now - retired.since < limits.retired_stream_timeout) return false;
    (void)peer_.session.reset_stream(retired.stream, moqt::StreamResetCode::kCancelled);
    return true;
  });
  return retired_.empty();
}

void Downstream::end(moqt::PublishDoneCode code, std::string_view reason, bool abandon) {
  if (ended_) return;
  ended_ = true;
  for (const RetiredStream& retired : retired_) {
    (void)peer_.session.reset_stream(retired.stream, moqt::StreamResetCode::kCancelled);
  }
  retired_.clear();
  if (abandon) (void)peer_.session.reset_streams(request_, moqt::StreamResetCode::kCancelled);
  (void)peer_.session.publish_done(request_, code, reason);
  peer_.outlet.make_ready();
}

}  // namespace msquic_py::relay
