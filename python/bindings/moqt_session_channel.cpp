#include "moqt_session_channel.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "moqt_session_link.h"

namespace msquic_py::python {

namespace {

void give_up(const Notice& notice) {
  // The link's Python object would have closed it.
  if (notice.session) notice.session->post_close(0, "nobody is here any more", {});
}

}  // namespace

void SessionChannel::push(Notice notice) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      notices_.push_back(std::move(notice));
      wake = std::exchange(armed_, false);
    } else if (!notice.session) {
      return;
    }
  }
  if (wake) wakeup_.signal();
  if (notice.session) give_up(notice);  // moved from, unless the channel is closed
}

void SessionChannel::close() {
  std::vector<Notice> left;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    left.swap(notices_);
  }
  for (const Notice& notice : left) give_up(notice);
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
