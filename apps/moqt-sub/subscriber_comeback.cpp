// What a subscriber does between two sessions (--resume): its tracks are subscribed to again, and what was missed of
// them is fetched where the next object shows that there is something missing.

#include <algorithm>
#include <utility>

#include "command_line/logging.h"
#include "moqt-sub/subscriber.h"

namespace msquic_py::apps {

namespace pubsub = moqt::pubsub;

void Subscriber::suspend() {
  for (const auto& feed : feeds_) {
    if (!feed->ended()) feed->lose(objects_left());
  }
  // The catalog comes again, and with it what was to follow.
  catalog_.reset();
  known_.reset();
  successors_.clear();
  offer_.reset();
  announcement_.reset();
  waiting_for_namespace_ = false;
  endpoint_.reset();
  lost_at_ = runtime::EventLoop::Clock::now();
  report_.event("lost", {});
}

void Subscriber::go_on() {
  if (!options_.single && !catalog_) subscribe();
  for (std::size_t i = 0; i < feeds_.size() && !leaving_; ++i) {
    TrackFeed& feed = *feeds_[i];
    if (feed.ended() || !feed.lost() || feed.repair() != nullptr || feed.has_the_rest()) continue;
    if (options_.fetch) {
      feed.go_on_with(request_past_from(feed.track(), feed.next_place()));
    } else {
      feed.go_on(request(feed.track(), moqt::SubscriptionFilter::largest_object()));
    }
  }
}

bool Subscriber::comes_back(const pubsub::TrackEnd& end) {
  using Cause = pubsub::TrackEnd::Cause;
  if (comeback() == nullptr || !lost_at_) {
    // Only the track was lost, by the relay.
    const bool lost = end.cause == Cause::kDone &&
                      (static_cast<moqt::PublishDoneCode>(end.code) == moqt::PublishDoneCode::kInternalError ||
                       static_cast<moqt::PublishDoneCode>(end.code) == moqt::PublishDoneCode::kGoingAway);
    if (comeback() == nullptr || !lost) return false;
    lost_at_ = runtime::EventLoop::Clock::now();
  } else if (end.cause == Cause::kRejected) {
    const auto code = static_cast<moqt::RequestErrorCode>(end.code);
    // Its publisher may be on its way back as well.
    if (code != moqt::RequestErrorCode::kDoesNotExist && code != moqt::RequestErrorCode::kTimeout &&
        code != moqt::RequestErrorCode::kInternalError) {
      return false;
    }
  } else if (end.cause != Cause::kDone ||
             (static_cast<moqt::PublishDoneCode>(end.code) != moqt::PublishDoneCode::kInternalError &&
              static_cast<moqt::PublishDoneCode>(end.code) != moqt::PublishDoneCode::kGoingAway)) {
    return false;
  }
  const auto now = runtime::EventLoop::Clock::now();
  const std::chrono::duration<double> away = now - *lost_at_;
  if (options_.client.give_up_after > 0 && away.count() > options_.client.give_up_after) return false;
  ask_again_soon();
  return true;
}

void Subscriber::ask_again_soon() {
  ask_again_at_ = runtime::EventLoop::Clock::now() + kAskAgain;
  loop_.ready(*this);
}

void Subscriber::ask_again(runtime::EventLoop::Time now) {
  if (!ask_again_at_ || now < *ask_again_at_) return;
  ask_again_at_.reset();
  if (endpoint_ && driver_ != nullptr && !driver_->session().going_away()) {
    go_on();
    driver_->make_ready();
  }
}

}  // namespace msquic_py::apps
