#include "quic/handshake_deadlines.h"

#include <optional>
#include <utility>
#include <vector>

#include "quic/background.h"
#include "quic/connection_state.h"

namespace msquic_py::quic {

HandshakeDeadline::HandshakeDeadline(std::shared_ptr<HandshakeDeadlines> owner, ConnectionState& connection)
    : owner_(std::move(owner)), connection_(connection), due_(std::chrono::steady_clock::now() + owner_->allowed_) {}

HandshakeDeadline::~HandshakeDeadline() {
  const std::lock_guard lock(owner_->mutex_);
  owner_->under_way_.remove(*this);
}

std::unique_ptr<HandshakeDeadline> HandshakeDeadlines::begin(ConnectionState& connection) {
  auto deadline = std::make_unique<HandshakeDeadline>(shared_from_this(), connection);
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    under_way_.push_back(*deadline);
    first = !std::exchange(waiting_, true);
  }
  if (first) wait(allowed_);
  return deadline;
}

void HandshakeDeadlines::wait(std::chrono::steady_clock::duration delay) {
  run_in_background_after(std::chrono::ceil<std::chrono::milliseconds>(delay), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->end_what_is_due();
  });
}

void HandshakeDeadlines::end_what_is_due() noexcept {
  std::vector<ConnectionState*> late;
  std::optional<std::chrono::steady_clock::duration> next;
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    while (HandshakeDeadline* const first = under_way_.front()) {
      if (first->due_ > now) {
        next = first->due_ - now;
        break;
      }
      under_way_.remove(*first);
      first->connection_.retain();  // it exists: it ends its deadline before it goes
      late.push_back(&first->connection_);
    }
    waiting_ = next.has_value();
  }
  for (ConnectionState* const each : late) {
    each->end_handshake(allowed_);
    each->release();
  }
  if (next) wait(*next);
}

}  // namespace msquic_py::quic
