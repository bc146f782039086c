#pragma once

#include <cstdint>

#include "moqt/model/location.h"

namespace msquic_py::moqt {

/// The objects that a FETCH asks for (sections 9.16.1, 9.16.2.1), written as on the wire: `start` is the first one,
/// `end` lies one past the last one, and an `end` with Object ID 0 takes all of its group in.
struct FetchRange {
  Location start{};
  Location end{};

  /// The last place that the range covers. Counts only when it is valid().
  [[nodiscard]] constexpr Location last() const noexcept {
    return {end.group, end.object == 0 ? kLargestNumber : end.object - 1};
  }
  /// The same with an end that every draft can write, and behind which there is still a number: drafts from 20 on have
  /// ranges without an end.
  [[nodiscard]] constexpr FetchRange closed() const noexcept {
    return end.group <= kLargestNumber ? *this : FetchRange{start, {kLargestNumber, 0}};
  }
  /// False when the range ends before it starts.
  [[nodiscard]] constexpr bool valid() const noexcept { return start <= last(); }
  [[nodiscard]] constexpr bool covers(Location location) const noexcept {
    return location >= start && location <= last();
  }

  /// Whether a range with the end `left` takes less in than one with the end `right`.
  [[nodiscard]] static constexpr bool ends_before(Location left, Location right) noexcept {
    return FetchRange{{}, left}.last() < FetchRange{{}, right}.last();
  }
  /// The end of a range whose last place is `last`.
  static constexpr Location behind(Location last) noexcept {
    return {last.group, last.object >= kLargestNumber ? 0 : last.object + 1};
  }
  /// From `start` up to and including `largest`, such as a joining FETCH [d15 §9.16.2.1].
  static constexpr FetchRange up_to(Location start, Location largest) noexcept { return {start, behind(largest)}; }
  /// The End Location of FETCH_OK [d15 §9.17], where `largest` is the largest object known of the track and
  /// `group_complete` says that its group gets no more.
  [[nodiscard]] constexpr Location answered_end(Location largest, bool group_complete) const noexcept {
    if (last() <= largest || (group_complete && end == Location{largest.group, 0})) return end;
    return behind(largest);
  }

  bool operator==(const FetchRange&) const noexcept = default;

 private:
  static constexpr std::uint64_t kLargestNumber = (std::uint64_t{1} << 62) - 1;  // that the wire can carry
};

}  // namespace msquic_py::moqt
