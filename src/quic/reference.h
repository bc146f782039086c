#pragma once

#include <cstdint>
#include <utility>

namespace msquic_py::quic {

// Counted access to the control block behind a handle object. A block counts its handle objects ("users") apart from
// its other references, because the last handle object going away is the program's wish to shut down, while MsQuic
// may still need the block. The functions are defined beside each block.
class RegistrationState;
class ConfigurationState;
class ListenerState;
class ConnectionState;
class StreamState;

void retain_user(RegistrationState& state) noexcept;
void release_user(RegistrationState& state) noexcept;
void retain_user(ConfigurationState& state) noexcept;
void release_user(ConfigurationState& state) noexcept;
void retain_user(ListenerState& state) noexcept;
void release_user(ListenerState& state) noexcept;
void retain_user(ConnectionState& state) noexcept;
void release_user(ConnectionState& state) noexcept;
void retain_user(StreamState& state) noexcept;
void release_user(StreamState& state) noexcept;

/// A counted pointer to a control block, held by a handle object. Copies are cheap and may live on any thread.
template <class State>
class UserReference {
 public:
  UserReference() noexcept = default;
  /// Takes over one user count that the caller already holds.
  static UserReference adopt(State& state) noexcept {
    UserReference reference;
    reference.state_ = &state;
    return reference;
  }
  static UserReference share(State& state) noexcept {
    retain_user(state);
    return adopt(state);
  }
  UserReference(const UserReference& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) retain_user(*state_);
  }
  UserReference(UserReference&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  UserReference& operator=(UserReference other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~UserReference() {
    if (state_ != nullptr) release_user(*state_);
  }

  [[nodiscard]] State* get() const noexcept { return state_; }
  explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  State* state_ = nullptr;
};

}  // namespace msquic_py::quic
