#pragma once

#include <cstdint>

namespace msquic_py::moqt::objects {

/// What became of every object that was published while a subscription lived. Each is counted once: `published` is the
/// sum of all the others and of what still waits.
struct DeliveryAccount {
  std::uint64_t published = 0;
  std::uint64_t delivered = 0;    ///< on their way: the session has them whole, and has not dropped them
  std::uint64_t filtered = 0;     ///< outside of the subscription's filter
  std::uint64_t unforwarded = 0;  ///< Forward State 0
  std::uint64_t timed_out = 0;    ///< DELIVERY_TIMEOUT or MAX_CACHE_DURATION
  std::uint64_t skipped = 0;      ///< the subscriber was too far behind
  std::uint64_t stopped = 0;      ///< the subscriber sent STOP_SENDING for the rest of the subgroup
  std::uint64_t no_stream = 0;    ///< more streams than the session may have open
  std::uint64_t reset = 0;        ///< the publisher gave the subgroup up, or the subscription ended
  std::uint64_t too_large = 0;    ///< a datagram that the path does not take
  std::uint64_t dropped = 0;      ///< a datagram for which there was no room
  std::uint64_t waiting = 0;      ///< not given to the transport yet

  [[nodiscard]] std::uint64_t accounted() const noexcept {
    return delivered + filtered + unforwarded + timed_out + skipped + stopped + no_stream + reset + too_large +
           dropped + waiting;
  }
  DeliveryAccount& operator+=(const DeliveryAccount& other) noexcept;
};

}  // namespace msquic_py::moqt::objects
