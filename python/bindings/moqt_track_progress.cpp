#include "moqt_track_progress.h"

#include <nanobind/stl/optional.h>

#include "moqt_topics.h"

namespace msquic_py::python {

using moqt::Location;
using moqt::pubsub::TrackProgress;
using std::chrono::steady_clock;

namespace {

bool take_into(TrackProgress& progress, const moqt::pubsub::ReceivedObject& object) {
  const auto now = steady_clock::now();
  if (object.implied) {
    progress.end_group(object.location, now);
    return true;
  }
  const bool fresh = progress.take(object.location, now);
  if (object.status == moqt::ObjectStatus::kEndOfGroup) progress.end_group(object.location, now);
  return fresh;
}

}  // namespace

bool ProgressLink::take(const moqt::pubsub::ReceivedObject& object) {
  const std::lock_guard lock(mutex_);
  return take_into(progress_, object);
}

bool ProgressLink::take_past(const moqt::pubsub::ReceivedObject& object) {
  const std::lock_guard lock(mutex_);
  progress_.pass(object.location);
  return take_into(progress_, object);
}

std::shared_ptr<ProgressLink> progress_of(const nb::dict& options) {
  const nb::handle given = options["progress"];
  return given.is_none() ? nullptr : nb::cast<ProgressHandle&>(given).link;
}

void bind_track_progress(nb::module_& m) {
  nb::class_<ProgressHandle>(m, "TrackProgress",
                             "What has been had of a track, over the sessions that it comes on one after the other.",
                             nb::is_final())
      .def(nb::init<>())
      .def(
          "passed",
          [](ProgressHandle& self, const Location& place) {
            self.link->with([&](TrackProgress& progress) { progress.pass(place); });
          },
          nb::arg("place"), "Everything before `place` is settled.")
      .def(
          "restart",
          [](ProgressHandle& self, const Location& floor) {
            self.link->with([&](TrackProgress& progress) { progress.restart(floor); });
          },
          nb::arg("floor"), "The track begins anew.")
      .def(
          "floor",
          [](ProgressHandle& self, double ago) {
            const auto age = std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(ago));
            return self.link->with([&](TrackProgress& progress) { return progress.floor(steady_clock::now() - age); });
          },
          nb::arg("ago"), "The first place that may be missing, as it was so many seconds ago.")
      .def_prop_ro(
          "largest",
          [](ProgressHandle& self) {
            return self.link->with([](TrackProgress& progress) { return progress.largest(); });
          },
          "The largest object that was taken.")
      .def_prop_ro(
          "repeated",
          [](ProgressHandle& self) {
            return self.link->with([](TrackProgress& progress) { return progress.repeated(); });
          },
          "Objects that came more than once.");
}

}  // namespace msquic_py::python
