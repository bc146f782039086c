#include "moqt/session/request_path/request_ids.h"

#include <algorithm>

namespace msquic_py::moqt::session {

std::optional<std::uint64_t> RequestIds::take() noexcept {
  const std::uint64_t id = issued_ * 2 + parity_;
  if (id >= peer_limit_) return std::nullopt;  // [d15 §9.3.1.3-1]
  ++issued_;
  return id;
}

bool RequestIds::raise_peer_limit(std::uint64_t limit) noexcept {
  if (limit <= peer_limit_) return false;  // [d15 §9.5-1]
  peer_limit_ = limit;
  return true;
}

std::optional<std::uint64_t> RequestIds::report_blocked() noexcept {  // [d15 §9.6-1]
  if (reported_blocked_ == peer_limit_) return std::nullopt;
  reported_blocked_ = peer_limit_;
  return peer_limit_;
}

std::optional<SessionErrorCode> RequestIds::receive(std::uint64_t id) {
  if ((id & 1) == parity_) return SessionErrorCode::kInvalidRequestId;  // [d15 §9.1-1]
  if (id >= granted_ * 2) return SessionErrorCode::kTooManyRequests;    // [d15 §9.5-2]
  if (in_order_ && id / 2 != received_.next()) return SessionErrorCode::kInvalidRequestId;
  if (!received_.take(id / 2)) return SessionErrorCode::kInvalidRequestId;
  return std::nullopt;
}

std::optional<std::uint64_t> RequestIds::ended() noexcept {  // [d15 §9.6-2]
  ++ended_;
  // Half of the window at a time: one MAX_REQUEST_ID per many requests, yet the peer never runs dry.
  const std::uint64_t allowed = ended_ + max_open_;
  if (allowed - granted_ < std::max<std::uint64_t>(1, max_open_ / 2)) return std::nullopt;
  granted_ = allowed;
  return granted_ * 2;
}

}  // namespace msquic_py::moqt::session
