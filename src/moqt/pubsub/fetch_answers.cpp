#include "moqt/pubsub/fetch_answers.h"

#include <utility>

namespace msquic_py::moqt::pubsub {

Location FetchAnswers::end_of(TrackWriter& writer, const FetchRange& range) {
  const Location largest = *writer.largest_;
  const objects::StoredGroup* const group = writer.publisher_.store().find(largest.group);
  const bool complete = writer.finished_ || (group != nullptr && group->end.has_value());
  return range.answered_end(largest, complete);
}

bool FetchAnswers::complete(TrackWriter& writer, const session::FetchReceived& request, session::Time now) {
  if (!writer.largest_ || request.range.start > *writer.largest_) return false;
  writer.settle(now);
  return !writer.publisher_.store().first_unknown(request.range.start, end_of(writer, request.range), now);
}

bool FetchAnswers::leaves_gaps(TrackWriter& writer, const FetchRange& range, session::Time now) const {
  if (!has_fetch_gaps(session_.draft())) return false;
  return writer.publisher_.store().holds_any(range.start, end_of(writer, range), now);
}

void FetchAnswers::answer(const session::FetchReceived& request, const std::shared_ptr<TrackWriter>& writer,
                          session::Time now) {
  if (!writer->largest_ || request.range.start > *writer->largest_) {
    // [d15 §9.16.3-3]
    (void)session_.reject(request.request, RequestErrorCode::kInvalidRange, "nothing of the range has been published");
    return outlet_.make_ready();
  }
  if (!complete(*writer, request, now) && !leaves_gaps(*writer, request.range, now)) {
    // [d15 §9.16.3-5]
    (void)session_.reject(request.request, RequestErrorCode::kUnknownStatusInRange,
                          "some of the range is not kept any more");
    return outlet_.make_ready();
  }
  const Location largest = *writer->largest_;
  session::FetchAnswer answered{false, end_of(*writer, request.range)};
  answered.end_of_track = writer->finished_ && FetchRange{{}, answered.end}.last() >= largest;
  Answer& answer = answers_[request.request];
  answer.writer = writer;
  answer.delivery =
      std::make_unique<objects::FetchDelivery>(writer->publisher_, session_, request, outlet_, *this, now);
  answer.delivery->accept(answered);
  answer.delivery->begin();
}

void FetchAnswers::on_cancelled(session::RequestHandle request) {
  if (const auto found = answers_.find(request); found != answers_.end()) found->second.delivery->on_cancelled();
}

void FetchAnswers::settle() {
  for (const session::RequestHandle request : std::exchange(over_, {})) answers_.erase(request);
}

void FetchAnswers::clear() {
  for (auto& [request, answer] : answers_) answer.delivery->on_cancelled();
  settle();
}

void FetchAnswers::fill(objects::FetchDelivery& fetch, Location) {
  // It was not kept, or has gone since the fetch began: nobody here can say that it does not exist.
  if (has_fetch_gaps(session_.draft()) && !fetch.in_object()) return fetch.leave_gap(wire::FetchGap::kUnknown);
  fetch.fail(RequestErrorCode::kUnknownStatusInRange, "some of the range is not kept any more");
}

void FetchAnswers::progressed(objects::FetchDelivery&) {}

void FetchAnswers::ended(objects::FetchDelivery& fetch) {
  over_.push_back(fetch.request());
  outlet_.settle_later();
}

}  // namespace msquic_py::moqt::pubsub
