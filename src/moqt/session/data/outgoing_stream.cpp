#include "moqt/session/data/outgoing_stream.h"

namespace msquic_py::moqt::session {

std::uint8_t OutgoingStream::priority() const noexcept {
  if (own_priority || lane == nullptr) return own_priority.value_or(128);
  return lane->view->publisher_priority;
}

std::uint16_t OutgoingStream::urgency() const noexcept {
  return static_cast<std::uint16_t>((lane->view->subscriber_priority << 8) | priority());
}

bool StreamBefore::operator()(const OutgoingStream& left, const OutgoingStream& right) const noexcept {  // [d15 §7.2-1]
  if (left.priority() != right.priority()) return left.priority() < right.priority();
  if (left.group != right.group) {
    return (left.group < right.group) == (left.lane->view->group_order == GroupOrder::kAscending);
  }
  return left.subgroup < right.subgroup;
}

std::uint8_t OutgoingLane::datagram_priority() const noexcept {
  return datagrams.front().properties.publisher_priority.value_or(view->publisher_priority);
}

bool OutgoingLane::datagram_first() const noexcept {
  return !datagrams.empty() && (streams.empty() || datagram_priority() <= streams.top().priority());
}

std::tuple<std::uint8_t, std::uint8_t, std::uint64_t> OutgoingLane::key() const noexcept {
  return {view->subscriber_priority, datagram_first() ? datagram_priority() : streams.top().priority(), turn};
}

}  // namespace msquic_py::moqt::session
