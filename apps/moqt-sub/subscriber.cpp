#include "moqt-sub/subscriber.h"

#include <string>
#include <utility>
#include <variant>

#include "command_line/logging.h"

namespace msquic_py::apps {

namespace pubsub = moqt::pubsub;
namespace session = moqt::session;

Subscriber::Subscriber(runtime::EventLoop& loop, SubscriberOptions options, MediaOutput output)
    : loop_(loop),
      options_(std::move(options)),
      output_(std::move(output)),
      sequencer_([this](const pubsub::ReceivedObject& object, bool starts_group) { write(object, starts_group); }) {}

void Subscriber::fail(std::string why) {
  if (!failure_) failure_ = std::move(why);
  leave();
}

std::string Subscriber::summary() const {
  return "wrote " + std::to_string(objects_) + " objects, " + std::to_string(bytes_) + " bytes";
}

void Subscriber::stop() {
  if (reader_) reader_->cancel();
  leave();
  if (driver_ == nullptr) loop_.stop();
}

void Subscriber::leave() {
  if (std::exchange(leaving_, true)) return;
  sequencer_.flush();
  if (!output_.flush() && !failure_) failure_ = "the output could not be written";
  if (driver_ != nullptr) driver_->close(moqt::SessionErrorCode::kNoError, "");
}

bool Subscriber::on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time) {
  driver_ = &driver;
  if (!endpoint_) endpoint_.emplace(driver.session());
  endpoint_->drain_session();
  bool any = false;
  pubsub::EndpointEvent event;
  while (endpoint_->poll_event(event)) {
    any = true;
    if (!leaving_) handle(event);
  }
  return any;
}

void Subscriber::handle(pubsub::EndpointEvent& event) {
  if (std::holds_alternative<session::Established>(event)) {
    subscribe();
  } else if (std::holds_alternative<pubsub::ReaderEstablished>(event)) {
    log_info("subscribed to " + options_.track.to_text());
  } else if (std::holds_alternative<pubsub::ReaderReadable>(event)) {
    read_objects();
  } else if (std::holds_alternative<pubsub::ReaderEnded>(event)) {
    read_objects();
    if (!leaving_) on_end();
  } else if (const auto* published = std::get_if<session::NamespacePublished>(&event)) {
    (void)driver_->session().accept(published->request);
    if (!reader_) subscribe();
  } else if (const auto* offered = std::get_if<session::PublishReceived>(&event)) {
    if (offered->track == options_.track && !reader_) {
      moqt::MessageParameters parameters;
      parameters.set_filter(options_.filter);
      if (auto accepted = endpoint_->accept_publish(offered->request, std::move(parameters))) reader_ = *accepted;
    } else {
      (void)driver_->session().reject(offered->request, moqt::RequestErrorCode::kUninterested);
    }
  } else if (const auto* asked = std::get_if<session::NamespaceSubscribed>(&event)) {
    (void)driver_->session().accept(asked->request);  // nothing is published here
  } else if (const auto* rejected = std::get_if<session::RequestRejected>(&event)) {
    fail("the server refused SUBSCRIBE_NAMESPACE: " +
         std::string(name(static_cast<moqt::RequestErrorCode>(rejected->code))));
  } else if (std::holds_alternative<session::GoawayReceived>(event)) {
    log_info("the server is going away");
  }
}

void Subscriber::subscribe() {
  moqt::MessageParameters parameters;
  parameters.set_filter(options_.filter);
  parameters.set_subscriber_priority(options_.priority);
  auto reader = endpoint_->subscribe(options_.track, std::move(parameters));
  if (!reader) return fail(std::string(session::describe(reader.error())));
  reader_ = *reader;
}

void Subscriber::wait_for_namespace() {
  if (std::exchange(waiting_for_namespace_, true)) return;
  log_info("waiting for " + options_.track.track_namespace.to_text() + " to be published");
  if (auto asked = driver_->session().subscribe_namespace(options_.track.track_namespace); !asked) {
    fail(std::string(session::describe(asked.error())));
  }
}

void Subscriber::read_objects() {
  pubsub::ReceivedObject object;
  while (!leaving_ && reader_ && reader_->read(object)) sequencer_.add(std::move(object));
  if (!output_.flush()) fail("the output could not be written");
}

void Subscriber::on_end() {
  const pubsub::TrackEnd end = *reader_->end();
  reader_.reset();
  sequencer_.flush();
  switch (end.cause) {
    case pubsub::TrackEnd::Cause::kRejected: {
      const auto code = static_cast<moqt::RequestErrorCode>(end.code);
      if (code == moqt::RequestErrorCode::kDoesNotExist && (options_.wait_for_publisher || objects_ > 0))
        return wait_for_namespace();
      return fail("the subscription was refused: " + std::string(name(code)) + " (" + end.reason + ")");
    }
    case pubsub::TrackEnd::Cause::kDone: {
      const auto code = static_cast<moqt::PublishDoneCode>(end.code);
      log_info("the track ended: " + std::string(name(code)) + " " + end.reason);
      if (options_.follow) return subscribe();
      if (code == moqt::PublishDoneCode::kTrackEnded || code == moqt::PublishDoneCode::kSubscriptionEnded)
        return leave();
      return fail("the publisher gave the subscription up: " + std::string(name(code)));
    }
    case pubsub::TrackEnd::Cause::kMalformed: return fail("the publisher broke the rules of the track");
    case pubsub::TrackEnd::Cause::kCancelled:
    case pubsub::TrackEnd::Cause::kSessionClosed: return leave();
  }
}

void Subscriber::write(const pubsub::ReceivedObject& object, bool starts_group) {
  // Leaving brings out what still waited for its turn.
  if (options_.max_objects != 0 && objects_ >= options_.max_objects) return;
  scratch_.resize(object.payload_size);
  object.copy_payload(scratch_.data());
  if (!output_.write(scratch_, starts_group)) return fail("the output could not be written");
  ++objects_;
  bytes_ += object.payload_size;
  if (options_.max_objects != 0 && objects_ >= options_.max_objects) {
    if (reader_) reader_->cancel();
    leave();
  }
}

void Subscriber::on_finished(runtime::SessionDriver&, const quic::CloseReason& reason) {
  if (!leaving_) {
    driver_ = nullptr;
    fail("the connection ended: " + (reason.message.empty() ? std::string("closed by the peer") : reason.message));
  }
  driver_ = nullptr;
  reader_.reset();
  endpoint_.reset();
  loop_.stop();
}

}  // namespace msquic_py::apps
