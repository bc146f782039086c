#include "quic/listener.h"

#include "quic/library.h"
#include "quic/listener_state.h"

namespace msquic_py::quic {

void retain_user(ListenerState& state) noexcept { state.retain_user(); }
void release_user(ListenerState& state) noexcept {
  if (!Library::forked()) state.release_user();
}

namespace {

std::optional<Error> check(const ListenerState* state) {
  if (auto error = unusable()) return error;
  if (state == nullptr) return closed_handle("the listener");
  return std::nullopt;
}

}  // namespace

Result<Listener> Listener::open(const Registration& registration, std::shared_ptr<ListenerHandler> handler) {
  if (auto error = unusable()) return base::Failure{*error};
  if (!registration) return base::Failure{closed_handle("the registration")};
  if (!handler) return base::Failure{Error::own(Status::InvalidParameter, "a listener needs a handler")};
  Listener listener;
  listener.state_ = UserReference<ListenerState>::adopt(*new ListenerState(*registration.state(), std::move(handler)));
  return listener;
}

Result<void> Listener::start(std::span<const std::string> alpns, const ListenOptions& options) {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->start(alpns, options);
}

Result<void> Listener::stop() noexcept {
  if (auto error = check(state())) return base::Failure{*error};
  state()->stop();
  return {};
}

Result<void> Listener::close(std::chrono::milliseconds timeout) {
  if (auto error = unusable()) return base::Failure{*error};
  if (!state_) return {};
  state()->stop();
  if (!state()->wait_closed(timeout)) {
    return base::Failure{Error::own(
        Status::ConnectionTimeout, "a call of the listener's handler is still under way; it closes when that returns")};
  }
  state_ = {};
  return {};
}

Result<void> Listener::set_configurations(ServerConfigurations configurations) {
  if (auto error = check(state())) return base::Failure{*error};
  state()->set_configurations(std::move(configurations));
  return {};
}

Result<ListenerStatistics> Listener::statistics() const {
  if (auto error = check(state())) return base::Failure{*error};
  return state()->statistics();
}

Address Listener::local_address() const {
  return state() != nullptr && !Library::forked() ? state()->local_address() : Address();
}

}  // namespace msquic_py::quic
