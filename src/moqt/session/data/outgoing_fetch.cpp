#include "moqt/session/data/outgoing_fetch.h"

namespace msquic_py::moqt::session {

std::optional<SessionError> OutgoingFetch::refusal(Location location) const noexcept {  // [d15 §9.16.3-4]
  if (!range_.covers(location)) return SessionError::kOutOfRange;
  if (!prior_) return std::nullopt;
  const Location before = prior_->location;
  const bool follows = location.group == before.group
                           ? location.object > before.object
                           : (location.group > before.group) == (order_ == GroupOrder::kAscending);
  return follows ? std::nullopt : std::optional(SessionError::kObjectOutOfOrder);
}

void OutgoingFetch::append(const wire::FetchObjectFields& object, std::uint64_t end) {
  prior_ = object.prior();
  wait(end, object.publisher_priority);
}

void OutgoingFetch::append(const wire::FetchRangeEnd& range, std::uint64_t end) {
  const std::uint8_t before = prior_ && prior_->has_priority ? prior_->publisher_priority : std::uint8_t{128};
  prior_ = wire::prior_behind(range, prior_);
  wait(end, before);
}

void OutgoingFetch::wait(std::uint64_t end, std::uint8_t priority) {
  if (!waiting_.empty() && waiting_.back().priority == priority) {
    waiting_.back().end = end;
  } else {
    waiting_.push({end, priority});
  }
}

void OutgoingFetch::advance(std::uint64_t handed) noexcept {
  while (!waiting_.empty() && waiting_.front().end <= handed) (void)waiting_.pop();
}

std::uint8_t OutgoingFetch::priority() const noexcept {
  if (!waiting_.empty()) return waiting_.front().priority;
  return prior_ ? prior_->publisher_priority : std::uint8_t{128};
}

std::optional<std::uint64_t> OutgoingFetch::bytes_of_priority(std::uint64_t handed) const noexcept {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().end - handed;
}

}  // namespace msquic_py::moqt::session
