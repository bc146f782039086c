#include "moqt_session_channel.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace msquic_py::python {

void SessionChannel::push(Notice notice) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    notices_.push_back(std::move(notice));
    wake = std::exchange(armed_, false);
  }
  if (wake) wakeup_.signal();
}

std::vector<Notice> SessionChannel::take(std::size_t limit) {
  wakeup_.clear();
  std::vector<Notice> taken;
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    if (notices_.size() <= limit) {
      taken.swap(notices_);
      armed_ = true;
    } else {
      const auto end = notices_.begin() + static_cast<std::ptrdiff_t>(limit);
      taken.assign(std::make_move_iterator(notices_.begin()), std::make_move_iterator(end));
      notices_.erase(notices_.begin(), end);
      more = true;
    }
  }
  if (more) wakeup_.signal();
  return taken;
}

}  // namespace msquic_py::python
