#include "runtime/session_driver.h"

#include <algorithm>
#include <new>
#include <span>
#include <utility>

namespace msquic_py::runtime {

namespace session = moqt::session;
using session::RequestStreamId;
using Kind = TransportEvent::Kind;

namespace {

/// What the transport gets before it has said what it can use: less than the first congestion window (RFC 9002 section
/// 7.2), so that little waits there.
constexpr std::size_t kFirstWindow = 12 * 1024;
/// Answers that a peer may leave unread. Requests that end at once, such as refused ones, get their credit back at
/// once: without a bound, a peer that only writes would have us pile up what we answer.
constexpr std::size_t kMaxControlUnsent = 4 * 1024 * 1024;
/// How long acknowledgements wait for company while the session could send anyway: longer than a picture of 25 a
/// second, so that those of one come with the next.
constexpr EventLoop::Clock::duration kSentDelay = std::chrono::milliseconds(50);

std::span<const base::SharedBytes> slices_of(const session::GatherList& list) noexcept {
  return {list.begin(), list.size()};
}

/// What fits into a close, without half a character of UTF-8 at its end.
std::string_view fitting(std::string_view reason, std::size_t longest) noexcept {
  std::size_t size = std::min(reason.size(), longest);
  while (size != 0 && size != reason.size() && (static_cast<unsigned char>(reason[size]) & 0xc0) == 0x80) --size;
  return reason.substr(0, size);
}

}  // namespace

SessionDriver::SessionDriver(EventLoop& loop, std::shared_ptr<TransportInbox> inbox,
                             transport::ConnectionHandle connection, Options options, SessionUser& user, Ended ended)
    : loop_(loop),
      inbox_(std::move(inbox)),
      connection_(std::move(connection)),
      user_(user),
      ended_(std::move(ended)),
      config_(std::move(options.session)),
      inner_(options.inner),
      handshake_deadline_(EventLoop::Clock::now() + options.handshake_timeout) {
  loop_.add(*this);
  inbox_->attach(*this);
}

SessionDriver::~SessionDriver() {
  inbox_->detach();
  loop_.remove(*this);
}

void SessionDriver::close(moqt::SessionErrorCode code, std::string_view reason) {
  if (session_) {
    session_->close(code, reason);
  } else {
    connection_->close(static_cast<std::uint64_t>(code), fitting(reason, connection_->longest_reason()));
  }
  make_ready();
}

void SessionDriver::goaway(std::string_view new_session_uri) {
  goaway_ = new_session_uri;
  make_ready();
}

std::optional<EventLoop::Time> SessionDriver::turn(EventLoop::Time now) {
  const auto network = inbox_->take(batch_);
  for (TransportEvent& event : batch_) handle(event, now);
  if (network && session_) {
    session_->on_transport_report({.congestion_window = network->congestion_window,
                                   .bytes_in_flight = network->bytes_in_flight,
                                   .posted_bytes = network->posted_bytes,
                                   .round_trip = network->round_trip});
  }
  batch_.clear();  // gives the received bytes back before anything else waits
  if (session_) {
    if (const auto deadline = session_->next_deadline(); deadline && *deadline <= now) session_->on_deadline(now);
  }
  if (!connected_ && !finished_ && now >= handshake_deadline_) {
    handshake_deadline_ = EventLoop::Time::max();
    connection_->close(static_cast<std::uint64_t>(moqt::SessionErrorCode::kControlMessageTimeout),
                       "the handshake took too long");
  }

  if (session_) {
    // Events may lead to actions and actions to events, until neither has anything left.
    perform_actions(now);
    for (bool progress = true; progress;) {
      progress = user_.on_events(*this, now);
      progress = perform_actions(now) || progress;
    }
    const bool established = session_->state() == session::SessionState::kEstablished;
    was_established_ = was_established_ || established;
    if (established && goaway_) {
      (void)session_->goaway(*std::exchange(goaway_, std::nullopt));
      perform_actions(now);
    }
  }
  resume_paused();
  if (finished_) {
    user_.on_finished(*this, inbox_->close_reason());
    const Ended ended = std::move(ended_);
    const transport::CloseReason reason = inbox_->close_reason();
    ended(*this, reason);  // destroys *this
    return std::nullopt;
  }
  auto deadline = session_ ? session_->next_deadline() : std::nullopt;
  const auto sooner = [&deadline](EventLoop::Time time) { deadline = deadline ? std::min(*deadline, time) : time; };
  if (!connected_) sooner(handshake_deadline_);
  if (const auto look = await_sent(now)) sooner(*look);
  if (const auto due = user_.next_deadline(*this)) sooner(*due);
  return deadline;
}

void SessionDriver::failed(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const std::bad_alloc&) {
    connection_->close(static_cast<std::uint64_t>(moqt::SessionErrorCode::kInternalError), "out of memory");
  }
  batch_.clear();
}

std::optional<EventLoop::Time> SessionDriver::await_sent(EventLoop::Time now) {
  if (!session_) return std::nullopt;
  // What waits for room in the transport is sent as soon as there is some; otherwise nothing hurries.
  const bool waits = session_->waits_for_transport();
  if (waits != sent_at_once_) inbox_->report_sent_at_once(waits);
  sent_at_once_ = waits;
  if (waits || data_unsent_ == 0) return std::nullopt;
  return now + kSentDelay;
}

void SessionDriver::begin(const TransportEvent& event, EventLoop::Time now) {
  connected_ = true;
  resumed_ = event.code != 0;
  const auto draft = static_cast<moqt::Draft>(event.id);
  if (event.id == 0) {  // the two agreed on something that is none of moqt::kSupportedDrafts
    return connection_->close(static_cast<std::uint64_t>(moqt::SessionErrorCode::kVersionNegotiationFailed),
                              "the connection is for no draft of MOQT that is known here");
  }
  session_.emplace(draft, std::move(config_));
  session_->set_send_window(std::min(kFirstWindow, session_->config().send_window));
  session_->on_datagram_max_size(max_datagram_size_);
  session_->start(now);
}

void SessionDriver::handle(TransportEvent& event, EventLoop::Time now) {
  const bool without_session = event.kind == Kind::Connected || event.kind == Kind::DatagramMaxSize ||
                               event.kind == Kind::Aside || event.kind == Kind::Closed;
  if (!session_ && !without_session) return;
  switch (event.kind) {
    case Kind::Connected: begin(event, now); break;
    case Kind::ControlStreamOpened: control_ = std::move(event.opened); break;
    case Kind::ControlData: session_->on_control_data(now, event.bytes); break;
    case Kind::ControlClosed: session_->on_control_closed(now); break;
    case Kind::ControlSent: control_unsent_ -= static_cast<std::size_t>(event.code); break;
    case Kind::BidiStreamOpened: session_->on_bidi_stream_opened(now); break;
    case Kind::RequestOpened: requests_.emplace(RequestStreamId{event.id}, std::move(event.opened)); break;
    case Kind::RequestData: session_->on_request_data(now, {event.id}, event.bytes, event.fin); break;
    case Kind::RequestReset: session_->on_request_reset(now, {event.id}, event.code); break;
    case Kind::RequestStopped: session_->on_request_stopped(now, {event.id}, event.code); break;
    case Kind::RequestClosed:
      requests_.erase({event.id});
      session_->on_request_closed({event.id});
      break;
    case Kind::StreamsAdmitted: session_->on_request_streams_admitted(event.code); break;
    case Kind::UniStreamOpened: incoming_.emplace(event.id, std::move(event.opened)); break;
    case Kind::UniStreamData: session_->on_uni_stream_data(now, event.id, std::move(event.bytes), event.fin); break;
    case Kind::UniStreamReset: session_->on_uni_stream_reset(now, event.id, event.code); break;
    case Kind::UniStreamClosed:
      inbox_->resume(event.id);
      incoming_.erase(event.id);
      break;
    case Kind::ReceivePaused: paused_.push_back(event.id); break;
    case Kind::RequestPaused: paused_requests_.push_back({event.id}); break;
    case Kind::StreamSent:
      data_unsent_ -= static_cast<std::size_t>(event.code);
      session_->on_stream_bytes_sent({event.id}, static_cast<std::size_t>(event.code));
      break;
    case Kind::StreamStopped: session_->on_stop_sending(now, {event.id}, event.code); break;
    case Kind::StreamClosed: outgoing_.erase(event.id); break;
    case Kind::Datagram: session_->on_datagram(now, event.bytes); break;
    case Kind::DatagramSent:
      data_unsent_ -= static_cast<std::size_t>(event.code);
      session_->on_datagram_sent(static_cast<std::size_t>(event.code));
      break;
    case Kind::DatagramMaxSize:
      max_datagram_size_ = static_cast<std::size_t>(event.code);
      if (session_) session_->on_datagram_max_size(max_datagram_size_);
      break;
    case Kind::Aside: inbox_->take_aside()(*this); break;
    case Kind::Closed: handle_closed(now); break;
  }
}

void SessionDriver::handle_closed(EventLoop::Time now) {
  using Cause = transport::CloseReason::Cause;
  const transport::CloseReason& reason = inbox_->close_reason();
  const bool by_application = reason.cause == Cause::PeerApplication || reason.cause == Cause::LocalApplication;
  const auto code = by_application ? reason.code : static_cast<std::uint64_t>(moqt::SessionErrorCode::kInternalError);
  if (session_)
    session_->on_transport_closed(now, code, by_application ? reason.reason : reason.message, reason.remote);
  finished_ = true;
}

bool SessionDriver::perform_actions(EventLoop::Time now) {
  bool any = false;
  session::Action action;
  while (session_->poll_action(now, action)) {
    any = true;
    std::visit([this](auto& what) { perform(what); }, action);
  }
  return any;
}

void SessionDriver::perform(session::SendControl& action) {
  if (!control_) {
    const bool own = moqt::has_own_control_streams(session_->draft());
    if (!own && connection_->is_server()) return;  // the stream is the client's to open; the session is closing
    auto opened =
        connection_->open_stream(own ? transport::Direction::Unidirectional : transport::Direction::Bidirectional,
                                 TransportInbox::kControlStream);
    if (!opened) return;  // the connection is closing; Closed follows
    control_ = std::move(opened.value());
    control_->set_priority(session::kControlStreamPriority);  // [d15 §10.4.2-1]
  }
  const std::size_t size = action.bytes.size();
  if (control_->send({&action.bytes, 1}, false, size)) count_control(size);
}

void SessionDriver::count_control(std::size_t size) {
  control_unsent_ += size;
  if (control_unsent_ > kMaxControlUnsent) {
    session_->close(moqt::SessionErrorCode::kInternalError, "the peer does not read what it is told");
  }
}

void SessionDriver::perform(session::OpenRequestStream& action) {
  auto opened = connection_->open_stream(transport::Direction::Bidirectional, TransportInbox::key_of(action.stream));
  if (!opened) return;  // the connection is closing; Closed follows
  opened.value()->set_priority(session::kRequestStreamPriority);
  requests_.emplace(action.stream, std::move(opened.value()));
}

void SessionDriver::perform(session::SendRequest& action) {
  const auto found = requests_.find(action.stream);
  if (found == requests_.end()) return;
  const std::size_t size = action.bytes.size();
  const std::span<const base::SharedBytes> slices(&action.bytes, size == 0 ? 0 : 1);
  if (found->second->send(slices, action.fin, size)) count_control(size);
}

void SessionDriver::perform(session::ResetRequest& action) {
  if (const auto found = requests_.find(action.stream); found != requests_.end()) found->second->reset(action.code);
}

void SessionDriver::perform(session::StopRequest& action) {
  if (const auto found = requests_.find(action.stream); found != requests_.end()) found->second->stop(action.code);
}

void SessionDriver::perform(session::OpenStream& action) {
  auto opened =
      connection_->open_stream(transport::Direction::Unidirectional, TransportInbox::key_of(action.stream.value));
  if (!opened) return;
  transport::StreamHandle& outgoing = outgoing_[action.stream.value];
  outgoing = std::move(opened.value());
  if (action.priority != session::kUsualStreamPriority) outgoing->set_priority(action.priority);
}

void SessionDriver::perform(session::PrioritizeStream& action) {
  const auto found = outgoing_.find(action.stream.value);
  if (found != outgoing_.end()) found->second->set_priority(action.priority);
}

void SessionDriver::perform(session::SendStream& action) {
  const auto found = outgoing_.find(action.stream.value);
  if (found == outgoing_.end()) return;
  const std::size_t size = action.slices.bytes();
  // A send that was not taken gives its bytes back at once, or the window would stay shut.
  if (!found->second->send(slices_of(action.slices), action.fin, size)) {
    return session_->on_stream_bytes_sent(action.stream, size);
  }
  data_unsent_ += size;
}

void SessionDriver::perform(session::ResetStream& action) {
  const auto found = outgoing_.find(action.stream.value);
  if (found != outgoing_.end()) found->second->reset(action.code);
}

void SessionDriver::perform(session::StopSending& action) {
  const auto found = incoming_.find(action.stream);
  inbox_->resume(action.stream);
  if (found != incoming_.end()) found->second->stop(action.code);
}

void SessionDriver::perform(session::PauseStream& action) {
  if (incoming_.contains(action.stream)) inbox_->pause(action.stream);
}

void SessionDriver::perform(session::ResumeStream& action) {
  inbox_->resume(action.stream);
  if (const auto found = incoming_.find(action.stream); found != incoming_.end()) {
    found->second->resume_receive();
  }
}

void SessionDriver::perform(session::SendDatagram& action) {
  // Losing a datagram is allowed: a path whose limit just shrank is no reason to fail.
  const std::size_t size = action.slices.bytes();
  if (!connection_->send_datagram(slices_of(action.slices), size)) return session_->on_datagram_sent(size);
  data_unsent_ += size;
}

void SessionDriver::perform(session::CloseSession& action) {
  connection_->close(action.code, fitting(action.reason, connection_->longest_reason()));
}

void SessionDriver::resume_paused() {
  for (const std::uint64_t id : paused_) {
    if (id == TransportInbox::kControlStream) {
      if (control_) control_->resume_receive();
    } else if (const auto found = incoming_.find(id); found != incoming_.end()) {
      found->second->resume_receive();
    }
  }
  paused_.clear();
  for (const RequestStreamId id : paused_requests_) {
    if (const auto found = requests_.find(id); found != requests_.end()) found->second->resume_receive();
  }
  paused_requests_.clear();
}

}  // namespace msquic_py::runtime
