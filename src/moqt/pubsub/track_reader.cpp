#include "moqt/pubsub/track_reader.h"

#include <utility>

#include "moqt/model/error_codes.h"

namespace msquic_py::moqt::pubsub {

TrackReader::TrackReader(session::Session& session, session::RequestHandle subscription, FullTrackName track,
                         const ReceiveLimits& limits, const std::shared_ptr<ReceiveBudget>& budget)
    : session_(session),
      subscription_(subscription),
      track_(std::move(track)),
      limits_(limits),
      budget_(budget),
      ready_(std::make_shared<ObjectQueue>(limits.reader_queue, budget)),
      pieces_(session.draft(), budget->account()) {
  budget_->add(ready_);
}

TrackReader::~TrackReader() { budget_->give_back(arriving_bytes_); }

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
  if (const auto largest = parameters.largest_object()) know_group(largest->group);
  state_ = State::kEstablished;
}

void TrackReader::on(const session::SubgroupOpened& event) {
  know_group(event.properties.group);
  streams_[event.stream].properties = event.properties;
}

void TrackReader::on(session::ObjectReceived& event) {
  OpenStream& stream = streams_[event.stream];
  stream.last_object = event.location.object;
  stream.said_end = event.status == ObjectStatus::kEndOfGroup;
  if (event.payload_length > limits_.object) return ready_->count_too_large();  // what follows of it finds no object
  ReceivedObject object = ready_->begin_object(event.location, event.subgroup, event.publisher_priority, event.status,
                                               pieces_.keep_extensions(event.extensions()), event.payload_length);
  base::SharedBytes payload = event.payload();
  const std::size_t arrived = payload.size();
  pieces_.add(object.payload, std::move(payload));
  if (event.complete()) return deliver(std::move(object));
  stream.object = std::move(object);
  stream.assembling = true;
  ++arriving_objects_;
  hold(stream, arrived + stream.object.extensions.size());
}

void TrackReader::on(session::ObjectPayload& event) {
  OpenStream& stream = streams_[event.stream];
  if (!stream.assembling) return;
  const std::size_t arrived = event.bytes.size();
  pieces_.add(stream.object.payload, std::move(event.bytes));
  if (event.remaining > 0) return hold(stream, arrived);
  ReceivedObject object = std::move(stream.object);
  release(stream);
  deliver(std::move(object));
}

void TrackReader::hold(OpenStream& stream, std::size_t bytes) {
  stream.arrived += bytes;
  arriving_bytes_ += bytes;
  budget_->charge(bytes);
  const bool fits = arriving_bytes_ <= limits_.reader_queue || arriving_objects_ == 1;
  if (fits && budget_->relieve()) return;
  ready_->count_dropped();
  release(stream);
}

void TrackReader::release(OpenStream& stream) {
  if (!stream.assembling) return;
  arriving_bytes_ -= stream.arrived;
  budget_->give_back(stream.arrived);
  --arriving_objects_;
  stream.assembling = false;
  stream.arrived = 0;
  stream.object = {};
}

void TrackReader::on(const session::SubgroupEnded& event) {
  const auto found = streams_.find(event.stream);
  if (found == streams_.end()) return;
  OpenStream& stream = found->second;
  if (stream.assembling) ++objects_incomplete_;
  release(stream);
  if (!event.finished && event.reset_code != static_cast<std::uint64_t>(StreamResetCode::kCancelled)) ++streams_cut_;
  if (event.finished && stream.properties.end_of_group && stream.last_object && !stream.said_end) {
    deliver_implied_end(stream.properties.group, stream.properties.subgroup.value_or(0), *stream.last_object,
                        stream.properties.publisher_priority.value_or(128), false);
  }
  streams_.erase(found);
}

void TrackReader::on(session::DatagramReceived& event) {
  know_group(event.location.group);
  base::SharedBytes payload = event.payload();
  ReceivedObject object =
      ready_->begin_object(event.location, event.location.object, event.publisher_priority, event.status,
                           pieces_.keep_extensions(event.extensions()), payload.size());
  object.datagram = true;
  pieces_.add(object.payload, std::move(payload));
  const std::uint8_t priority = object.publisher_priority;
  deliver(std::move(object));
  if (event.end_of_group) {
    deliver_implied_end(event.location.group, event.location.object, event.location.object, priority, true);
  }
}

void TrackReader::on_end(TrackEnd end) {
  if (state_ == State::kEnded) return;
  for (auto& [id, stream] : streams_) {
    objects_incomplete_ += stream.assembling ? 1 : 0;
    release(stream);
  }
  streams_.clear();
  state_ = State::kEnded;
  end_ = std::move(end);
}

// ---- the queue ----

bool TrackReader::repeats(Location location) {
  if (!may_share_aliases(session_.draft()) || received_.add(location)) return false;
  shares_alias_ = shares_alias_ || session_.shares_alias(subscription_);
  return shares_alias_;
}

void TrackReader::deliver(ReceivedObject&& object) {
  if (repeats(object.location)) {
    if (!object.implied) ++objects_repeated_;
    return;
  }
  if (ready_->push(std::move(object))) became_readable_ = true;
  (void)budget_->relieve();
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
