#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace msquic_py::moqt::session {

/// Numbers that the peer counts on from 0, each to be used once, of which some come late and some never: requests on
/// different streams overtake each other, and a stream may be reset before its request has come.
class ReceivedIds {
 public:
  /// Takes the number; false when it has come before.
  bool take(std::uint64_t number);
  /// One more than the largest that has come.
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }

 private:
  /// Gaps that are remembered. The numbers of an older one count as used.
  static constexpr std::size_t kMostGaps = 1024;

  std::uint64_t next_ = 0;
  std::map<std::uint64_t, std::uint64_t> gaps_;  ///< below `next_`: first to last number that has not come
};

}  // namespace msquic_py::moqt::session
