#include "moqt_session_link.h"

#include <algorithm>
#include <utility>

#include "moqt_session_thread.h"

namespace msquic_py::python {

namespace pubsub = moqt::pubsub;
using moqt::session::RequestHandle;
using moqt::session::SessionError;
using runtime::EventLoop;

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
    if (self->over_ || self->driver_ == nullptr) return;
    if (!self->endpoint_) return self->waiting_.push_back(task);
    task(*self);
    self->driver_->make_ready();
  });
}

void SessionLink::post_close(std::uint64_t code, std::string reason, std::chrono::milliseconds patience) {
  session_loop().post([self = shared_from_this(), code, reason = std::move(reason), patience] {
    if (self->over_ || self->driver_ == nullptr) return;
    self->close(code, reason, patience);
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
  timer_ = std::make_unique<Timer>(*this, driver.loop());
  if (driver.has_session()) begin();
}

void SessionLink::begin() {
  pubsub::EndpointConfig config = options_.endpoint;
  config.reject_unknown_tracks = false;  // see Held
  config.wake = [driver = driver_] { driver->make_ready(); };
  endpoint_ = std::make_unique<Endpoint>(driver_->session(), config);
  for (const auto& task : std::exchange(waiting_, {})) task(*this);
}

void SessionLink::finish(const quic::CloseReason& reason) {
  const auto self = shared_from_this();
  over_ = true;
  if (options_.server != 0 && options_.asks_authorization) {
    notify({.target = options_.server, .kind = Notice::Kind::Authorized, .flag = true, .code = target_});
  }
  for (const auto& [writer, track] : tracks_) {
    if (track->session) track->give_up();
  }
  publishing_ = 0;
  const auto shared = std::exchange(shared_, {});
  tracks_.clear();
  busy_.clear();
  for (const auto& [reader, link] : readers_) link->look();
  readers_.clear();
  for (const auto& [reader, link] : fetches_) link->look();
  fetches_.clear();
  responses_.clear();
  held_.clear();
  waiting_.clear();
  endpoint_.reset();
  timer_.reset();
  driver_ = nullptr;
  // Its subscriptions are gone, and with them what waited for them.
  for (const auto& track : shared) {
    if (!track->writer) continue;
    tell_subscribers(*track);
    if (track->busy) (void)track->look_after();
  }
  Notice notice{.kind = Notice::Kind::Closed, .close = reason};
  if (closed_) {
    notice.code = closed_->code;
    notice.text = closed_->reason;
    notice.flag = closed_->by_peer;
  } else {
    // The handshake was not completed, so that there was no session to say how it ended.
    using Cause = quic::CloseReason::Cause;
    const bool by_application = reason.cause == Cause::PeerApplication || reason.cause == Cause::LocalApplication;
    notice.code = by_application ? reason.code : static_cast<std::uint64_t>(moqt::SessionErrorCode::kInternalError);
    notice.text = by_application ? reason.reason : reason.message;
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
  for (const auto& [writer, track] : tracks_) {
    if (track->session) track->reset_groups(moqt::StreamResetCode::kSessionClosed);
  }
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
    if (held_[i].fetch) {
      (void)held_[i].fetch->reject(moqt::RequestErrorCode::kDoesNotExist, "no such track");
    } else {
      (void)session().reject(held_[i].request, moqt::RequestErrorCode::kDoesNotExist, "no such track");
    }
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

void SessionLink::decide(std::uint64_t request, const moqt::session::Verdict& verdict) {
  if (over_ || !endpoint_) return;
  moqt::session::apply(session(), {request}, verdict);
  driver_->make_ready();
}

void SessionLink::cancel(std::uint64_t ticket) {
  const auto found = requests_.find(ticket);
  if (found == requests_.end()) return;
  (void)session().cancel(found->second);
  if (const auto names = found_namespaces_.find(found->second); names != found_namespaces_.end()) {
    for (const moqt::TrackNamespace& each : names->second) {
      notify({.kind = Notice::Kind::Namespace, .flag = false, .track_namespace = each});
    }
    found_namespaces_.erase(names);
  }
  tickets_.erase(found->second);
  requests_.erase(found);
}

// ---- publishing ----

void SessionLink::make_room(const moqt::FullTrackName& name) {
  for (auto each = tracks_.begin(); each != tracks_.end(); ++each) {
    const std::shared_ptr<TrackLink> track = each->second;
    if (!track->writer->finished() || track->writer->track() != name) continue;
    endpoint_->remove_track(name);
    tracks_.erase(each);
    std::erase(shared_, track);
    if (track->session) track->writer.reset();
    return;
  }
}

void SessionLink::create_track(const std::shared_ptr<TrackLink>& track, moqt::FullTrackName name,
                               const pubsub::TrackOptions& options) {
  make_room(name);
  auto made = endpoint_->add_track(name, options);
  if (!made.ok()) return;  // names were checked before; a duplicate is Python's own to refuse
  track->writer = *made;
  tracks_[track->writer.get()] = track;
  answer_held(name, track->writer);
}

void SessionLink::share(const std::shared_ptr<TrackLink>& track) {
  if (over_ || !endpoint_) return;
  make_room(track->writer->track());
  if (!endpoint_->add_track(track->writer).ok()) return;
  tracks_[track->writer.get()] = track;
  shared_.push_back(track);
  answer_held(track->writer->track(), track->writer);
  driver_->make_ready();
}

void SessionLink::answer_held(const moqt::FullTrackName& track, const std::shared_ptr<pubsub::TrackWriter>& writer) {
  for (std::size_t i = 0; i < held_.size();) {
    if (held_[i].track != track) {
      ++i;
      continue;
    }
    if (held_[i].fetch) {
      const auto known = tracks_.find(writer.get());
      if (!held_[i].fetch->resolve(writer->largest()).ok()) {
        // It has been refused: nothing has been published.
      } else if (writer->options().answers_fetch && known != tracks_.end()) {
        ask(*known->second, held_[i].fetch);
      } else {
        (void)endpoint_->answer_fetch(held_[i].fetch, writer);
      }
    } else if (held_[i].status) {
      moqt::MessageParameters parameters;
      if (writer->largest()) parameters.set_largest_object(*writer->largest());
      (void)session().accept(held_[i].request, std::move(parameters));
    } else {
      (void)endpoint_->accept_subscribe(held_[i].request, writer);
    }
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void SessionLink::publish(const std::shared_ptr<TrackLink>& track, std::uint64_t ticket, bool forward,
                          moqt::MessageParameters parameters) {
  if (!track->writer) return failed(ticket, SessionError::kWrongState);
  expect(ticket, endpoint_->publish(track->writer, forward, std::move(parameters)));
}

bool SessionLink::watch(TrackLink& track) {
  const auto found = tracks_.find(track.writer.get());
  if (found == tracks_.end()) return false;
  busy_.push_back(found->second);
  return true;
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
                         moqt::MessageParameters parameters, bool new_group) {
  if (!link->reader()) return failed(ticket, SessionError::kWrongState);
  if (new_group) parameters.set_new_group_request(link->reader()->first_unknown_group());
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

void SessionLink::look_at_expiry(ReaderLink& link) {
  if (link.reader()) link.set_expiry(session().expiry(link.reader()->subscription()));
}

void SessionLink::established(std::uint64_t ticket, const pubsub::TrackReader& reader) {
  if (const auto found = readers_.find(&reader); found != readers_.end()) look_at_expiry(*found->second);
  notify({.kind = Notice::Kind::Answered,
          .ticket = ticket,
          .largest = reader.parameters().largest_object(),
          .track_alias = session().track_alias(reader.subscription()).value_or(0),
          .properties = reader.parameters()});
}

// ---- fetches ----

void SessionLink::began(const std::shared_ptr<FetchLink>& link, std::uint64_t ticket,
                        const moqt::session::SessionResult<std::shared_ptr<pubsub::FetchReader>>& reader) {
  if (!reader.ok()) return failed(ticket, reader.error());
  link->attach(*reader);
  link->ticket = ticket;
  fetches_[reader->get()] = link;
}

void SessionLink::fetch(const std::shared_ptr<FetchLink>& link, std::uint64_t ticket, moqt::FullTrackName name,
                        moqt::FetchRange range, moqt::MessageParameters parameters) {
  began(link, ticket, endpoint_->fetch(std::move(name), range.start, range.end, std::move(parameters)));
}

void SessionLink::join(const std::shared_ptr<FetchLink>& link, std::uint64_t ticket,
                       const std::shared_ptr<ReaderLink>& reader, moqt::session::JoiningStart start,
                       moqt::MessageParameters parameters) {
  if (!reader->reader()) return failed(ticket, SessionError::kWrongState);
  began(link, ticket, endpoint_->join(*reader->reader(), start, std::move(parameters)));
}

void SessionLink::cancel_fetch(const std::shared_ptr<FetchLink>& link) {
  if (!link->reader()) return;
  link->ticket = 0;
  link->reader()->cancel();
  link->discard();
  link->look();
  fetches_.erase(link->reader().get());
}

void SessionLink::ask(TrackLink& track, const std::shared_ptr<pubsub::FetchResponse>& response) {
  auto link = std::make_shared<ResponseLink>(shared_from_this(), response);
  responses_[response.get()] = link;
  notify({.target = track.target,
          .kind = Notice::Kind::FetchAsked,
          .ticket = response->request().request.value,
          .response = std::move(link)});
}

void SessionLink::drain(const std::shared_ptr<ResponseLink>& response, std::uint64_t ticket) {
  response->drain_tickets.push_back(ticket);
  if (!response->response->open() || response->response->writable()) drained(*response);
}

void SessionLink::forget(const ResponseLink& response) {
  (void)response.response->reject(moqt::RequestErrorCode::kInternalError, "the application failed");
  responses_.erase(response.response.get());
}

void SessionLink::drained(ResponseLink& response) {
  for (const std::uint64_t ticket : std::exchange(response.drain_tickets, {})) {
    notify({.kind = Notice::Kind::Drained, .ticket = ticket});
  }
}

// ---- what becomes of tracks ----

void SessionLink::tell_subscribers(TrackLink& track) {
  notify({.target = track.target,
          .kind = Notice::Kind::Subscribers,
          .flag = track.writer->wanted(),
          .code = track.writer->subscribers()});
}

void SessionLink::look_after_tracks() {
  publishing_ = endpoint_->publications();
  std::erase_if(busy_, [](const std::shared_ptr<TrackLink>& track) { return track->look_after(); });
  for (const auto& track : shared_) {
    if (track->busy) (void)track->look_after();
  }
}

}  // namespace msquic_py::python
