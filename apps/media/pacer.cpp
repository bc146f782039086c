#include "media/pacer.h"

#include <algorithm>

namespace msquic_py::apps {

Pacer::Time Pacer::due(MediaTime time, MediaTime duration, Time now) {
  if (!start_) {
    start_ = now;
    origin_ = expected_ = time;
  }
  if (time > expected_ + kLongestGap) origin_ += time - expected_;
  expected_ = std::max(expected_, time + std::min(duration, kLongestObject));
  return *start_ + (time - origin_);
}

}  // namespace msquic_py::apps
