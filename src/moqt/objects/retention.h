#pragma once

#include <chrono>
#include <cstddef>

#include "moqt/session/time.h"

namespace msquic_py::moqt::objects {

/// How much of a track is kept behind what its subscribers are still to be given. Whole groups go, the oldest first;
/// only a group that alone exceeds `bytes` loses its first objects.
struct Retention {
  std::size_t bytes = 16 * 1024 * 1024;
  /// Groups that are kept, the newest included. 0: what everybody has been given goes at once.
  std::size_t groups = 2;
  /// Since the newest object of the group came.
  session::Duration age = std::chrono::seconds(60);

  /// Nothing is kept for those who come later.
  static constexpr Retention none() noexcept { return {0, 0, session::Duration::zero()}; }
};

}  // namespace msquic_py::moqt::objects
