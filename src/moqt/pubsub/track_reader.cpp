#include "moqt/pubsub/track_reader.h"

#include <utility>

namespace msquic_py::moqt::pubsub {

namespace {

constexpr std::size_t kSpareLists = 64;

std::size_t size_of(const ReceivedObject& object) noexcept { return object.payload_size + object.extensions.size(); }

}  // namespace

TrackReader::TrackReader(session::Session& session, session::RequestHandle subscription, FullTrackName track,
                         std::size_t queue_limit)
    : session_(session), subscription_(subscription), track_(std::move(track)), queue_limit_(queue_limit) {}

bool TrackReader::read(ReceivedObject& object) {
  if (ready_.empty()) return false;
  if (spare_.size() < kSpareLists) {
    object.payload.clear();
    spare_.push_back(std::move(object.payload));
  }
  object = ready_.pop();
  queued_bytes_ -= size_of(object);
  return true;
}

session::SessionResult<session::RequestHandle> TrackReader::update(MessageParameters parameters) {
  return session_.update(subscription_, std::move(parameters));
}

void TrackReader::cancel() {
  if (state_ == State::kEnded) return;
  if (!session_.cancel(subscription_).ok()) {
    // A PUBLISH that has not been answered is refused instead.
    (void)session_.reject(subscription_, RequestErrorCode::kUninterested);
  }
  on_end({TrackEnd::Cause::kCancelled, 0, {}, 0});
}

// ---- session events ----

void TrackReader::on_accepted(const MessageParameters& parameters) {
  parameters_ = parameters;
  state_ = State::kEstablished;
}

void TrackReader::on(const session::SubgroupOpened& event) { streams_[event.stream].properties = event.properties; }

void TrackReader::on(session::ObjectReceived& event) {
  OpenStream& stream = streams_[event.stream];
  ReceivedObject object = fresh_object();
  object.location = event.location;
  object.subgroup = event.subgroup;
  object.publisher_priority = event.publisher_priority;
  object.status = event.status;
  object.extensions = event.extensions();
  object.payload_size = static_cast<std::size_t>(event.payload_length);
  stream.last_object = event.location.object;
  if (base::SharedBytes payload = event.payload(); !payload.empty()) object.payload.push_back(std::move(payload));
  if (event.complete()) return deliver(std::move(object));
  stream.object = std::move(object);
  stream.assembling = true;
}

void TrackReader::on(session::ObjectPayload& event) {
  OpenStream& stream = streams_[event.stream];
  if (!stream.assembling) return;
  stream.object.payload.push_back(std::move(event.bytes));
  if (event.remaining > 0) return;
  stream.assembling = false;
  deliver(std::move(stream.object));
}

void TrackReader::on(const session::SubgroupEnded& event) {
  const auto found = streams_.find(event.stream);
  if (found == streams_.end()) return;
  const OpenStream& stream = found->second;
  if (stream.assembling) ++objects_incomplete_;
  if (event.finished && stream.properties.end_of_group && stream.last_object) {
    deliver_implied_end(stream.properties.group, stream.properties.subgroup.value_or(0), *stream.last_object,
                        stream.properties.publisher_priority.value_or(128), false);
  }
  streams_.erase(found);
}

void TrackReader::on(session::DatagramReceived& event) {
  ReceivedObject object = fresh_object();
  object.location = event.location;
  object.subgroup = event.location.object;
  object.publisher_priority = event.publisher_priority;
  object.status = event.status;
  object.datagram = true;
  object.extensions = event.extensions();
  base::SharedBytes payload = event.payload();
  object.payload_size = payload.size();
  if (!payload.empty()) object.payload.push_back(std::move(payload));
  const std::uint8_t priority = object.publisher_priority;
  deliver(std::move(object));
  if (event.end_of_group) {
    deliver_implied_end(event.location.group, event.location.object, event.location.object, priority, true);
  }
}

void TrackReader::on_end(TrackEnd end) {
  if (state_ == State::kEnded) return;
  for (const auto& [id, stream] : streams_) objects_incomplete_ += stream.assembling ? 1 : 0;
  streams_.clear();
  state_ = State::kEnded;
  end_ = std::move(end);
}

// ---- the queue ----

ReceivedObject TrackReader::fresh_object() {
  ReceivedObject object;
  if (!spare_.empty()) {
    object.payload = std::move(spare_.back());
    spare_.pop_back();
  }
  return object;
}

void TrackReader::deliver(ReceivedObject&& object) {
  queued_bytes_ += size_of(object);
  ready_.push(std::move(object));
  while (queued_bytes_ > queue_limit_ && ready_.size() > 1) {
    const ReceivedObject dropped = ready_.pop();
    queued_bytes_ -= size_of(dropped);
    objects_dropped_ += dropped.implied ? 0 : 1;
  }
}

void TrackReader::deliver_implied_end(std::uint64_t group, std::uint64_t subgroup, std::uint64_t after,
                                      std::uint8_t priority, bool datagram) {
  ReceivedObject object;
  object.location = {group, after + 1};
  object.subgroup = subgroup;
  object.publisher_priority = priority;
  object.status = ObjectStatus::kEndOfGroup;
  object.datagram = datagram;
  object.implied = true;
  deliver(std::move(object));
}

}  // namespace msquic_py::moqt::pubsub
