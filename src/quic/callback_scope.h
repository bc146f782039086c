#pragma once

namespace msquic_py::quic {

class ConnectionState;

/// Marks the current thread as running a callback of one connection or its streams. On that thread blocking calls
/// about the same connection run inline; about any other they could wait for this very thread.
class CallbackScope {
 public:
  explicit CallbackScope(const ConnectionState& connection) noexcept : outer_(current_) { current_ = &connection; }
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;
  ~CallbackScope() { current_ = outer_; }

  [[nodiscard]] static bool in_callback_of(const ConnectionState& connection) noexcept {
    return current_ == &connection;
  }
  [[nodiscard]] static bool in_any() noexcept { return current_ != nullptr; }

 private:
  const ConnectionState* outer_;
  static thread_local const ConnectionState* current_;
};

}  // namespace msquic_py::quic
