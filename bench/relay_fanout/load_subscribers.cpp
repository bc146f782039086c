#include "load_subscribers.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <variant>

namespace msquic_py::bench {

namespace session = moqt::session;

LoadSubscribers::LoadSubscribers(const moqt::FullTrackName& track, Progress& progress,
                                 runtime::EventLoop& publisher_loop, runtime::EventLoop::Participant& publisher)
    : track_(track), progress_(progress), publisher_loop_(publisher_loop), publisher_(publisher) {}

bool LoadSubscribers::on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time) {
  auto& slot = live_[&driver];
  if (!slot) slot = std::make_unique<Subscriber>();
  Subscriber& subscriber = *slot;
  if (stop_one_.load(std::memory_order_acquire) && !stopped_at()) {
    subscriber.stopped = true;
    stopped_at_.store(static_cast<std::int64_t>(subscriber.distinct), std::memory_order_release);
    count_apart();
  }
  bool any = false;
  std::uint64_t complete = 0;
  session::Event event;
  while (driver.session().poll_event(event)) {
    any = true;
    if (subscriber.stopped) {
      // The transport keeps what comes, until flow control holds the relay up.
      if (const auto* opened = std::get_if<session::SubgroupOpened>(&event))
        driver.session().pause_stream(opened->stream);
      if (const auto* object = std::get_if<session::ObjectReceived>(&event))
        driver.session().pause_stream(object->stream);
      if (const auto* more = std::get_if<session::ObjectPayload>(&event)) driver.session().pause_stream(more->stream);
      continue;
    }
    if (const auto* object = std::get_if<session::ObjectReceived>(&event)) {
      complete += on_object(subscriber, *object) ? 1 : 0;
    } else if (const auto* payload = std::get_if<session::ObjectPayload>(&event)) {
      complete += on_payload(subscriber, *payload) ? 1 : 0;
    } else if (const auto* datagram = std::get_if<session::DatagramReceived>(&event)) {
      deliver(subscriber, ObjectStamp::read(datagram->after_alias.view().data() + datagram->payload_offset));
      ++complete;
    } else if (std::holds_alternative<session::Established>(event)) {
      if (!driver.session().subscribe(track_)) progress_.fail("the session takes no SUBSCRIBE");
    } else if (std::holds_alternative<session::RequestAccepted>(event)) {
      ++progress_.subscribed;
    } else if (std::holds_alternative<session::RequestRejected>(event)) {
      progress_.fail("the relay refused a subscription");
    }
  }
  if (complete > 0) {
    progress_.delivered.fetch_add(complete, std::memory_order_relaxed);
    publisher_loop_.ready(publisher_);
  }
  return any;
}

bool LoadSubscribers::on_object(Subscriber& subscriber, const session::ObjectReceived& object) {
  const base::Bytes payload = object.wire.view().subspan(object.header_size);
  if (object.complete()) {
    deliver(subscriber, ObjectStamp::read(payload.data()));
    return true;
  }
  Partial partial;
  partial.filled = std::min(payload.size(), partial.stamp.size());
  if (partial.filled > 0) std::memcpy(partial.stamp.data(), payload.data(), partial.filled);
  subscriber.partial[object.stream] = partial;
  return false;
}

bool LoadSubscribers::on_payload(Subscriber& subscriber, const session::ObjectPayload& payload) {
  const auto found = subscriber.partial.find(payload.stream);
  if (found == subscriber.partial.end()) return false;
  Partial& partial = found->second;
  const std::size_t more = std::min(payload.bytes.size(), partial.stamp.size() - partial.filled);
  if (more > 0) std::memcpy(partial.stamp.data() + partial.filled, payload.bytes.data(), more);
  partial.filled += more;
  if (payload.remaining > 0) return false;
  deliver(subscriber, ObjectStamp::read(partial.stamp.data()));
  subscriber.partial.erase(found);
  return true;
}

void LoadSubscribers::deliver(Subscriber& subscriber, const ObjectStamp& stamp) {
  if (stamp.number >= subscriber.received.size()) subscriber.received.resize(stamp.number * 2 + 1024);
  if (subscriber.received[stamp.number]) {
    ++duplicated_;
    return;
  }
  subscriber.received[stamp.number] = true;
  ++subscriber.distinct;
  if (stamp.number >= measured_from_.load(std::memory_order_acquire)) {
    const std::chrono::nanoseconds delay(ObjectStamp::now() - stamp.sent_at);
    (apart_.load(std::memory_order_relaxed) ? delays_apart_ : delays_).add(delay);
  }
}

std::uint64_t LoadSubscribers::lost(std::uint64_t sent, std::size_t subscribers) const {
  std::uint64_t received = 0;
  for (const auto& subscriber : finished_) received += subscriber->stopped ? 0 : subscriber->distinct;
  return sent * (subscribers - (stopped_at() ? 1 : 0)) - received;
}

void LoadSubscribers::on_finished(runtime::SessionDriver& driver, const transport::CloseReason& reason) {
  const auto found = live_.find(&driver);
  if (found != live_.end()) {
    finished_.push_back(std::move(found->second));
    live_.erase(found);
  }
  progress_.fail("a subscriber's connection ended: " + reason.message);
}

}  // namespace msquic_py::bench
