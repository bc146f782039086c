#include "moqt_session_link.h"

#include <algorithm>
#include <utility>

#include "moqt_session_thread.h"

namespace msquic_py::python {

namespace pubsub = moqt::pubsub;
using moqt::session::RequestHandle;
using moqt::session::SessionError;
using runtime::EventLoop;

namespace {

/// A writer that waits goes on when so little waits for the slowest subscriber.
constexpr std::size_t kLowWater = 64 * 1024;

}  // namespace

class SessionLink::Timer final : public EventLoop::Participant {
 public:
  Timer(SessionLink& link, EventLoop& loop) : link_(link), loop_(loop) { loop_.add(*this); }
  ~Timer() override { loop_.remove(*this); }
  std::optional<EventLoop::Time> turn(EventLoop::Time now) override { return link_.on_time(now); }
  void look() { loop_.ready(*this); }

 private:
  SessionLink& link_;
  EventLoop& loop_;
};

SessionLink::SessionLink(std::shared_ptr<SessionChannel> channel, std::uint64_t target, Options options)
    : channel_(std::move(channel)), target_(target), options_(options) {}
SessionLink::~SessionLink() = default;

void SessionLink::look_at_deadlines() { timer_->look(); }

void SessionLink::post(std::function<void(SessionLink&)> task) {
  session_loop().post([self = shared_from_this(), task = std::move(task)] {
    if (self->over_ || !self->endpoint_) return;
    task(*self);
    self->driver_->make_ready();
  });
}

void SessionLink::notify(Notice notice) {
  if (notice.target == 0) notice.target = target_;
  channel_->push(std::move(notice));
}

// ---- life ----

void SessionLink::attach(runtime::SessionDriver& driver) {
  driver_ = &driver;
  pubsub::EndpointConfig config = options_.endpoint;
  config.reject_unknown_tracks = false;  // see Held
  endpoint_ = std::make_unique<Endpoint>(driver.session(), config);
  timer_ = std::make_unique<Timer>(*this, driver.loop());
}

void SessionLink::finish(const quic::CloseReason& reason) {
  const auto self = shared_from_this();
  over_ = true;
  for (const auto& group : groups_) group->writer.reset();
  groups_.clear();
  for (const auto& [writer, track] : tracks_) {
    track->writer.reset();
    track->queued = 0;
  }
  tracks_.clear();
  busy_.clear();
  for (const auto& [reader, link] : readers_) link->look();
  readers_.clear();
  endpoint_.reset();
  timer_.reset();
  driver_ = nullptr;
  Notice notice{.kind = Notice::Kind::Closed, .close = reason};
  if (closed_) {
    notice.code = closed_->code;
    notice.text = closed_->reason;
    notice.flag = closed_->by_peer;
  } else {
    notice.code = reason.code;
    notice.text = reason.reason.empty() ? reason.message : reason.reason;
    notice.flag = reason.remote;
  }
  notify(std::move(notice));
}

void SessionLink::ticket(base::Bytes ticket) {
  notify({.kind = Notice::Kind::Ticket, .track_name = {ticket.begin(), ticket.end()}});
}

void SessionLink::fail(const quic::Error& error) {
  over_ = true;
  notify({.kind = Notice::Kind::Closed, .code = 1, .text = error.message, .error = error});
}

void SessionLink::close(std::uint64_t code, std::string reason, std::chrono::milliseconds patience) {
  if (closing_) return;
  // A group that has not been ended will never be whole; only what has an end is waited for.
  for (const auto& group : groups_) group->writer->reset(moqt::StreamResetCode::kSessionClosed);
  for (const auto& group : groups_) group->writer.reset();
  groups_.clear();
  if (!established_) patience = {};
  closing_ = Closing{code, std::move(reason), EventLoop::Clock::now() + patience};
  timer_->look();
}

std::optional<EventLoop::Time> SessionLink::on_time(EventLoop::Time now) {
  std::optional<EventLoop::Time> next;
  const auto sooner = [&next](EventLoop::Time time) { next = next ? std::min(*next, time) : time; };
  for (std::size_t i = 0; i < held_.size();) {
    if (held_[i].deadline > now) {
      sooner(held_[i++].deadline);
      continue;
    }
    (void)session().reject(held_[i].request, moqt::RequestErrorCode::kDoesNotExist, "no such track");
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
    driver_->make_ready();
  }
  if (closing_ && closing_->deadline != EventLoop::Time::max()) {
    if (now >= closing_->deadline) {
      closing_->deadline = EventLoop::Time::max();
      driver_->close(static_cast<moqt::SessionErrorCode>(closing_->code), closing_->reason);
    } else {
      sooner(closing_->deadline);
    }
  }
  return next;
}

// ---- requests ----

void SessionLink::failed(std::uint64_t ticket, SessionError error) {
  notify({.kind = Notice::Kind::Failed,
          .ticket = ticket,
          .code = static_cast<std::uint64_t>(error),
          .text = std::string(moqt::session::describe(error))});
}

void SessionLink::expect(std::uint64_t ticket, const moqt::session::SessionResult<RequestHandle>& request) {
  if (!request.ok()) return failed(ticket, request.error());
  tickets_[*request] = ticket;
  requests_[ticket] = *request;
}

void SessionLink::cancel(std::uint64_t ticket) {
  const auto found = requests_.find(ticket);
  if (found == requests_.end()) return;
  (void)session().cancel(found->second);
  tickets_.erase(found->second);
  requests_.erase(found);
}

// ---- publishing ----

void SessionLink::create_track(const std::shared_ptr<TrackLink>& track, moqt::FullTrackName name,
                               const pubsub::TrackOptions& options) {
  // A track that has ended makes room for a new one of the same name.
  for (auto each = tracks_.begin(); each != tracks_.end(); ++each) {
    if (!each->second->writer->finished() || each->second->writer->track() != name) continue;
    endpoint_->remove_track(name);
    each->second->writer.reset();
    tracks_.erase(each);
    break;
  }
  auto made = endpoint_->add_track(name, options);
  if (!made.ok()) return;  // names were checked before; a duplicate is Python's own to refuse
  track->writer = *made;
  tracks_[track->writer.get()] = track;
  answer_held(name, track->writer);
}

void SessionLink::answer_held(const moqt::FullTrackName& track, const std::shared_ptr<pubsub::TrackWriter>& writer) {
  for (std::size_t i = 0; i < held_.size();) {
    if (held_[i].track != track) {
      ++i;
      continue;
    }
    if (held_[i].status) {
      moqt::MessageParameters parameters;
      if (writer->largest()) parameters.set_largest_object(*writer->largest());
      (void)session().accept(held_[i].request, std::move(parameters));
    } else {
      (void)endpoint_->accept_subscribe(held_[i].request, writer);
    }
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void SessionLink::publish(const std::shared_ptr<TrackLink>& track, std::uint64_t ticket, bool forward) {
  if (!track->writer) return failed(ticket, SessionError::kWrongState);
  expect(ticket, endpoint_->publish(track->writer, forward));
}

void SessionLink::end_track(const std::shared_ptr<TrackLink>& track) {
  if (!track->writer) return;
  track->writer->finish();
  for (auto each = groups_.begin(); each != groups_.end();) {
    if ((*each)->track != track) {
      ++each;
      continue;
    }
    (*each)->writer.reset();
    each = groups_.erase(each);
  }
}

void SessionLink::drain(const std::shared_ptr<TrackLink>& track, std::uint64_t ticket) {
  track->drain_tickets.push_back(ticket);
  wrote(*track);
}

void SessionLink::begin_group(const std::shared_ptr<GroupLink>& group, std::uint64_t number,
                              const pubsub::GroupOptions& options) {
  if (!group->track->writer) return;
  auto begun = group->track->writer->begin_group(number, options);
  if (!begun.ok()) return;
  group->writer = std::move(*begun);
  groups_.insert(group);
}

void SessionLink::end_group(const std::shared_ptr<GroupLink>& group, std::optional<moqt::StreamResetCode> reset) {
  if (!group->writer) return;
  if (reset) {
    group->writer->reset(*reset);
  } else {
    group->writer->finish();
  }
  group->writer.reset();
  groups_.erase(group);
}

void SessionLink::wrote(TrackLink& track) {
  if (track.busy || !track.writer) return;
  const auto found = tracks_.find(track.writer.get());
  if (found == tracks_.end()) return;
  track.busy = true;
  busy_.push_back(found->second);
}

// ---- receiving ----

void SessionLink::subscribe(const std::shared_ptr<ReaderLink>& link, std::uint64_t ticket, moqt::FullTrackName name,
                            moqt::MessageParameters parameters) {
  auto reader = endpoint_->subscribe(std::move(name), std::move(parameters));
  if (!reader.ok()) return failed(ticket, reader.error());
  link->attach(*reader);
  readers_[reader->get()] = link;
  tickets_[(*reader)->subscription()] = ticket;
}

void SessionLink::accept_offer(std::uint64_t offer, const std::shared_ptr<ReaderLink>& link, std::uint64_t ticket,
                               moqt::MessageParameters parameters) {
  auto reader = endpoint_->accept_publish({offer}, std::move(parameters));
  if (!reader.ok()) return failed(ticket, reader.error());
  link->attach(*reader);
  readers_[reader->get()] = link;
  established(ticket, **reader);
  link->look();
}

void SessionLink::refuse_offer(std::uint64_t offer, moqt::RequestErrorCode code, const std::string& reason) {
  (void)endpoint_->reject({offer}, code, reason);
}

void SessionLink::update(const std::shared_ptr<ReaderLink>& link, std::uint64_t ticket,
                         moqt::MessageParameters parameters) {
  if (!link->reader()) return failed(ticket, SessionError::kWrongState);
  expect(ticket, link->reader()->update(std::move(parameters)));
}

void SessionLink::unsubscribe(const std::shared_ptr<ReaderLink>& link) {
  if (!link->reader()) return;
  tickets_.erase(link->reader()->subscription());
  link->reader()->cancel();
  link->discard();
  link->look();
  readers_.erase(link->reader().get());
}

void SessionLink::established(std::uint64_t ticket, const pubsub::TrackReader& reader) {
  notify({.kind = Notice::Kind::Answered,
          .ticket = ticket,
          .largest = reader.parameters().largest_object(),
          .track_alias = session().track_alias(reader.subscription()).value_or(0)});
}

// ---- what becomes of tracks ----

void SessionLink::tell_subscribers(TrackLink& track) {
  notify({.target = track.target,
          .kind = Notice::Kind::Subscribers,
          .flag = track.writer->wanted(),
          .code = track.writer->subscribers()});
}

void SessionLink::look_after_tracks() {
  for (std::size_t i = 0; i < busy_.size();) {
    TrackLink& track = *busy_[i];
    track.queued = track.writer ? track.writer->queued_bytes() : 0;
    if (track.writer) track.groups_skipped = track.writer->groups_skipped();
    if (track.waiting() <= kLowWater) {
      for (const std::uint64_t ticket : track.drain_tickets) notify({.kind = Notice::Kind::Drained, .ticket = ticket});
      track.drain_tickets.clear();
    }
    if (track.waiting() > 0 || !track.drain_tickets.empty()) {
      ++i;
      continue;
    }
    track.busy = false;
    busy_[i] = std::move(busy_.back());
    busy_.pop_back();
  }
}

}  // namespace msquic_py::python
