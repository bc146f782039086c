#pragma once

#include <cstdint>

namespace msquic_py::moqt::objects {

/// What a publisher or relay has sent to all its subscribers since it began.
struct DeliveryCounters {
  std::uint64_t objects_delivered = 0;  ///< once per subscriber
  std::uint64_t bytes_delivered = 0;    ///< of objects, headers included
  std::uint64_t groups_skipped = 0;     ///< by subscribers that fell behind
  std::uint64_t subscribers_too_far_behind = 0;
};

}  // namespace msquic_py::moqt::objects
