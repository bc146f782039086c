#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>

namespace msquic_py::bench {

/// What a test object's payload begins with. Both ends are in one process, so the clock is the same and the bytes
/// need no order.
struct ObjectStamp {
  std::uint64_t number = 0;  ///< of the object, over all groups
  std::int64_t sent_at = 0;  ///< steady_clock, nanoseconds: when the publisher gave it to its session

  static constexpr std::size_t kSize = 16;

  static std::int64_t now() noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  void write(std::uint8_t* to) const noexcept { std::memcpy(to, this, kSize); }
  static ObjectStamp read(const std::uint8_t* from) noexcept {
    ObjectStamp stamp;
    std::memcpy(&stamp, from, kSize);
    return stamp;
  }
};
static_assert(sizeof(ObjectStamp) == ObjectStamp::kSize);

}  // namespace msquic_py::bench
