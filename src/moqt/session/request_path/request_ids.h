#pragma once

#include <cstdint>
#include <optional>

#include "moqt/model/error_codes.h"
#include "moqt/model/perspective.h"
#include "moqt/session/request_path/received_ids.h"

namespace msquic_py::moqt::session {

/// The numbering of requests and the credit for them, in both directions (sections 9.1, 9.5, 9.6). The client's
/// requests are even, the server's odd, each the previous plus two. Where requests travel on several streams they may
/// overtake each other: then each number counts once, in any order.
class RequestIds {
 public:
  RequestIds(Perspective perspective, std::uint64_t max_open_requests, bool in_order) noexcept
      : in_order_(in_order),
        parity_(perspective == Perspective::kClient ? 0 : 1),
        max_open_(max_open_requests),
        granted_(max_open_requests) {}

  // ---- our requests ----

  /// The next ID, if the peer's credit allows it.
  std::optional<std::uint64_t> take() noexcept;
  /// The peer's Maximum Request ID from SETUP.
  void set_peer_limit(std::uint64_t limit) noexcept { peer_limit_ = limit; }
  /// MAX_REQUEST_ID; false if it does not rise.
  [[nodiscard]] bool raise_peer_limit(std::uint64_t limit) noexcept;
  /// The limit to report in REQUESTS_BLOCKED; once per limit.
  std::optional<std::uint64_t> report_blocked() noexcept;
  /// Whether we have used this ID.
  [[nodiscard]] bool issued(std::uint64_t id) const noexcept { return (id & 1) == parity_ && id / 2 < issued_; }

  // ---- the peer's requests ----

  /// What to put into SETUP.
  [[nodiscard]] std::uint64_t initial_limit() const noexcept { return max_open_ * 2; }
  /// Takes the ID of a request that has arrived; the error to close the session with if it may not have it.
  std::optional<SessionErrorCode> receive(std::uint64_t id);
  /// A request of the peer has ended. A new Maximum Request ID to announce, once it is worth a message.
  std::optional<std::uint64_t> ended() noexcept;
  [[nodiscard]] bool received(std::uint64_t id) const noexcept {
    return (id & 1) != parity_ && id / 2 < received_.next();
  }

 private:
  bool in_order_;
  std::uint64_t parity_;  ///< of our IDs
  std::uint64_t issued_ = 0;
  std::uint64_t peer_limit_ = 0;
  std::optional<std::uint64_t> reported_blocked_;
  std::uint64_t max_open_;
  std::uint64_t granted_;  ///< requests the peer may make in all
  ReceivedIds received_;
  std::uint64_t ended_ = 0;
};

}  // namespace msquic_py::moqt::session
