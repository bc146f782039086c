#include "hostile/application.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include "hostile/messages.h"
#include "moqt/session/data/object_encoding.h"

namespace msquic_py::hostile {

namespace pubsub = moqt::pubsub;
namespace session = moqt::session;

namespace {

/// Of each kind of thing it remembers the latest ones.
constexpr std::size_t kRemembered = 12;

template <class T>
void remember(std::vector<T>& list, T what) {
  if (list.size() == kRemembered) list.erase(list.begin());
  list.push_back(std::move(what));
}

template <class T>
T* any_of(std::vector<T>& list, Moves& moves) {
  return list.empty() ? nullptr : &list[moves.choose(list.size())];
}

base::SharedBytes payload_of(Moves& moves) {
  const std::size_t size = moves.choose(64) * (moves.choose(16) == 1 ? 60 : 1);
  return base::SharedBytes::copy_of(base::as_bytes(std::string(size, 'a')));
}

/// An extension block for applications: one pair with a number, or none.
base::ByteVector block_of(Moves& moves) {
  if (moves.choose(4) != 1) return {};
  return {static_cast<std::uint8_t>(2 * moves.choose(16)), static_cast<std::uint8_t>(moves.choose(64))};
}

pubsub::EndpointConfig small_config() {
  pubsub::EndpointConfig config;
  config.reject_unknown_tracks = false;  // it answers itself
  config.receive = {.reader_queue = 2048, .object = 3000, .session = 4096, .fetch_queue = 1024};
  config.wake = [] {};
  return config;
}

}  // namespace

/// What the endpoint tells: everything that can be answered is remembered.
struct Application::Take {
  Application& self;

  void operator()(const session::PublishReceived& event) const { remember(self.offers_, event.request); }
  void operator()(const session::SubscribeReceived& event) const { remember(self.subscribes_, event.request); }
  void operator()(const session::TrackStatusReceived& event) const { remember(self.requests_, event.request); }
  void operator()(const session::NamespacePublished& event) const { remember(self.requests_, event.request); }
  void operator()(const session::NamespaceSubscribed& event) const { remember(self.requests_, event.request); }
  void operator()(const pubsub::FetchRequested& event) const { remember(self.responses_, event.response); }
  template <class Other>
  void operator()(const Other&) const {}
};

void Application::begin(session::Session& session, moqt::objects::Outlet&) {
  endpoint_.emplace(session, small_config());
}

bool Application::on_events(session::Time now) {
  endpoint_->drain_session(now);
  bool any = false;
  pubsub::EndpointEvent event;
  while (endpoint_->poll_event(event)) {
    any = true;
    std::visit(Take{*this}, event);
  }
  return any;
}

void Application::end() { endpoint_.reset(); }

std::string Application::what_is_left() {
  const auto ended = [](const auto& reader) { return reader->end().has_value(); };
  if (!std::all_of(readers_.begin(), readers_.end(), ended)) return "a reader has not ended with its session";
  if (!std::all_of(fetches_.begin(), fetches_.end(), ended)) return "a fetch has not ended with its session";
  const auto open = [](const auto& response) { return response->open(); };
  if (std::any_of(responses_.begin(), responses_.end(), open)) return "a response has not ended with its session";
  if (endpoint_->session().open_requests() != 0) return "requests are open although their session is over";
  return {};
}

void Application::move(Moves& moves) {
  switch (moves.choose(20)) {
    case 0:
    case 1: return make_writer(moves);
    case 2:
    case 3:
    case 4:
    case 5: return write(moves);
    case 6: return end_writer(moves);
    case 7:
    case 8: return subscribe(moves);
    case 9:
    case 10: return fetch(moves);
    case 11: return end_reader(moves);
    case 12:
    case 13: return answer(moves);
    case 14:
    case 15: return answer_fetch(moves);
    case 16: return ask(moves);
    case 17:
    case 18: return read(moves);
    default: return misuse(moves);
  }
}

// ---- publishing ----

std::shared_ptr<pubsub::TrackWriter> Application::writer(Moves& moves) const {
  const auto& list = !shared_.empty() && moves.choose(4) == 1 ? shared_ : writers_;
  return list.empty() ? nullptr : list[moves.choose(list.size())];
}

void Application::make_writer(Moves& moves) {
  pubsub::TrackOptions options;
  if (moves.choose(4) == 1) options.delivery_timeout_ms = 1 + 50 * moves.number();
  if (moves.choose(8) == 1) options.expires_ms = 500 * moves.number();
  options.dynamic_groups = moves.flip();
  options.extensions = moves.choose(4) != 1;
  options.queue_limit = 2048;
  if (moves.flip()) options.retention = {4096, moves.choose(4), std::chrono::seconds(2)};
  options.answers_fetch = moves.flip();
  const moqt::FullTrackName name = make_track(moves);
  if (moves.choose(3) == 1) {
    if (shared_.empty() || moves.flip()) {
      shared_.push_back(std::make_shared<pubsub::TrackWriter>(name, options, endpoint_->session().draft()));
    }
    (void)endpoint_->add_track(shared_[moves.choose(shared_.size())]);
    return;
  }
  const auto made = endpoint_->add_track(name, options);
  if (!made) return;
  writers_.push_back(*made);
  if (moves.flip()) {
    const auto offered = endpoint_->publish(*made, moves.choose(4) != 1);
    if (offered) remember(requests_, *offered);
  }
}

void Application::write(Moves& moves) {
  if (moves.choose(3) == 1 || groups_.empty()) {
    const auto track = writer(moves);
    if (!track) return make_writer(moves);
    if (moves.choose(8) == 1) {
      const auto payload = payload_of(moves);
      (void)track->write_datagram(make_location(moves), payload.view(), block_of(moves));
      return;
    }
    const std::uint64_t group = moves.choose(4) == 1 ? moves.number() : track->next_group();
    pubsub::GroupOptions options{.subgroup = moves.choose(3), .publisher_priority = {}, .end_of_group = moves.flip()};
    const auto made = track->begin_group(group, options);
    if (made) remember(groups_, *made);
    return;
  }
  pubsub::GroupWriter& group = **any_of(groups_, moves);
  const auto id = moves.choose(8) == 1 ? std::optional(group.next_object() + moves.number()) : std::nullopt;
  const base::ByteVector block = block_of(moves);
  switch (moves.choose(8)) {
    case 0: return group.finish();
    case 1: return group.reset(moqt::StreamResetCode::kCancelled);
    case 2: return void(group.begin_object(moves.number(), block, id));
    case 3: return void(group.append(payload_of(moves)));
    case 4: return void(group.write_status(moqt::ObjectStatus::kEndOfGroup, id));
    default: return void(group.write(payload_of(moves), block, id));
  }
}

void Application::end_writer(Moves& moves) {
  const auto track = writer(moves);
  if (!track) return;
  if (moves.flip()) track->finish();
  if (moves.flip()) endpoint_->remove_track(track->track());
}

// ---- receiving ----

void Application::subscribe(Moves& moves) {
  const auto reader = endpoint_->subscribe(make_track(moves), make_subscriber_parameters(moves));
  if (reader) remember(readers_, *reader);
}

void Application::fetch(Moves& moves) {
  const auto* joined = moves.flip() ? any_of(readers_, moves) : nullptr;
  if (joined != nullptr) {
    const session::JoiningStart start = moves.flip() ? session::JoiningStart::relative(moves.number())
                                                     : session::JoiningStart::absolute(moves.number());
    const auto reader = endpoint_->join(**joined, start);
    if (reader) remember(fetches_, *reader);
    return;
  }
  const moqt::Location start = make_location(moves);
  const auto reader = endpoint_->fetch(make_track(moves), start, {start.group + moves.choose(4), moves.choose(8)});
  if (reader) remember(fetches_, *reader);
}

void Application::end_reader(Moves& moves) {
  if (auto* reader = moves.flip() ? any_of(readers_, moves) : nullptr) {
    if (moves.flip()) return void((*reader)->update(make_subscriber_parameters(moves)));
    return (*reader)->cancel();
  }
  if (auto* reader = any_of(fetches_, moves)) (*reader)->cancel();
}

void Application::read(Moves& moves) {
  pubsub::ReceivedObject object;
  if (auto* reader = any_of(readers_, moves)) {
    while ((*reader)->read(object)) {
    }
  }
  if (auto* reader = any_of(fetches_, moves)) {
    for (std::size_t count = moves.choose(4); count > 0 && (*reader)->read(object); --count) {
    }
    if ((*reader)->wants_resume()) (*reader)->resume();
  }
}

// ---- answers, and requests of its own ----

void Application::answer(Moves& moves) {
  if (!offers_.empty()) {
    const session::RequestHandle offer = offers_.back();
    offers_.pop_back();
    if (moves.choose(4) == 1) return void(endpoint_->reject(offer, moqt::RequestErrorCode::kUninterested, "no"));
    const auto reader = endpoint_->accept_publish(offer, make_subscriber_parameters(moves));
    if (reader) remember(readers_, *reader);
  } else if (!subscribes_.empty()) {
    const session::RequestHandle wanted = subscribes_.back();
    subscribes_.pop_back();
    const auto track = writer(moves);
    if (!track || moves.choose(4) == 1) {
      return void(endpoint_->reject(wanted, moqt::RequestErrorCode::kDoesNotExist, "no"));
    }
    (void)endpoint_->accept_subscribe(wanted, track);
  } else if (!requests_.empty()) {
    const session::RequestHandle asked = request(moves);
    if (moves.choose(4) == 1) return void(endpoint_->reject(asked, moqt::RequestErrorCode::kUnauthorized));
    (void)endpoint_->session().accept(asked);
  }
}

void Application::answer_fetch(Moves& moves) {
  auto* const found = any_of(responses_, moves);
  if (found == nullptr) return fetch(moves);
  pubsub::FetchResponse& response = **found;
  const moqt::FetchRange range = response.request().range;
  switch (moves.choose(8)) {
    case 0: return void(response.accept({moves.flip(), range.end}));
    case 1: return void(response.finish());
    case 2: return void(response.reject(moqt::RequestErrorCode::kDoesNotExist, "no"));
    case 3: return void(responses_.erase(responses_.begin() + (found - responses_.data())));
    case 4: {
      const auto track = writer(moves);
      if (track) (void)endpoint_->answer_fetch(*found, track);
      return;
    }
    case 5: return void(response.append(payload_of(moves)));
    default: {
      session::FetchObject object;
      object.location = {range.start.group + moves.choose(3), range.start.object + moves.number()};
      object.payload = payload_of(moves);
      object.payload_length = object.payload.size() + (moves.choose(4) == 1 ? moves.number() : 0);
      return void(response.write(object));
    }
  }
}

void Application::ask(Moves& moves) {
  session::Session& session = endpoint_->session();
  const auto made = [&]() -> session::SessionResult<session::RequestHandle> {
    switch (moves.choose(5)) {
      case 0: return session.publish_namespace(make_namespace(moves));
      case 1: return session.subscribe_namespace(make_namespace(moves));
      case 2: return session.subscribe_namespace(make_namespace(moves), {}, {}, session::NamespaceInterest::kPublish);
      case 3: return session.announce(request(moves), make_namespace(moves));
      default: return session.track_status(make_track(moves));
    }
  }();
  if (made) remember(requests_, *made);
}

session::RequestHandle Application::request(Moves& moves) const {
  if (!readers_.empty() && moves.choose(4) == 1) return readers_[moves.choose(readers_.size())]->subscription();
  if (requests_.empty() || moves.choose(16) == 1) return {moves.number()};
  return requests_[moves.choose(requests_.size())];
}

void Application::misuse(Moves& moves) {
  session::Session& session = endpoint_->session();
  const session::RequestHandle which = request(moves);
  switch (moves.choose(10)) {
    case 0: return void(session.cancel(which));
    case 1: return void(session.accept(which, make_subscriber_parameters(moves)));
    case 2: return void(session.reject(which, moqt::RequestErrorCode::kInternalError, "no"));
    case 3: return void(session.update(which, make_subscriber_parameters(moves)));
    case 4: return void(session.cancel_namespace(which, moqt::RequestErrorCode::kUninterested));
    case 5: return void(session.accept_fetch(which, {moves.flip(), make_location(moves)}));
    case 6: return void(session.open_fetch(which));
    case 7: return void(session.publish_done(which, moqt::PublishDoneCode::kTrackEnded));
    case 8:
      if (moves.choose(8) == 1) (void)session.goaway(moves.flip() ? "moqt://there/" : "");
      return;
    default:
      if (moves.choose(32) == 1) session.close(moqt::SessionErrorCode::kNoError, "enough");
  }
}

}  // namespace msquic_py::hostile
