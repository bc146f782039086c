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
  if (datagrams.empty() || streams.empty()) return !datagrams.empty();
  const OutgoingStream& stream = streams.top();
  if (datagram_priority() != stream.priority()) return datagram_priority() < stream.priority();
  const std::uint64_t group = datagrams.front().properties.location.group;
  if (group == stream.group || fetch) return true;  // draft-22 section 5.1.2
  return (group < stream.group) == (view->group_order == GroupOrder::kAscending);
}

std::tuple<std::uint8_t, std::uint8_t, std::uint64_t> OutgoingLane::key() const noexcept {
  return {view->subscriber_priority, datagram_first() ? datagram_priority() : streams.top().priority(), turn};
}

}  // namespace msquic_py::moqt::session
