#include "moqt-sub/track_feed.h"

#include <algorithm>
#include <utility>

#include "command_line/logging.h"
#include "loc/header_extensions.h"
#include "moqt/model/draft.h"
#include "moqt/model/error_codes.h"
#include "moqt/session/data/object_encoding.h"

namespace msquic_py::apps {
namespace {

loc::HeaderExtensions extensions_of(const moqt::pubsub::ReceivedObject& object) {
  if (object.extensions.empty()) return {};
  const auto pairs = moqt::session::decode_extension_block(moqt::Draft::k15, object.extensions.view());
  if (!pairs) return {};
  auto parsed = loc::parse_extensions(*pairs);
  return parsed ? std::move(*parsed) : loc::HeaderExtensions{};
}

/// How long ago `capture` was by this machine's clock; nothing when the two clocks plainly don't agree.
std::optional<std::chrono::microseconds> delay_since(std::uint64_t capture) {
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto delay = now - std::chrono::microseconds(static_cast<std::int64_t>(capture));
  if (delay < -std::chrono::hours(1) || delay > std::chrono::hours(1)) return std::nullopt;
  return delay;
}

std::string what_is_left_out(const moqt::pubsub::FetchGap& gap) {
  const std::string last = "group " + std::to_string(gap.last.group);
  const char* const why = gap.timed_out ? " was not found in time" : " is not known to the publisher any more";
  if (!gap.behind) return "what was there up to " + last + why;
  return "what was there behind object " + std::to_string(gap.behind->object) + " of group " +
         std::to_string(gap.behind->group) + " up to " + last + why;
}

std::string_view name_of(std::uint64_t code) { return name(static_cast<moqt::RequestErrorCode>(code)); }

}  // namespace

TrackFeed::TrackFeed(Options options, std::shared_ptr<moqt::pubsub::TrackReader> reader, Past past, Fetch fetch,
                     Recording& recording, Recording::SourceId source, TransferReport& report)
    : options_(std::move(options)),
      track_(reader ? reader->track() : past->track()),
      reader_(std::move(reader)),
      past_(std::move(past)),
      fetch_(std::move(fetch)),
      recording_(recording),
      source_(source),
      report_(report),
      sequencer_(
          [this](const moqt::pubsub::ReceivedObject& object, GroupSequencer::Emitted place) { write(object, place); },
          [this](const GroupSequencer::Range& missing) { return ask(missing); }) {}

Recording::Outcome TrackFeed::take(std::uint64_t most) {
  const bool asked_again = went_on_ && reader_ && reader_->state() == moqt::pubsub::TrackReader::State::kPending;
  // What is missing is not to be had before there is an answer.
  if ((lost_ && repair_ == nullptr) || asked_again) return {};
  most_ = most;
  const auto now = Clock::now();
  collect(now);
  if (most_ > 0) sequencer_.tend(now);
  if (failure_) return base::Failure{*failure_};
  return {};
}

void TrackFeed::collect(Clock::time_point now) {
  moqt::pubsub::ReceivedObject object;
  if (reader_ && reader_->objects_dropped() + reader_->objects_too_large() > 0) sequencer_.distrust_streams();
  // Where the track had no largest object at SUBSCRIBE_OK, whatever it begins with is subscribed to.
  if (!went_on_ && reader_ && reader_->available() > 0 && !reader_->parameters().largest_object()) {
    sequencer_.begin_with_track();
  }
  if (reader_ && reader_->streams_cut() > 0) sequencer_.note_cut();
  if (repair_) take_repair(now);
  // What came behind a past that is lost is in order again when the rest of it has been fetched.
  const bool live = past_ == nullptr || past_over_ || take_past(now) || lost_;
  while (live && reader_ && !failure_ && most_ > 0 && reader_->read(object)) put(std::move(object), now);
}

void TrackFeed::put(moqt::pubsub::ReceivedObject object, Clock::time_point now) {
  latest_ = std::max(object.location, latest_.value_or(object.location));
  sequencer_.add(std::move(object), now);
}

bool TrackFeed::take_past(Clock::time_point now) {
  moqt::pubsub::ReceivedObject object;
  bool known = true;  // what lies between the latest object and the next one
  while (!failure_ && most_ > 0) {
    if (take_gap(*past_)) {
      lacks_past_ = true;
      known = false;
      continue;
    }
    if (!past_->read(object)) break;
    // The groups of a fetch come one after the other.
    if (past_at_ && known && object.location.group > past_at_->group) sequencer_.whole(past_at_->group, now);
    past_at_ = object.location;
    known = true;
    put(std::move(object), now);
  }
  const auto& ended = past_->end();
  if (!ended || past_->available() > 0) return false;
  using Cause = moqt::pubsub::FetchEnd::Cause;
  if (ended->cause == Cause::kSessionClosed) return false;
  if (past_at_) sequencer_.joined(past_at_->group);  // a fetch does not tell whether it was the last of its group
  if (ended->cause == Cause::kReset || ended->cause == Cause::kMalformed) {
    lacks_past_ = true;
    warning_ = options_.name + ": the publisher broke off what came before the subscription";
  } else if (ended->cause == Cause::kRejected && reader_ && reader_->parameters().largest_object()) {
    lacks_past_ = true;
    warning_ = options_.name + ": what came before the subscription is not to be had (" +
               std::string(name_of(ended->code)) + "); the recording begins with the next group";
  }
  past_over_ = true;
  return true;
}

bool TrackFeed::take_gap(moqt::pubsub::FetchReader& fetch) {
  if (!fetch.at_gap()) return false;
  const std::string text = what_is_left_out(*fetch.take_gap());
  warning_ = warning_ ? *warning_ + "; " + text : options_.name + ": " + text;
  return true;
}

void TrackFeed::lose(std::uint64_t most) {
  most_ = most;
  lost_ = true;
  collect(Clock::now());
  if (reader_) {
    dropped_before_ += reader_->objects_dropped();
    if (!latest_ && !went_on_ && reader_->state() != moqt::pubsub::TrackReader::State::kPending) {
      const auto largest = reader_->parameters().largest_object();
      first_wanted_ = largest ? moqt::Location{largest->group + 1, 0} : moqt::Location{};
      sequencer_.begin_at(*first_wanted_);
    }
    past_.reset();
    past_over_ = true;
  }
  reader_.reset();
  repair_.reset();
  repair_lacks_ = false;
  cuts_repaired_ = groups_repaired_ = 0;
  end_repaired_ = false;
  sequencer_.session_lost();
}

bool TrackFeed::ask_for_the_rest() {
  if (!lost_ || repair_ != nullptr || !fetch_) return false;
  const auto from = sequencer_.fetch_the_rest();
  if (!from) return false;
  asked_ = {*from, {GroupSequencer::kLastGroup, 0}};
  repair_ = fetch_(asked_.first, asked_.end);
  if (repair_ == nullptr) sequencer_.session_lost();
  return repair_ != nullptr;
}

void TrackFeed::go_on(std::shared_ptr<moqt::pubsub::TrackReader> reader) {
  if (!reader) return;
  reader_ = std::move(reader);
  lost_ = false;
  went_on_ = true;
  sequencer_.session_lost();  // nothing that it asked for meanwhile is on its way
}

void TrackFeed::go_on_with(Past past) {
  if (!past) return;
  past_ = std::move(past);
  lost_ = false;
  went_on_ = true;
}

std::optional<moqt::Location> TrackFeed::next_place() const {
  if (!past_at_) return std::nullopt;
  return moqt::Location{past_at_->group, past_at_->object + 1};
}

bool TrackFeed::had_a_session() const {
  return went_on_ || (reader_ && reader_->end() && reader_->end()->cause == moqt::pubsub::TrackEnd::Cause::kDone);
}

bool TrackFeed::ask(const GroupSequencer::Range& missing) {
  if (lost_) return true;  // on the next session it will be asked for
  if (!fetch_ || !reader_ || repair_) return false;
  const auto& end = reader_->end();
  if (end && end->cause == moqt::pubsub::TrackEnd::Cause::kSessionClosed) return true;
  // FETCH takes all of the group in that it ends in with Object ID 0 [d15 §9.16.1].
  moqt::Location until = missing.end;
  if (until.object == 0) --until.group;
  repair_ = fetch_(missing.first, until);
  asked_ = missing;
  return repair_ != nullptr;
}

void TrackFeed::take_repair(Clock::time_point now) {
  moqt::pubsub::ReceivedObject object;
  while (!failure_ && most_ > 0) {
    if (take_gap(*repair_)) {
      repair_lacks_ = true;
      continue;
    }
    if (!repair_->read(object)) break;
    // Behind a part that is left out the object says nothing of what is missing.
    if (!repair_lacks_) sequencer_.fetched_until(object.location, now);
    // A stream of it may have been cut.
    if (repaired_group_ != object.location.group) ++groups_repaired_;
    repaired_group_ = object.location.group;
    const bool had = lost_ && object.location == asked_.first;
    repaired_objects_ += object.status == moqt::ObjectStatus::kNormal && !had ? 1 : 0;
    put(std::move(object), now);
  }
  if (!repair_->end() || repair_->available() > 0) return;
  if (repair_->end()->cause == moqt::pubsub::FetchEnd::Cause::kSessionClosed) return;  // it is asked for again
  const Past over = std::exchange(repair_, nullptr);
  const bool lacks = std::exchange(repair_lacks_, false);
  using Cause = moqt::pubsub::FetchEnd::Cause;
  const moqt::pubsub::FetchEnd& end = *over->end();
  // Behind the last object of the track a range is refused [d15 §9.16.3]: nothing is missing there.
  const bool nothing_there =
      end.cause == Cause::kRejected && end.code == static_cast<std::uint64_t>(moqt::RequestErrorCode::kInvalidRange);
  const bool whole = nothing_there || (end.cause == Cause::kFinished && over->objects_too_large() == 0);
  if (whole && reader_) {
    tail_repaired_ = true;
    cuts_repaired_ = reader_->streams_cut();
    end_repaired_ = end_repaired_ || asked_.end.group == GroupSequencer::kLastGroup;
  }
  if ((nothing_there && reader_) || (whole && over->end_of_track())) {
    sequencer_.fetched_until(asked_.end, now);
  } else if (whole && over->range_end()) {
    moqt::Location until = *over->range_end();
    if (until.object == 0) ++until.group;
    sequencer_.fetched_until(std::min(until, asked_.end), now);
  }
  report_.event("repaired", {{"name", options_.name}, {"objects", repaired_objects_}, {"complete", whole}});
  if (repaired_objects_ > 0) {
    log_info(options_.name + ": " + std::to_string(std::exchange(repaired_objects_, 0)) +
             " objects that the subscription had left out were fetched");
  }
  if (lost_) {
    // What is left out is counted; nobody has it the next time.
    end_repaired_ = (whole || (lacks && end.cause == Cause::kGaps)) && over->end_of_track();
    if (end_repaired_ && !whole && asked_.first >= latest_.value_or(moqt::Location{})) lost_end_.groups_skipped = 1;
    if (!end_repaired_) return sequencer_.session_lost();  // there is more to come
  }
  sequencer_.fetch_over(now);
}

bool TrackFeed::repairs_before_the_end(std::uint64_t most) {
  if (ended_ || !reader_ || failure_ || (past_ != nullptr && !past_over_)) return false;
  if (auto taken = take(most); !taken || most_ == 0) return false;
  if (repair_) return true;
  if (!went_on_ && !reader_->parameters().largest_object()) sequencer_.begin_with_track();
  const auto& end = reader_->end();
  const bool streams_missing = end && end->missing_streams > 0;
  return sequencer_.ask_for_the_rest(streams_missing || reader_->streams_cut() > cuts_repaired_ || missing_end());
}

std::optional<moqt::Location> TrackFeed::missing_end() const {
  if (!went_on_ || !reader_ || end_repaired_) return std::nullopt;
  const auto largest = reader_->parameters().largest_object();
  const bool missing = largest && (latest_ ? *latest_ < *largest : first_wanted_ && *first_wanted_ <= *largest);
  return missing ? largest : std::nullopt;
}

Recording::Outcome TrackFeed::end(bool complete, std::uint64_t most) {
  if (past_ != nullptr) past_->cancel();  // what has come of it is taken
  if (repair_ != nullptr) repair_->cancel();
  auto taken = take(most);
  ended_ = true;
  if (!taken) return taken;
  if (const auto missing = complete ? missing_end() : std::nullopt) {
    const moqt::Location from = latest_ ? *latest_ : *first_wanted_;
    const std::uint64_t groups = missing->group - from.group + (latest_ ? 0 : 1);
    if (groups == 0) lost_end_.objects = missing->object - from.object;
    lost_end_.groups_skipped = groups < GroupSequencer::kNewLife ? groups : 1;
  }
  sequencer_.flush(complete);
  if (reader_ && reader_->end()) streams_missing_ = reader_->end()->missing_streams;
  recording_.end_source(source_);
  if (failure_) return base::Failure{*failure_};
  return {};
}

Losses TrackFeed::losses() const {
  Losses losses = sequencer_.losses();
  losses.objects += dropped_before_ + lost_end_.objects;
  losses.groups_skipped += lost_end_.groups_skipped;
  if (!reader_) {
    losses.objects += damaged_;
    return losses;
  }
  losses.objects += damaged_ + reader_->objects_dropped();
  if (!tail_repaired_) losses.groups_skipped = std::max(losses.groups_skipped, streams_missing_);
  // A group that was cut before its first object, or when no other had told its end, is known by its stream alone.
  const std::uint64_t known = losses.groups_cut + losses.groups_skipped;
  const std::uint64_t cuts = reader_->streams_cut();
  const std::uint64_t cut = cuts - std::min(std::max(cuts_repaired_, groups_repaired_), cuts);
  losses.groups_cut += cut > known ? cut - known : 0;
  return losses;
}

bool TrackFeed::had_objects() const {
  if (!reader_ || went_on_ || reader_->parameters().largest_object()) return true;
  return reader_->end() && reader_->end()->stream_count > 0;
}

bool TrackFeed::decodable(const moqt::pubsub::ReceivedObject& object, GroupSequencer::Emitted place) {
  if (!options_.builds_on_earlier || recording_.is_raw(source_)) return true;
  const std::string group = std::to_string(object.location.group);
  if (place.starts_group) headless_ = object.location.object != 0;
  if (headless_) {
    passed_over_ = true;
    if (begun_) {
      ++damaged_;  // pictures would be put together from those of another group
    } else if (place.starts_group) {
      warning_ = options_.name + ": the subscription begins in the middle of group " + group +
                 "; no decoder can use it before the next one";
    }
    return false;
  }
  if (!place.broken) return true;
  ++damaged_;
  if (!std::exchange(broken_told_, true)) {
    warning_ = options_.name + ": objects before object " + std::to_string(object.location.object) + " of group " +
               group + " are missing; what builds on them is left out until the next group";
  }
  return false;
}

void TrackFeed::write(const moqt::pubsub::ReceivedObject& object, GroupSequencer::Emitted place) {
  if (failure_ || most_ == 0 || !decodable(object, place)) return;
  scratch_.resize(object.payload_size);
  object.copy_payload(scratch_.data());
  const loc::HeaderExtensions extensions = extensions_of(object);
  const auto now = Clock::now();
  auto verdict =
      recording_.write(source_, {scratch_, extensions, place.starts_group && object.location.object == 0}, now);
  if (!verdict) {
    failure_ = verdict.error();
    return;
  }
  if (*verdict == Recording::Verdict::Damaged) {
    if (damaged_++ == 0) {
      warning_ = options_.name + ": object " + std::to_string(object.location.object) + " of group " +
                 std::to_string(object.location.group) + " is damaged: " + recording_.complaint();
    }
    return;
  }
  if (*verdict == Recording::Verdict::Useless) {
    damaged_ += begun_ ? 1 : 0;  // what it builds on is missing
    passed_over_ = true;
    return;
  }
  begun_ = true;
  report_.note_first_decodable(now);
  if (extensions.capture_timestamp) {
    if (const auto delay = delay_since(*extensions.capture_timestamp)) report_.add_delay(*delay);
  }
  ++objects_;
  --most_;
  bytes_ += object.payload_size;
}

std::optional<std::string> TrackFeed::take_warning(Clock::time_point now) {
  if (warning_) return std::exchange(warning_, std::nullopt);
  if (reader_ && !begun_ && !ended_ && now > since_ + kLongWait &&
      reader_->state() == moqt::pubsub::TrackReader::State::kEstablished) {
    since_ = now;
    return options_.name + ": no group has begun for " + std::to_string(kLongWait.count()) +
           " s. A publisher whose groups are long, or never end, has nothing for those who come late";
  }
  return std::nullopt;
}

}  // namespace msquic_py::apps
