#pragma once

#include <cstdint>
#include <optional>

#include "moqt/session/time.h"

namespace msquic_py::moqt::objects {

/// How fast a subscriber takes a track and how fast the track comes, over the last two seconds in which some of it
/// waited. A link that stands still says nothing: what was known is forgotten, and has to show anew.
class TakingPace {
 public:
  /// So many bytes have come for the subscriber, and so many have arrived there, since it subscribed.
  void sample(session::Time now, std::uint64_t came, std::uint64_t taken) noexcept;
  /// Nothing waits any more.
  void pause() noexcept { last_.reset(); }

  /// Whether it has been measured for long enough.
  [[nodiscard]] bool known() const noexcept;
  /// The subscriber takes less than comes. Where it is far less, the track is not live, or there is nothing to save.
  [[nodiscard]] bool falls_behind() const noexcept;
  /// How long the subscriber takes for so many bytes. Only of what is known.
  [[nodiscard]] session::Duration time_for(std::uint64_t bytes) const noexcept;

 private:
  struct Sample {
    session::Time time;
    std::uint64_t came;
    std::uint64_t taken;
  };
  std::optional<Sample> last_;
  double seconds_ = 0;
  double came_ = 0;
  double taken_ = 0;
};

}  // namespace msquic_py::moqt::objects
