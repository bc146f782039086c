#include "moqt/pubsub/group_writer.h"

#include <algorithm>
#include <utility>

#include "moqt/pubsub/track_writer.h"

namespace msquic_py::moqt::pubsub {

using session::SessionError;
using session::SessionResult;

GroupWriter::GroupWriter(TrackWriter& track, const session::SubgroupProperties& properties)
    : track_(&track), properties_(properties) {
  track_->groups_.push_back(this);
}

GroupWriter::~GroupWriter() { reset(StreamResetCode::kCancelled); }

SessionResult<void> GroupWriter::write(base::SharedBytes payload, base::Bytes extension_block,
                                       std::optional<std::uint64_t> object) {
  if (auto begun = begin_object(payload.size(), extension_block, object); !begun.ok()) return begun;
  return payload.empty() ? SessionResult<void>{} : append(std::move(payload));
}

SessionResult<void> GroupWriter::write_status(ObjectStatus status, std::optional<std::uint64_t> object) {
  return start_object(0, {}, status, object);
}

SessionResult<void> GroupWriter::begin_object(std::uint64_t payload_length, base::Bytes extension_block,
                                              std::optional<std::uint64_t> object) {
  return start_object(payload_length, extension_block, ObjectStatus::kNormal, object);
}

SessionResult<void> GroupWriter::start_object(std::uint64_t payload_length, base::Bytes extension_block,
                                              ObjectStatus status, std::optional<std::uint64_t> object) {
  if (!open_) return base::Failure{SessionError::kUnknownStream};
  if (remaining_ > 0) return base::Failure{SessionError::kWrongState};
  const std::uint64_t id = object.value_or(next_object_);
  if (id < next_object_) return base::Failure{SessionError::kObjectOutOfOrder};
  if (!properties_.extensions && !extension_block.empty()) return base::Failure{SessionError::kInvalidParameter};
  const auto block = properties_.extensions ? std::optional(extension_block) : std::nullopt;
  const auto encoded =
      session::encode_object(track_->session_.config().draft, track_->arena_, id, block, payload_length, status);
  if (!encoded.ok()) return base::Failure{encoded.error()};

  const Location location{properties_.group, id};
  current_.clear();
  for (const session::RequestHandle subscription : track_->subscriptions_) {
    const session::StreamHandle stream = stream_for(subscription, location);
    if (!stream) continue;
    if (track_->session_.append_object(stream, id, encoded->wire, encoded->delta_size, payload_length).ok()) {
      current_.push_back(stream);
    }
  }
  next_object_ = id + 1;
  remaining_ = payload_length;
  if (status != ObjectStatus::kDoesNotExist) track_->note(location);
  return {};
}

session::StreamHandle GroupWriter::stream_for(session::RequestHandle subscription, Location location) {
  const session::PublishedSubscription* view = track_->session_.published(subscription);
  if (view == nullptr || !view->covers(location)) return {};
  Branch& branch = branches_[subscription];
  if (!view->wants(location)) {  // Forward State 0
    branch.has_gap = true;
    return {};
  }
  if (branch.skipping) return {};
  if (track_->behind(subscription)) {
    // What it still has queued of this group is of no use without the rest.
    branch.skipping = true;
    ++track_->groups_skipped_;
    if (branch.stream) (void)track_->session_.reset_stream(branch.stream, StreamResetCode::kDeliveryTimeout);
    return {};
  }
  if (!branch.stream) {
    const auto opened = track_->session_.open_subgroup(subscription, properties_);
    if (!opened.ok()) {
      branch.skipping = true;
      return {};
    }
    branch.stream = *opened;
  }
  return branch.stream;
}

SessionResult<void> GroupWriter::append(base::SharedBytes bytes) {
  if (!open_) return base::Failure{SessionError::kUnknownStream};
  if (bytes.size() > remaining_) return base::Failure{SessionError::kTooLarge};
  remaining_ -= bytes.size();
  // A stream that ended meanwhile refuses; the others are not concerned.
  for (const session::StreamHandle stream : current_) (void)track_->session_.append_payload(stream, bytes);
  return {};
}

void GroupWriter::finish() {
  if (!open_) return;
  if (remaining_ > 0) return reset(StreamResetCode::kCancelled);  // the last object is not whole
  for (const auto& [subscription, branch] : branches_) {
    if (branch.skipping || !branch.stream) continue;
    if (branch.has_gap) {
      (void)track_->session_.retire_stream(branch.stream, StreamResetCode::kCancelled);
    } else {
      (void)track_->session_.finish_stream(branch.stream);
    }
  }
  close();
}

void GroupWriter::reset(StreamResetCode code) {
  if (!open_) return;
  for (const auto& [subscription, branch] : branches_) {
    if (!branch.skipping) (void)track_->session_.reset_stream(branch.stream, code);
  }
  close();
}

void GroupWriter::close() {
  open_ = false;
  branches_.clear();
  current_.clear();
  std::erase(track_->groups_, this);
}

void GroupWriter::on_stream_stopped(const session::OutgoingStreamStopped& event) {
  const auto found = branches_.find(event.subscription);
  if (found == branches_.end() || found->second.stream != event.stream) return;
  if (event.resumable()) {
    found->second.stream = {};  // what comes next goes on a new one
    found->second.has_gap = true;
  } else {
    found->second.skipping = true;
  }
}

void GroupWriter::on_subscription_ended(session::RequestHandle subscription) { branches_.erase(subscription); }

}  // namespace msquic_py::moqt::pubsub
