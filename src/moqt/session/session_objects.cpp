// The part of Session that sends and receives objects.
#include <utility>

#include "moqt/session/requests/subscription_as_publisher.h"
#include "moqt/session/requests/subscription_as_subscriber.h"
#include "moqt/session/session.h"
#include "moqt/session/session_core.h"

namespace msquic_py::moqt::session {

// ---- send objects ----

const PublishedSubscription* Session::published(RequestHandle subscription) const noexcept {
  const auto* found = as<SubscriptionAsPublisher>(core_->requests.find(subscription));
  return found == nullptr ? nullptr : &std::as_const(*found).view();
}

std::optional<std::uint64_t> Session::track_alias(RequestHandle subscription) const noexcept {
  const auto* found = as<SubscriptionAsSubscriber>(core_->requests.find(subscription));
  return found == nullptr ? std::nullopt : found->track_alias();
}

bool Session::shares_alias(RequestHandle subscription) const noexcept {
  return core_->incoming_data.shares_alias(subscription);
}

void Session::note_largest_object(RequestHandle subscription, Location largest) {
  auto* found = as<SubscriptionAsPublisher>(core_->requests.find(subscription));
  if (found == nullptr) return;
  auto& known = found->view().largest;
  if (!known || *known < largest) known = largest;
}

void Session::watch_unsent(RequestHandle subscription, UnsentWatch* watch) {
  core_->outgoing_data.watch_unsent(subscription, watch);
}

SessionResult<StreamHandle> Session::open_subgroup(RequestHandle subscription, const SubgroupProperties& properties) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  return core_->outgoing_data.open(subscription, properties, core_->event_queue);
}

SessionResult<void> Session::append_object(StreamHandle stream, std::uint64_t object, const base::SharedBytes& wire,
                                           std::size_t delta_size, std::uint64_t remaining) {
  return core_->outgoing_data.append_object(stream, object, wire, delta_size, remaining);
}

SessionResult<void> Session::append_fetch_object(StreamHandle stream, const FetchObject& object) {
  return core_->outgoing_data.append_fetch_object(stream, object);
}

SessionResult<void> Session::append_fetch_gap(StreamHandle stream, Location end, wire::FetchGap gap) {
  return core_->outgoing_data.append_fetch_gap(stream, end, gap);
}

SessionResult<void> Session::append_payload(StreamHandle stream, base::SharedBytes bytes) {
  return core_->outgoing_data.append_payload(stream, std::move(bytes));
}

SessionResult<void> Session::finish_stream(StreamHandle stream) { return core_->outgoing_data.finish(stream); }

SessionResult<void> Session::note_published(StreamHandle stream, std::optional<Time> since) {
  return core_->outgoing_data.note_published(stream, since);
}

SessionResult<void> Session::retire_stream(StreamHandle stream, StreamResetCode code) {
  auto retired = core_->outgoing_data.retire(stream, static_cast<std::uint64_t>(code));
  core_->settle();
  return retired;
}

SessionResult<void> Session::reset_stream(StreamHandle stream, StreamResetCode code) {
  auto given_up = core_->outgoing_data.give_up(stream, static_cast<std::uint64_t>(code));
  core_->settle();
  return given_up;
}

SessionResult<void> Session::reset_streams(RequestHandle subscription, StreamResetCode code) {
  if (published(subscription) == nullptr) return base::Failure{SessionError::kUnknownRequest};
  core_->outgoing_data.reset_streams(subscription, code, /*only_unwanted=*/false, nullptr);
  core_->settle();
  return {};
}

std::size_t Session::queued_bytes(StreamHandle stream) const noexcept {
  return core_->outgoing_data.queued_bytes(stream);
}

StreamBacklog Session::backlog(StreamHandle stream) const noexcept { return core_->outgoing_data.backlog(stream); }

SessionResult<void> Session::set_feeder(StreamHandle stream, StreamFeeder* feeder) {
  return core_->outgoing_data.set_feeder(stream, feeder);
}

SessionResult<void> Session::request_feed(StreamHandle stream) { return core_->outgoing_data.request_feed(stream); }

SessionResult<bool> Session::send_datagram(RequestHandle subscription, const DatagramProperties& properties,
                                           const base::SharedBytes& after_alias) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  return core_->outgoing_data.send_datagram(subscription, properties, after_alias);
}

// ---- receive objects ----

void Session::stop_stream(IncomingStreamId stream, StreamResetCode code) {
  if (core_->closed()) return;
  core_->incoming_data.stop(stream, code);
  core_->settle();
}

void Session::pause_stream(IncomingStreamId stream) { core_->incoming_data.pause(stream, true); }
void Session::resume_stream(IncomingStreamId stream) { core_->incoming_data.pause(stream, false); }

}  // namespace msquic_py::moqt::session
