#include "moqt/pubsub/track_writer.h"

#include <algorithm>
#include <utility>

namespace msquic_py::moqt::pubsub {

using session::SessionError;
using session::SessionResult;

TrackWriter::TrackWriter(session::Session& session, FullTrackName track, TrackOptions options)
    : session_(session), track_(std::move(track)), options_(options) {}

TrackWriter::~TrackWriter() {
  while (!groups_.empty()) groups_.back()->reset(StreamResetCode::kCancelled);
}

bool TrackWriter::wanted() const noexcept {
  return std::any_of(subscriptions_.begin(), subscriptions_.end(), [this](session::RequestHandle subscription) {
    const auto* view = session_.published(subscription);
    return view != nullptr && view->forward && !view->ending;
  });
}

std::size_t TrackWriter::queued_bytes() const noexcept {
  std::size_t most = 0;
  for (const session::RequestHandle subscription : subscriptions_) {
    if (const auto* view = session_.published(subscription)) most = std::max(most, view->queued_bytes);
  }
  return most;
}

bool TrackWriter::behind(session::RequestHandle subscription) const noexcept {
  const auto* view = session_.published(subscription);
  return view != nullptr && view->queued_bytes > options_.queue_limit;
}

MessageParameters TrackWriter::track_parameters() const {
  MessageParameters parameters;
  if (options_.delivery_timeout_ms) parameters.set_delivery_timeout(*options_.delivery_timeout_ms);
  if (options_.max_cache_duration_ms) parameters.set_max_cache_duration(*options_.max_cache_duration_ms);
  if (largest_) parameters.set_largest_object(*largest_);
  if (options_.publisher_priority != 128) parameters.set_publisher_priority(options_.publisher_priority);
  if (options_.group_order != GroupOrder::kAscending) parameters.set_group_order(options_.group_order);
  if (options_.dynamic_groups) parameters.set_dynamic_groups(true);
  return parameters;
}

SessionResult<std::shared_ptr<GroupWriter>> TrackWriter::begin_group(std::uint64_t group, const GroupOptions& options) {
  if (finished_ || preference_ == ForwardingPreference::kDatagram) return base::Failure{SessionError::kWrongState};
  const bool open = std::any_of(groups_.begin(), groups_.end(), [&](const GroupWriter* each) {
    return each->group() == group && each->subgroup() == options.subgroup;
  });
  if (open) return base::Failure{SessionError::kDuplicate};
  preference_ = ForwardingPreference::kSubgroup;
  session::SubgroupProperties properties;
  properties.group = group;
  properties.subgroup = options.subgroup;
  properties.publisher_priority = options.publisher_priority;
  properties.extensions = options_.extensions;
  properties.end_of_group = options.end_of_group;
  return std::make_shared<GroupWriter>(*this, properties);
}

SessionResult<void> TrackWriter::write_datagram(Location location, base::Bytes payload, base::Bytes extension_block,
                                                std::optional<std::uint8_t> publisher_priority, bool end_of_group) {
  if (finished_ || preference_ == ForwardingPreference::kSubgroup) return base::Failure{SessionError::kWrongState};
  session::DatagramFields fields;
  fields.location = location;
  fields.publisher_priority = publisher_priority;
  fields.extension_block = extension_block;
  fields.end_of_group = end_of_group;
  fields.payload = payload;
  const auto encoded = session::encode_datagram(session_.config().draft, arena_, fields);
  if (!encoded.ok()) return base::Failure{encoded.error()};
  preference_ = ForwardingPreference::kDatagram;
  for (const session::RequestHandle subscription : subscriptions_) {
    const auto* view = session_.published(subscription);
    if (view == nullptr || !view->wants(location)) continue;
    (void)session_.send_datagram(subscription, encoded->properties, encoded->after_alias);
  }
  note(location);
  return {};
}

void TrackWriter::finish(PublishDoneCode code, std::string_view reason) {
  if (finished_) return;
  finished_ = true;
  while (!groups_.empty()) groups_.back()->finish();
  ending_ = std::exchange(subscriptions_, {});
  for (const session::RequestHandle subscription : ending_) (void)session_.publish_done(subscription, code, reason);
}

bool TrackWriter::ended() const noexcept {
  return finished_ && std::none_of(ending_.begin(), ending_.end(), [this](session::RequestHandle subscription) {
           return session_.published(subscription) != nullptr;
         });
}

void TrackWriter::add_subscription(session::RequestHandle subscription) { subscriptions_.push_back(subscription); }

void TrackWriter::remove_subscription(session::RequestHandle subscription) {
  std::erase(subscriptions_, subscription);
  for (GroupWriter* group : groups_) group->on_subscription_ended(subscription);
}

void TrackWriter::on_stream_stopped(const session::OutgoingStreamStopped& event) {
  for (GroupWriter* group : groups_) group->on_stream_stopped(event);
}

void TrackWriter::note(Location location) {
  if (largest_ && location <= *largest_) return;
  largest_ = location;
  for (const session::RequestHandle subscription : subscriptions_) session_.note_largest_object(subscription, location);
}

}  // namespace msquic_py::moqt::pubsub
