#pragma once

#include "moqt/model/location.h"

namespace msquic_py::moqt::session {

/// What FETCH_OK says [d15 §9.17].
struct FetchAnswer {
  /// All objects of the track have been published, and `end` lies one past the last of them.
  bool end_of_track = false;
  /// As in FetchRange::end; FetchRange::answered_end() computes it.
  Location end{};
};

}  // namespace msquic_py::moqt::session
