#include "moqt-sub/subscriber.h"

#include <algorithm>
#include <iostream>
#include <string>
#include <utility>

#include "command_line/connection_end.h"
#include "command_line/exit_code.h"
#include "command_line/logging.h"

namespace msquic_py::apps {

namespace pubsub = moqt::pubsub;

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
  give_up_output_ = runtime::EventLoop::Clock::now() + kDrainPatience;
  leave();
  if (driver_ == nullptr) loop_.stop();
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
  const bool late = std::ranges::any_of(feeds_, [](const auto& feed) { return feed->came_too_late(); });
  if (exit_code_ == kSuccess && !failure_ && !stopped_ && late && status().objects == 0) {
    exit_code_ = kFailure;
    failure_ = "nothing was recorded: the tracks ended before a group began with which a decoder could begin";
  }
  if (driver_ != nullptr) driver_->close(moqt::SessionErrorCode::kNoError, "");
  loop_.ready(*this);
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
  if (!leaving_) {
    const bool begun = !feeds_.empty() || before_.objects > 0;
    fail(describe_connection_end(options_.client, reason) +
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

// ---- catalog and feeds ----

void Subscriber::read_catalog() {
  pubsub::ReceivedObject object;
  while (!leaving_ && catalog_ && catalog_->read(object)) {
    if (object.status != moqt::ObjectStatus::kNormal) continue;
    std::string json(object.payload_size, '\0');
    object.copy_payload(reinterpret_cast<std::uint8_t*>(json.data()));
    auto decoded = msf::decode_catalog(json);
    if (!decoded) {
      if (known_) {
        warn("a new catalog can't be read: " + decoded.error());
        continue;
      }
      return fail("the catalog can't be read: " + decoded.error(), kFailure);
    }
    if (auto* update = std::get_if<msf::DeltaUpdate>(&*decoded)) {
      if (!known_) continue;  // section 5 of the MSF draft: what comes before a whole catalog is ignored
      if (auto applied = known_->apply(*update); !applied) {
        warn("an update of the catalog can't be applied: " + applied.error());
        continue;
      }
    } else {
      msf::Catalog& whole = std::get<msf::Catalog>(*decoded);
      whole.generated_at.reset();  // when it was made is no difference
      if (known_ == whole) continue;
      known_ = std::move(whole);
    }
    on_catalog(msf::Catalog(*known_));
  }
}

void Subscriber::on_catalog(const msf::Catalog& catalog) {
  if (options_.list) {
    std::cout << list_tracks(catalog) << std::flush;
    return leave();
  }
  if (catalog.is_complete) conclude_when_ended();
  if (leaving_) return;
  if (catalog.tracks.empty()) {
    if (catalog.is_complete && feeds_.empty() && !options_.follow) {
      fail("the broadcast is over: its catalog is empty", kFailure);
    }
    return;
  }
  auto choice = choose_tracks(catalog, options_.tracks);
  if (!choice) {
    if (feeds_.empty()) return fail(choice.error(), kFailure);
    return warn(choice.error());
  }
  if (feeds_.empty()) {
    for (const std::string& line : choice->left_out) log_info(line);
    if (choice->taken.empty()) return fail("the catalog has no track that can be recorded", kFailure);
  }
  take_tracks(*choice);
}

void Subscriber::take_tracks(const TrackChoice& choice) {
  Successors next{*known_, {}};
  for (const msf::Track& track : choice.taken) {
    auto initialization = known_->initialization_of(track);
    base::ByteVector bytes = initialization && *initialization ? **initialization : base::ByteVector{};
    const auto running =
        std::ranges::find_if(feeds_, [&](const auto& feed) { return !feed->ended() && feed->name() == track.name; });
    if (running != feeds_.end()) {
      if (auto updated = recording_->update_track((*running)->source(), track, bytes); !updated) {
        return fail(updated.error(), kFailure);
      }
      continue;
    }
    const bool waiting = std::ranges::any_of(successors_, [&](const Successors& earlier) {
      return std::ranges::any_of(earlier.tracks, [&](const auto& each) { return each.track.name == track.name; });
    });
    if (waiting) continue;
    successors_until_.reset();
    const auto full_name = track.track_namespace ? track_called(*track.track_namespace, track.name)
                                                 : moqt::FullTrackName(options_.track.track_namespace, track.name);
    Reader reader = options_.fetch ? nullptr : request(full_name, options_.filter);
    Past past = options_.fetch ? request_past(full_name) : join(reader);
    if (!reader && !past) return;
    next.tracks.push_back({track, std::move(bytes), std::move(reader), std::move(past)});
  }
  if (next.tracks.empty()) return;
  successors_.push_back(std::move(next));
  begin_successors();
}

bool Subscriber::all_follow(const msf::Catalog& catalog) const {
  return std::ranges::all_of(feeds_,
                             [&](const auto& feed) { return feed->ended() || catalog.find(feed->name()) != nullptr; });
}

void Subscriber::begin_successors() {
  while (!successors_.empty() && all_follow(successors_.front().catalog)) {
    const Successors next = std::move(successors_.front());
    successors_.pop_front();
    for (const auto& [track, initialization, reader, past] : next.tracks) {
      add_track(track, initialization, reader, past);
      if (failure_ && exit_code_ == kFailure) return;
    }
    for (const auto& [track, initialization, reader, past] : next.tracks) {
      if (!leaving_ && reader && reader->state() == pubsub::TrackReader::State::kEnded) on_reader_ended(reader);
    }
  }
}

void Subscriber::add_track(const msf::Track& track, base::Bytes initialization, Reader reader, Past past) {
  const Recording::SourceId source = slot_for(track, initialization);
  if (failure_ && exit_code_ == kFailure) return;
  const bool audio = track.role == msf::kRoleAudio || track.samplerate.has_value();
  add_feed(track.name, !audio, source, std::move(reader), std::move(past));
  report_.event("track", {{"name", track.name}, {"codec", track.codec.value_or("")}, {"packaging", track.packaging}});
}

Recording::SourceId Subscriber::slot_for(const msf::Track& track, base::Bytes initialization) {
  const std::string role = track.role.value_or(track.name);
  for (const Slot& slot : slots_) {
    const bool taken =
        std::ranges::any_of(feeds_, [&](const auto& feed) { return feed->source() == slot.source && !feed->ended(); });
    if (slot.role != role || taken) continue;
    if (auto updated = recording_->update_track(slot.source, track, initialization); !updated) {
      fail(updated.error(), kFailure);
    }
    return slot.source;
  }
  auto added = recording_->add_track(track, initialization);
  if (!added) {
    fail(added.error(), kFailure);
    return 0;
  }
  slots_.push_back({role, *added});
  return *added;
}

void Subscriber::add_feed(const std::string& name, bool builds_on_earlier, Recording::SourceId source, Reader reader,
                          Past past) {
  feeds_.push_back(std::make_unique<TrackFeed>(TrackFeed::Options{name, builds_on_earlier}, std::move(reader),
                                               std::move(past), *recording_, source, report_));
}

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
  return next;
}

}  // namespace msquic_py::apps
