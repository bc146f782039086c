#include "moqt-pub/publisher.h"

#include <string>
#include <utility>
#include <variant>

#include "command_line/logging.h"

namespace msquic_py::apps {

namespace pubsub = moqt::pubsub;
namespace session = moqt::session;

Publisher::Publisher(runtime::EventLoop& loop, PublisherOptions options, const std::string& input,
                     MediaInput::Format format)
    : loop_(loop), options_(std::move(options)), input_(input, format, [this] { loop_.ready(*this); }) {
  loop_.add(*this);
}

Publisher::~Publisher() { loop_.remove(*this); }

void Publisher::fail(std::string why) {
  if (!failure_) failure_ = std::move(why);
}

std::string Publisher::summary() const {
  return "published " + std::to_string(objects_sent_) + " objects in " + std::to_string(groups_sent_) + " groups";
}

void Publisher::stop() {
  finish_track();
  loop_.ready(*this);
}

bool Publisher::on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time) {
  driver_ = &driver;
  if (!endpoint_) endpoint_.emplace(driver.session());
  endpoint_->drain_session();
  bool any = false;
  pubsub::EndpointEvent event;
  while (endpoint_->poll_event(event)) {
    any = true;
    handle(event);
  }
  loop_.ready(*this);  // there may be room again, or everything may have been acknowledged
  return any;
}

void Publisher::handle(pubsub::EndpointEvent& event) {
  if (std::holds_alternative<session::Established>(event)) {
    announce();
  } else if (const auto* rejected = std::get_if<session::RequestRejected>(&event)) {
    fail("the server refused the " + std::string(options_.offer_with_publish ? "PUBLISH" : "PUBLISH_NAMESPACE") + ": " +
         std::string(name(static_cast<moqt::RequestErrorCode>(rejected->code))) + " (" + rejected->reason + ")");
    driver_->close(moqt::SessionErrorCode::kNoError, "");
  } else if (const auto* cancelled = std::get_if<session::NamespaceCancelled>(&event)) {
    fail("the server no longer takes this namespace: " + cancelled->reason);
    driver_->close(moqt::SessionErrorCode::kNoError, "");
  } else if (const auto* asked = std::get_if<session::NamespaceSubscribed>(&event)) {
    (void)driver_->session().accept(asked->request);  // what there is has been announced already
  } else if (const auto* echo = std::get_if<session::NamespacePublished>(&event)) {
    (void)driver_->session().accept(echo->request);
  } else if (const auto* offered = std::get_if<session::PublishReceived>(&event)) {
    (void)endpoint_->reject(offered->request, moqt::RequestErrorCode::kUninterested, "this client only publishes");
  } else if (std::holds_alternative<pubsub::WriterSubscribersChanged>(event)) {
    log_info(std::to_string(track_->subscribers()) + " subscriber(s)");
  } else if (std::holds_alternative<session::GoawayReceived>(event)) {
    log_info("the server is going away");
    finish_track();
  }
}

void Publisher::announce() {
  pubsub::TrackOptions track_options;
  track_options.publisher_priority = options_.priority;
  track_options.extensions = false;
  auto track = endpoint_->add_track(options_.track, track_options);
  if (!track) return give_up(track.error());
  track_ = *track;
  if (options_.offer_with_publish) {
    if (auto offered = endpoint_->publish(track_); !offered) return give_up(offered.error());
  } else if (auto announced = driver_->session().publish_namespace(options_.track.track_namespace); !announced) {
    return give_up(announced.error());
  }
  log_info("publishing " + options_.track.to_text());
}

void Publisher::give_up(session::SessionError error) {
  if (error == session::SessionError::kClosed) return;  // on_finished() knows why
  fail(std::string(session::describe(error)));
  driver_->close(moqt::SessionErrorCode::kNoError, "");
}

bool Publisher::may_begin() const { return track_ && (begun_ || !options_.wait_for_subscriber || track_->wanted()); }

std::optional<runtime::EventLoop::Time> Publisher::turn(runtime::EventLoop::Time now) {
  if (finishing_) {
    // PUBLISH_DONE and the last objects are on their way; leave once the peer has them.
    if (driver_ != nullptr && track_ && track_->subscribers() == 0 &&
        driver_->session().state() == session::Session::State::kEstablished && driver_->flushed()) {
      driver_->close(moqt::SessionErrorCode::kNoError, "");
    }
    return std::nullopt;
  }
  const auto input_end = input_.end();
  if (input_end.reached && !input_end.error.empty()) {
    fail(input_end.error);
    finish_track();
    return std::nullopt;
  }
  if (!may_begin()) return std::nullopt;
  begun_ = true;
  return send_due(now);
}

std::optional<runtime::EventLoop::Time> Publisher::send_due(runtime::EventLoop::Time now) {
  bool sent = false;
  std::optional<runtime::EventLoop::Time> next;
  while (const auto time = input_.next_time()) {
    if (options_.pace && *time) {
      if (!pace_start_) {
        pace_start_ = now;
        pace_origin_ = **time;
      }
      const auto due = *pace_start_ + (**time - pace_origin_);
      if (due > now) {
        next = due;
        break;
      }
    }
    // Whoever is slow slows the input down, not the others' picture: only where nothing sets the pace but we.
    if (track_->queued_bytes() > kLowWater && !(options_.pace && *time)) break;
    send(input_.take());
    sent = true;
  }
  if (input_.end().reached) {
    finish_track();
    sent = true;
  }
  if (sent) driver_->make_ready();
  return next;
}

std::uint64_t Publisher::next_group() const {
  if (track_->largest()) return track_->next_group();
  if (options_.first_group) return *options_.first_group;
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
}

void Publisher::send(MediaUnit unit) {
  if (unit.starts_group || !group_) {
    if (group_) group_->finish();
    auto group = track_->begin_group(next_group());
    if (!group) return fail(std::string(session::describe(group.error())));
    group_ = *group;
    ++groups_sent_;
  }
  if (auto written = group_->write(base::SharedBytes::copy_of(unit.bytes)); !written) {
    return fail(std::string(session::describe(written.error())));
  }
  ++objects_sent_;
}

void Publisher::finish_track() {
  if (finishing_) return;
  finishing_ = true;
  if (group_) group_->finish();
  if (track_) {
    track_->finish();
    driver_->make_ready();
  } else if (driver_ != nullptr) {
    driver_->close(moqt::SessionErrorCode::kNoError, "");
  } else {
    loop_.stop();
  }
}

void Publisher::on_finished(runtime::SessionDriver&, const quic::CloseReason& reason) {
  if (!finishing_)
    fail("the connection ended: " + (reason.message.empty() ? std::string("closed by the peer") : reason.message));
  driver_ = nullptr;
  group_.reset();
  track_.reset();
  endpoint_.reset();
  loop_.stop();
}

}  // namespace msquic_py::apps
