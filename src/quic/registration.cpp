#include "quic/registration.h"

#include <vector>

#include "quic/background.h"
#include "quic/connection_state.h"
#include "quic/library.h"
#include "quic/registration_state.h"

namespace msquic_py::quic {
namespace {

struct Registrations {
  std::mutex mutex;
  IntrusiveList<RegistrationState> list;
};

Registrations& registrations() noexcept {
  static Registrations* const instance = new Registrations;  // used until the process ends
  return *instance;
}

}  // namespace

Result<RegistrationState*> RegistrationState::open(const std::string& app_name, QUIC_EXECUTION_PROFILE profile) {
  if (auto error = unusable()) return base::Failure{*error};
  if (auto acquired = acquire_library(LibraryUse::Registration); !acquired) return base::Failure{acquired.error()};
  const QUIC_REGISTRATION_CONFIG config{app_name.c_str(), profile};
  auto* const state = new RegistrationState;
  const QUIC_STATUS status = api().RegistrationOpen(&config, &state->handle_);
  if (QUIC_FAILED(status)) {
    delete state;
    release_library();
    return base::Failure{Error::from_raw(status, "opening a registration")};
  }
  if (auto keyed = registration_is_open(); !keyed) {
    api().RegistrationClose(state->handle_);
    delete state;
    release_library();
    return base::Failure{keyed.error()};
  }
  const std::lock_guard lock(registrations().mutex);
  registrations().list.push(*state);
  return state;
}

bool RegistrationState::try_retain() noexcept {
  std::uint32_t count = references_.load(std::memory_order_relaxed);
  while (count != 0) {
    if (references_.compare_exchange_weak(count, count + 1, std::memory_order_acq_rel)) return true;
  }
  return false;
}

void RegistrationState::release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  run_in_background([this] {
    {
      const std::lock_guard lock(registrations().mutex);
      registrations().list.remove(*this);
    }
    api().RegistrationClose(handle_);
    const std::shared_ptr<CloseSignal> closed = closed_;
    delete this;
    release_library();
    closed->set();
  });
}

void RegistrationState::child_opened(ObjectKind kind) noexcept {
  retain();
  children_[static_cast<std::size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
  count_opened(kind);
}

void RegistrationState::child_closed(ObjectKind kind) noexcept {
  children_[static_cast<std::size_t>(kind)].fetch_sub(1, std::memory_order_relaxed);
  count_closed(kind);
  release();
}

void RegistrationState::add(ConnectionState& connection) noexcept {
  const std::lock_guard lock(mutex_);
  connections_.push(connection);
}

void RegistrationState::remove(ConnectionState& connection) noexcept {
  const std::lock_guard lock(mutex_);
  connections_.remove(connection);
}

void RegistrationState::shut_down_connections(std::uint64_t code) noexcept {
  std::vector<ConnectionState*> connections;
  {
    const std::lock_guard lock(mutex_);
    for (ConnectionState* each = connections_.front(); each != nullptr;
         each = IntrusiveList<ConnectionState>::next(*each)) {
      each->retain();
      connections.push_back(each);
    }
  }
  for (ConnectionState* each : connections) {
    static_cast<void>(each->shutdown(code, {}, false));
    each->release();
  }
}

std::string RegistrationState::describe_children() const {
  static constexpr const char* kNames[] = {"configurations", "listeners", "connections", "streams"};
  std::string text;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint32_t count = children_[i].load(std::memory_order_relaxed);
    if (count == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + kNames[i];
  }
  return text.empty() ? "another copy of the registration" : text;
}

void shut_down_all_connections() noexcept {
  std::vector<RegistrationState*> all;
  {
    const std::lock_guard lock(registrations().mutex);
    for (auto* each = registrations().list.front(); each != nullptr;
         each = IntrusiveList<RegistrationState>::next(*each)) {
      if (each->try_retain()) all.push_back(each);
    }
  }
  for (RegistrationState* each : all) {
    each->shut_down_connections(0);
    each->release();
  }
}

void retain_user(RegistrationState& state) noexcept { state.retain(); }
void release_user(RegistrationState& state) noexcept {
  if (!Library::forked()) state.release();
}

Result<Registration> Registration::open(const std::string& app_name, ExecutionProfile profile) {
  auto opened = RegistrationState::open(app_name, static_cast<QUIC_EXECUTION_PROFILE>(profile));
  if (!opened) return base::Failure{opened.error()};
  Registration registration;
  registration.state_ = UserReference<RegistrationState>::adopt(**opened);
  return registration;
}

void Registration::shutdown(std::uint64_t code) noexcept {
  if (state_ && !Library::forked()) state_.get()->shut_down_connections(code);
}

Result<void> Registration::close(std::chrono::milliseconds timeout) {
  if (auto error = unusable()) return base::Failure{*error};
  if (!state_) return {};
  RegistrationState& state = *state_.get();
  const std::shared_ptr<CloseSignal> closed = state.closed();
  // A reference of our own would keep the registration open, so what is still alive is named beforehand.
  const std::string children = state.describe_children();
  state_ = {};
  if (closed->wait(timeout)) return {};
  return base::Failure{Error::own(Status::LibraryInUse, "the registration is still open because of " + children +
                                                            "; drop or close them, it then closes by itself")};
}

}  // namespace msquic_py::quic
