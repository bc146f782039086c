#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "moqt/session/action.h"

namespace msquic_py::moqt::session {

/// Translates what a stream's objects are worth into the 16 bits of a transport's stream priority, where two values are
/// the control stream's and the requests'. An urgency is (subscriber priority << 8 | publisher priority), lower first,
/// so there are as many as there are priorities: those in use get places in the right order, each with room for a few
/// steps beneath.
class PriorityLadder {
 public:
  /// Steps of one urgency; the higher the later. So many that counting on from stream to stream rarely reaches the end.
  static constexpr std::uint16_t kSteps = 1024;

  struct Rung {
    std::uint16_t urgency = 0;
    std::uint16_t priority = 0;  ///< of step 0; higher first
    std::size_t streams = 0;     ///< that are on it
    std::size_t bytes = 0;       ///< of them in the transport's hands
  };

  /// A stream more on the rung of `urgency`. True when the priorities of other rungs have changed.
  bool join(std::uint16_t urgency);
  /// A stream less.
  void leave(std::uint16_t urgency) noexcept;
  /// The rung of an urgency that a stream is on.
  [[nodiscard]] Rung& at(std::uint16_t urgency) noexcept;
  [[nodiscard]] std::uint16_t priority(std::uint16_t urgency, std::uint16_t step) noexcept;
  /// Bytes in the transport's hands that are at least as urgent.
  [[nodiscard]] std::size_t bytes_up_to(std::uint16_t urgency) const noexcept;
  /// Bytes that are more urgent.
  [[nodiscard]] std::size_t bytes_before(std::uint16_t urgency) const noexcept;

 private:
  [[nodiscard]] std::size_t place_of(std::uint16_t urgency) const noexcept;
  void spread() noexcept;

  std::vector<Rung> rungs_;  // the most urgent first
};

}  // namespace msquic_py::moqt::session
