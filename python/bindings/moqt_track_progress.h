#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <memory>
#include <mutex>

#include "moqt/pubsub/received_object.h"
#include "moqt/pubsub/track_progress.h"

namespace msquic_py::python {

namespace nb = nanobind;

/// What Python has of a track, over all the sessions that it comes on. Any thread of Python's.
class ProgressLink {
 public:
  /// An object of a subscription, or the end of a group. False: Python has it already.
  bool take(const moqt::pubsub::ReceivedObject& object);
  /// An object of a FETCH that begins at the floor, in ascending order: there is nothing before it that has not come.
  bool take_past(const moqt::pubsub::ReceivedObject& object);
  template <class Use>
  auto with(Use use) {
    const std::lock_guard lock(mutex_);
    return use(progress_);
  }

 private:
  std::mutex mutex_;
  moqt::pubsub::TrackProgress progress_;
};

struct ProgressHandle {
  std::shared_ptr<ProgressLink> link = std::make_shared<ProgressLink>();
};

/// The entry "progress" of the options of a request; null when it is None.
std::shared_ptr<ProgressLink> progress_of(const nb::dict& options);

}  // namespace msquic_py::python
