#include "load_publisher.h"

#include <algorithm>
#include <cstring>
#include <variant>

#include "moqt/session/data/object_encoding.h"
#include "object_stamp.h"

namespace msquic_py::bench {

namespace session = moqt::session;

LoadPublisher::LoadPublisher(runtime::EventLoop& loop, const FanoutPlan& plan, const moqt::FullTrackName& track,
                             Progress& progress)
    : loop_(loop), plan_(plan), track_(track), progress_(progress) {
  loop_.add(*this);
}

LoadPublisher::~LoadPublisher() { loop_.remove(*this); }

void LoadPublisher::start() {
  sending_ = true;
  loop_.ready(*this);
}

void LoadPublisher::stop() {
  sending_ = false;
  loop_.ready(*this);
}

bool LoadPublisher::on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time) {
  driver_ = &driver;
  session::Session& to = driver.session();
  bool any = false;
  session::Event event;
  while (to.poll_event(event)) {
    any = true;
    if (std::holds_alternative<session::Established>(event)) {
      if (!to.publish_namespace(track_.track_namespace)) progress_.fail("the session takes no PUBLISH_NAMESPACE");
    } else if (std::holds_alternative<session::RequestAccepted>(event)) {
      progress_.announced = true;
    } else if (std::holds_alternative<session::RequestRejected>(event)) {
      progress_.fail("the relay refused the namespace");
    } else if (const auto* subscribe = std::get_if<session::SubscribeReceived>(&event)) {
      if (to.accept(subscribe->request)) subscription_ = subscribe->request;
    } else if (std::holds_alternative<session::Unsubscribed>(event)) {
      subscription_ = {};
      stream_ = {};
    }
  }
  return any;
}

bool LoadPublisher::may_send() const noexcept {
  if (plan_.rate > 0) return true;
  const std::uint64_t sent = number_ * plan_.subscribers;
  const std::uint64_t delivered = progress_.delivered.load(std::memory_order_relaxed);
  return sent < delivered + plan_.in_flight * plan_.subscribers;
}

std::optional<runtime::EventLoop::Time> LoadPublisher::turn(runtime::EventLoop::Time now) {
  if (driver_ == nullptr || !subscription_) return std::nullopt;
  if (!sending_) {
    finish_group();
    return std::nullopt;
  }
  if (plan_.rate <= 0) {
    bool any = false;
    for (; may_send(); any = true) send_object();
    if (any) driver_->make_ready();
    return std::nullopt;  // the subscribers wake us
  }
  const auto interval =
      std::chrono::duration_cast<runtime::EventLoop::Clock::duration>(std::chrono::duration<double>(1.0 / plan_.rate));
  if (!next_) next_ = now;
  bool any = false;
  for (; *next_ <= now; *next_ += interval, any = true) send_object();
  if (any) driver_->make_ready();
  return next_;
}

void LoadPublisher::send_object() {
  session::Session& to = driver_->session();
  const std::uint64_t group = number_ / plan_.objects_per_group;
  const std::uint64_t object = number_ % plan_.objects_per_group;
  if (plan_.datagrams) return send_datagram({group, object});
  if (object == 0) {
    finish_group();
    session::SubgroupProperties properties;
    properties.group = group;
    properties.end_of_group = true;
    const auto opened = to.open_subgroup(subscription_, properties);
    if (!opened) {
      progress_.fail("the session opens no more streams");
      sending_ = false;
      return;
    }
    stream_ = *opened;
  }
  const auto header = session::encode_object(to.draft(), arena_, object, std::nullopt, plan_.payload_size);
  if (!header || !to.append_object(stream_, object, header->wire, header->delta_size, plan_.payload_size)) {
    progress_.fail("the session takes no object");
    return;
  }
  std::uint8_t* payload = arena_.reserve(plan_.payload_size);
  std::memset(payload, 0x5a, plan_.payload_size);
  ObjectStamp{number_, ObjectStamp::now()}.write(payload);
  (void)to.append_payload(stream_, arena_.commit(plan_.payload_size));
  ++number_;
  progress_.sent.store(number_, std::memory_order_release);
}

void LoadPublisher::send_datagram(moqt::Location location) {
  payload_.resize(plan_.payload_size, 0x5a);
  ObjectStamp{number_, ObjectStamp::now()}.write(payload_.data());
  session::DatagramFields fields;
  fields.location = location;
  fields.payload = payload_;
  const auto encoded = session::encode_datagram(driver_->session().draft(), arena_, fields);
  if (!encoded || !driver_->session().send_datagram(subscription_, encoded->properties, encoded->after_alias)) {
    progress_.fail("the session takes no datagram");
    return;
  }
  ++number_;
  progress_.sent.store(number_, std::memory_order_release);
}

void LoadPublisher::finish_group() {
  if (!stream_) return;
  (void)driver_->session().finish_stream(stream_);
  stream_ = {};
  driver_->make_ready();
}

void LoadPublisher::on_finished(runtime::SessionDriver&, const transport::CloseReason& reason) {
  driver_ = nullptr;
  progress_.fail("the publisher's connection ended: " + reason.message);
}

}  // namespace msquic_py::bench
