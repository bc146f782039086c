#pragma once

#include <cstdint>

namespace msquic_py::moqt::session {

/// Why objects of a subscription that the session had taken never came to the transport.
enum class UnsentCause : std::uint8_t {
  kReset,            ///< the application reset their stream, or the subscription or the session ended
  kStopSending,      ///< the subscriber does not want the rest of the subgroup
  kNoRoom,           ///< more streams were open than Limits::max_outgoing_streams
  kUpdate,           ///< Forward State 0, or a filter that leaves the group out
  kDeliveryTimeout,  ///< they waited for too long
  kOverflow,         ///< a datagram that made room for newer ones
  kTooLarge,         ///< a datagram, and the path has become narrower
};

/// Hears of whole objects that a session had taken for a subscription and has dropped before the transport had all of
/// them. It must not call the session.
class UnsentWatch {
 public:
  virtual ~UnsentWatch() = default;
  virtual void on_unsent(std::uint64_t objects, UnsentCause cause) = 0;
};

}  // namespace msquic_py::moqt::session
