#include "moqt/session/request_path/received_ids.h"

namespace msquic_py::moqt::session {

bool ReceivedIds::take(std::uint64_t number) {
  if (number >= next_) {
    if (number > next_) gaps_.emplace(next_, number - 1);
    next_ = number + 1;
    if (gaps_.size() > kMostGaps) gaps_.erase(gaps_.begin());
    return true;
  }
  auto gap = gaps_.upper_bound(number);
  if (gap == gaps_.begin()) return false;
  --gap;
  const auto [first, last] = *gap;
  if (number > last) return false;
  gaps_.erase(gap);
  if (first < number) gaps_.emplace(first, number - 1);
  if (number < last) gaps_.emplace(number + 1, last);
  return true;
}

}  // namespace msquic_py::moqt::session
