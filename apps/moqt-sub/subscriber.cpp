#include "moqt-sub/subscriber.h"

#include <algorithm>
#include <string>
#include <utility>

#include "command_line/connection_end.h"
#include "command_line/exit_code.h"
#include "command_line/logging.h"

namespace msquic_py::apps {

namespace {

/// What is missing, for people.
std::string describe(const Losses& lost) {
  std::string text;
  const auto add = [&text](std::uint64_t count, const char* what) {
    if (count != 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  add(lost.objects + lost.late, "objects missing");
  add(lost.groups_cut, "groups cut short");
  add(lost.groups_skipped, "groups skipped");
  return text;
}

}  // namespace

Subscriber::Subscriber(runtime::EventLoop& loop, SubscriberOptions options, TransferReport& report)
    : loop_(loop), options_(std::move(options)), report_(report) {
  track_name_.assign(options_.track.track_name.begin(), options_.track.track_name.end());
  loop_.add(*this);
}

Subscriber::~Subscriber() {
  feeds_.clear();
  recording_.reset();  // its thread calls ready() for us
  loop_.remove(*this);
}

Recording::Outcome Subscriber::open(const std::string& path, Recording::Format format) {
  auto opened = Recording::open(path, format, [this] { loop_.ready(*this); });
  if (!opened) return base::Failure{opened.error()};
  recording_ = std::move(*opened);
  return {};
}

// ---- the end ----

void Subscriber::fail(std::string why, int code) {
  if (!failure_) {
    failure_ = std::move(why);
    exit_code_ = code;
  }
  leave();
}

void Subscriber::warn(const std::string& text) {
  log_warning(text);
  report_.event("warning", {{"text", text}});
}

void Subscriber::stop() {
  stopped_ = true;
  const auto now = runtime::EventLoop::Clock::now();
  give_up_output_ = now + kDrainPatience;
  leave();
  leave_when_written(now);
  loop_.ready(*this);
}

void Subscriber::leave() {
  if (std::exchange(leaving_, true)) return;
  end_feeds();
  take_warnings();
  if (catalog_) catalog_->cancel();
  if (recording_) {
    if (auto finished = recording_->finish(); !finished && !failure_) {
      failure_ = finished.error();
      exit_code_ = kFailure;
    }
    for (const std::string& note : recording_->take_notes()) warn(note);
  }
  // A publisher that is followed may die in the middle of a group; everything else that is missing is a loss.
  Losses lost = losses();
  if (options_.follow) lost.groups_cut = 0;
  if (exit_code_ == kSuccess && !failure_ && lost.any()) {
    exit_code_ = kIncomplete;
    failure_ = "the recording is incomplete: " + describe(lost);
  }
  if (exit_code_ == kSuccess && !failure_) conclude_what_is_recorded();
  if (driver_ != nullptr) driver_->close(moqt::SessionErrorCode::kNoError, "");
  loop_.ready(*this);
}

void Subscriber::conclude_what_is_recorded() {
  if (!recording_) return;  // only listed
  const bool late = std::ranges::any_of(feeds_, [](const auto& feed) { return feed->came_too_late(); });
  const bool nothing = status().objects == 0;
  if (nothing && !stopped_ && late) {
    exit_code_ = kFailure;
    failure_ = "nothing was recorded: the tracks ended before a group began with which a decoder could begin";
  } else if (nothing && (late || (!stopped_ &&
                                  std::ranges::any_of(feeds_, [](const auto& feed) { return feed->had_objects(); })))) {
    exit_code_ = kIncomplete;
    failure_ = late ? "nothing was recorded: no group has begun with which a decoder could begin"
                    : "nothing was recorded: the tracks ended and no object of them has come";
  } else if (std::ranges::any_of(feeds_, [](const auto& feed) { return feed->lacks_past(); })) {
    exit_code_ = kIncomplete;
    failure_ = "the recording is incomplete: what came before the subscription is not to be had, or not all of it";
  }
}

void Subscriber::end_feeds() {
  for (;;) {
    for (const auto& feed : feeds_) {
      if (feed->ended()) continue;
      if (feed->reader()) feed->reader()->cancel();
      if (auto ended = feed->end(false, objects_left()); !ended && !failure_) {
        failure_ = ended.error();
        exit_code_ = kFailure;
      }
    }
    if (successors_.empty() || exit_code_ == kFailure) return;
    begin_successors();  // what has come of them is written, too
  }
}

void Subscriber::take_warnings() {
  const auto now = runtime::EventLoop::Clock::now();
  for (const auto& feed : feeds_) {
    if (auto warning = feed->take_warning(now)) warn(*warning);
  }
}

void Subscriber::leave_when_written(runtime::EventLoop::Time now) {
  if (driver_ != nullptr) return;  // on_finished() follows
  const std::size_t left = recording_ ? recording_->queued() : 0;
  const auto broken = recording_ ? recording_->output_failure() : std::nullopt;
  const bool given_up = give_up_output_ && now >= *give_up_output_;
  if (left > 0 && !broken && !given_up) return;
  if (!failure_ && (broken || left > 0)) {
    failure_ = broken ? *broken : "the output is not read: " + std::to_string(left) + " bytes could not be written";
    exit_code_ = broken ? kFailure : kIncomplete;
  }
  loop_.stop();
}

void Subscriber::on_finished(runtime::SessionDriver&, const transport::CloseReason& reason) {
  driver_ = nullptr;
  if (!leaving_ && comeback() != nullptr && comeback()->after(reason)) return suspend();
  if (!leaving_) {
    const bool begun = !feeds_.empty() || before_.objects > 0;
    fail(describe_connection_end(comeback() == nullptr ? options_.client : comeback()->options(), reason) +
             (begun ? "; the recording ends in the middle of the track" : ""),
         begun ? kIncomplete : kFailure);
  }
  for (const auto& feed : feeds_) retire(*feed);
  feeds_.clear();
  catalog_.reset();
  endpoint_.reset();
  leave_when_written(runtime::EventLoop::Clock::now());
}

// ---- amounts ----

void Subscriber::retire(TrackFeed& feed) {
  before_.objects += feed.objects();
  before_.bytes += feed.bytes();
  before_.groups += feed.groups();
  const Losses lost = feed.losses();
  losses_before_.objects += lost.objects;
  losses_before_.groups_cut += lost.groups_cut;
  losses_before_.groups_skipped += lost.groups_skipped;
  losses_before_.late += lost.late;
}

Losses Subscriber::losses() const {
  Losses all = losses_before_;
  for (const auto& feed : feeds_) {
    const Losses lost = feed->losses();
    all.objects += lost.objects;
    all.groups_cut += lost.groups_cut;
    all.groups_skipped += lost.groups_skipped;
    all.late += lost.late;
  }
  return all;
}

TransferStatus Subscriber::status() const {
  TransferStatus status = before_;
  for (const auto& feed : feeds_) {
    status.objects += feed->objects();
    status.bytes += feed->bytes();
    status.groups += feed->groups();
  }
  const Losses lost = losses();
  status.objects_missing = lost.objects + lost.late;
  status.groups_skipped = lost.groups_skipped + lost.groups_cut;
  if (recording_) status.media_time = recording_->length();
  return status;
}

std::string Subscriber::summary() const {
  const TransferStatus status = this->status();
  std::string text = "wrote " + std::to_string(status.objects) + " objects in " + std::to_string(status.groups) +
                     " groups, " + std::to_string(status.bytes) + " bytes";
  const Losses lost = losses();
  if (lost.any()) text += "; " + describe(lost);
  return text;
}

std::uint64_t Subscriber::objects_left() const noexcept {
  if (options_.max_objects == 0) return ~std::uint64_t{0};
  std::uint64_t objects = before_.objects;
  for (const auto& feed : feeds_) objects += feed->objects();
  return options_.max_objects - std::min(objects, options_.max_objects);
}

// ---- feeds ----

TrackFeed* Subscriber::feed_of(const Reader& reader) noexcept {
  const auto found = std::ranges::find_if(feeds_, [&](const auto& feed) { return feed->reader() == reader; });
  return found == feeds_.end() ? nullptr : found->get();
}

void Subscriber::pump() {
  for (std::size_t i = 0; i < feeds_.size() && !leaving_; ++i) {
    if (feeds_[i]->ended()) continue;
    if (recording_->queued() > kMostQueued && !recording_->output_failure()) break;
    if (auto taken = feeds_[i]->take(objects_left()); !taken) return fail(taken.error(), kFailure);
  }
  if (leaving_) return;
  if (options_.max_objects != 0 && objects_left() == 0) leave();
}

void Subscriber::conclude_when_ended() {
  if (leaving_ || feeds_.empty()) return;
  if (!std::ranges::all_of(feeds_, [](const auto& feed) { return feed->ended(); })) return;
  // Tracks whose encoder was configured anew are followed by others, which the catalog names.
  if (!options_.fetch && catalog_ && !(known_ && known_->is_complete)) {
    const auto now = runtime::EventLoop::Clock::now();
    if (!successors_until_) successors_until_ = now + kSuccessorPatience;
    if (now < *successors_until_) return;
  }
  successors_until_.reset();
  if (!options_.follow) return leave();
  take_warnings();
  for (const auto& feed : feeds_) retire(*feed);
  feeds_.clear();
  if (catalog_) catalog_->cancel();
  catalog_.reset();
  known_.reset();
  subscribe();
}

std::optional<runtime::EventLoop::Time> Subscriber::turn(runtime::EventLoop::Time now) {
  if (leaving_) {
    leave_when_written(now);
    return now + kTick;
  }
  ask_again(now);
  if (recording_) {
    pump();
    if (!leaving_) conclude_when_ended();
    if (!leaving_) {
      if (auto tended = recording_->tend(now); !tended) fail(tended.error(), kFailure);
      if (auto broken = recording_->output_failure()) fail(std::move(*broken), kFailure);
      for (const std::string& note : recording_->take_notes()) warn(note);
    }
    take_warnings();
  }
  if (feeds_.empty()) return now + kTick;
  auto next = std::min(now + kTick, report_.progress(status(), now));
  for (const auto& feed : feeds_) {
    if (const auto begins = feed->begins_at()) next = std::min(next, *begins);
  }
  if (ask_again_at_) next = std::min(next, *ask_again_at_);
  return next;
}

}  // namespace msquic_py::apps
