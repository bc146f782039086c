#include "moqt/pubsub/fetch_reader.h"

#include <limits>
#include <utility>

namespace msquic_py::moqt::pubsub {

namespace {

/// A queue that drops nothing: the reader pauses its stream instead.
std::shared_ptr<ObjectQueue> unbounded_queue(const std::shared_ptr<base::Account>& account) {
  constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
  return std::make_shared<ObjectQueue>(kNoLimit, std::make_shared<ReceiveBudget>(kNoLimit, account));
}

}  // namespace

FetchReader::FetchReader(session::Session& session, session::RequestHandle request, FullTrackName track,
                         const ReceiveLimits& limits)
    : session_(session),
      pieces_(session.draft(), session.config().readers),
      request_(request),
      track_(std::move(track)),
      limits_(limits),
      ready_(unbounded_queue(session.config().readers)) {}

bool FetchReader::read(ReceivedObject& object) {
  if (!ready_->pop(object)) return false;
  if (wants_resume()) resume();
  return true;
}

void FetchReader::resume() {
  if (state_ == State::kEnded || !wants_resume() || !stream_) return;
  paused_ = false;
  session_.resume_stream(*stream_);
}

void FetchReader::cancel() {
  if (state_ == State::kEnded) return;
  (void)session_.cancel(request_);
  on_end({FetchEnd::Cause::kCancelled, 0, {}});
}

// ---- session events ----

void FetchReader::on(const session::FetchAccepted& event) {
  if (state_ == State::kPending) state_ = State::kAccepted;
  range_end_ = event.end;
  end_of_track_ = event.end_of_track;
}

void FetchReader::on(session::FetchObjectReceived& event) {
  stream_ = event.stream;
  passed_ = event.location;
  assembling_ = false;
  if (event.payload_length > limits_.object) return ready_->count_too_large();  // what follows of it finds no object
  ReceivedObject object =
      ready_->begin_object(event.location, event.subgroup, event.publisher_priority, event.status,
                           pieces_.keep_extensions(std::move(event.extensions)), event.payload_length);
  const bool complete = event.complete();
  pieces_.add(object.payload, std::move(event.payload));
  if (complete) return deliver(std::move(object));
  object_ = std::move(object);
  assembling_ = true;
}

void FetchReader::on(const session::FetchGapReceived& event) {
  const auto behind = std::exchange(passed_, event.last);
  const bool timed_out = event.gap == wire::FetchGap::kTimedOut;
  const std::lock_guard lock(gaps_mutex_);
  if (gaps_.size() < kMostGaps) return gaps_.push_back({behind, event.last, ready_->received(), timed_out});
  gaps_.back().last = event.last;
}

std::optional<FetchGap> FetchReader::next_gap() const {
  const std::lock_guard lock(gaps_mutex_);
  return gaps_.empty() ? std::nullopt : std::optional(gaps_.front());
}

bool FetchReader::at_gap() const {
  const auto next = next_gap();
  return next && next->objects_before <= ready_->taken();
}

std::optional<FetchGap> FetchReader::take_gap() {
  const std::lock_guard lock(gaps_mutex_);
  if (gaps_.empty()) return std::nullopt;
  const FetchGap gap = gaps_.front();
  gaps_.pop_front();
  return gap;
}

void FetchReader::on(session::ObjectPayload& event) {
  if (!assembling_) return;
  pieces_.add(object_.payload, std::move(event.bytes));
  if (event.remaining > 0) return;
  assembling_ = false;
  deliver(std::exchange(object_, {}));
}

void FetchReader::deliver(ReceivedObject&& object) {
  if (ready_->push(std::move(object))) became_readable_ = true;
  if (paused_ || ready_->bytes() <= limits_.fetch_queue) return;
  paused_ = true;
  if (wants_resume()) {  // another thread has taken what waited, and has not seen the pause
    paused_ = false;
  } else {
    session_.pause_stream(*stream_);
  }
}

void FetchReader::on_end(FetchEnd end) {
  if (state_ == State::kEnded) return;
  state_ = State::kEnded;
  assembling_ = false;
  object_ = {};
  end_ = std::move(end);
}

}  // namespace msquic_py::moqt::pubsub
