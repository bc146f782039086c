#include "moqt/pubsub/group_writer.h"

#include <algorithm>
#include <utility>

#include "moqt/pubsub/track_writer.h"

namespace msquic_py::moqt::pubsub {

using session::SessionError;
using session::SessionResult;

namespace {

/// A payload of so many bytes is copied behind its header: one slice of memory that mostly goes on where the object
/// before it ended costs less, on every session, than two would.
constexpr std::size_t kBesideHeader = 4 * 1024;

}  // namespace

GroupWriter::GroupWriter(TrackWriter& track, const session::SubgroupProperties& properties)
    : track_(&track), properties_(properties) {
  writer_.emplace(track.publisher_, track.draft_, properties_);
  track_->groups_.push_back(this);
}

GroupWriter::~GroupWriter() { reset(StreamResetCode::kCancelled); }

std::uint64_t GroupWriter::next_object() const noexcept {
  // An Object ID is there once in its group, whatever the subgroup.
  return writer_ ? std::max(next_object_, writer_->next_in_group()) : next_object_;
}

SessionResult<void> GroupWriter::write(base::SharedBytes payload, base::Bytes extension_block,
                                       std::optional<std::uint64_t> object) {
  if (payload.size() <= kBesideHeader) {
    return start_object(payload.size(), extension_block, ObjectStatus::kNormal, object, payload);
  }
  if (auto begun = begin_object(payload.size(), extension_block, object); !begun.ok()) return begun;
  return append(std::move(payload));
}

SessionResult<void> GroupWriter::write_status(ObjectStatus status, std::optional<std::uint64_t> object) {
  return start_object(0, {}, status, object);
}

SessionResult<void> GroupWriter::begin_object(std::uint64_t payload_length, base::Bytes extension_block,
                                              std::optional<std::uint64_t> object) {
  return start_object(payload_length, extension_block, ObjectStatus::kNormal, object);
}

SessionResult<void> GroupWriter::start_object(std::uint64_t payload_length, base::Bytes extension_block,
                                              ObjectStatus status, std::optional<std::uint64_t> object,
                                              base::Bytes payload) {
  if (!open()) return base::Failure{SessionError::kUnknownStream};
  if (remaining_ > 0) return base::Failure{SessionError::kWrongState};
  const std::uint64_t id = object ? *object : next_object();
  if (id < next_object_) return base::Failure{SessionError::kObjectOutOfOrder};  // [d15 §2.1-1]
  if (!properties_.extensions && !extension_block.empty()) return base::Failure{SessionError::kInvalidParameter};
  base::ByteVector translated;
  if (!extension_block.empty() && !session::same_object_form(session::kApplicationForm, track_->draft_)) {
    auto pairs = session::translate_extension_block(session::kApplicationForm, track_->draft_, extension_block);
    if (!pairs.ok()) return base::Failure{pairs.error()};
    translated = std::move(*pairs);
    extension_block = translated;
  }
  const auto block = properties_.extensions ? std::optional(extension_block) : std::nullopt;
  const auto encoded =
      session::encode_object(track_->draft_, track_->publisher_.arena(), id, block, payload_length, status, payload);
  if (!encoded.ok()) return base::Failure{encoded.error()};

  session::ObjectReceived stored;
  stored.location = {properties_.group, id};
  stored.subgroup = *properties_.subgroup;
  stored.payload_length = payload_length;
  stored.wire = encoded->wire;
  stored.delta_size = static_cast<std::uint32_t>(encoded->delta_size);
  stored.header_size = static_cast<std::uint32_t>(encoded->wire.size() - payload.size());
  if (!extension_block.empty() && status == ObjectStatus::kNormal) {
    stored.extensions_offset = static_cast<std::uint32_t>(encoded->extensions_offset);
    stored.extensions_size = static_cast<std::uint32_t>(extension_block.size());
  }
  stored.publisher_priority = properties_.publisher_priority.value_or(track_->options_.publisher_priority);
  stored.status = status;
  // The writer has no clock: TrackWriter::settle() says when it came.
  const auto taken = writer_->object(stored, session::Time{}, /*in_arena=*/true);
  if (!taken.ok()) return base::Failure{SessionError::kWrongState};
  next_object_ = id + 1;
  remaining_ = payload_length - payload.size();
  track_->note_untimed({stored.location, stored.subgroup, false});
  if (status != ObjectStatus::kDoesNotExist) track_->note(stored.location);
  return {};
}

SessionResult<void> GroupWriter::append(base::SharedBytes bytes) {
  if (!open()) return base::Failure{SessionError::kUnknownStream};
  if (bytes.size() > remaining_) return base::Failure{SessionError::kTooLarge};
  remaining_ -= bytes.size();
  if (writer_->payload(bytes, session::Time{})) return base::Failure{SessionError::kWrongState};  // [d15 §2.1-1]
  return {};
}

void GroupWriter::finish() {
  if (!open()) return;
  if (remaining_ > 0) return reset(StreamResetCode::kCancelled);  // the last object is not whole
  (void)writer_->finish(session::Time{});
  close();
}

void GroupWriter::reset(StreamResetCode code) {
  if (!open()) return;
  writer_->cut(static_cast<std::uint64_t>(code));
  close();
}

void GroupWriter::close() {
  writer_.reset();
  std::erase(track_->groups_, this);
}

}  // namespace msquic_py::moqt::pubsub
