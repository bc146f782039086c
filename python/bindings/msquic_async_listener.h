#pragma once

#include <nanobind/nanobind.h>

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "msquic_async_connection.h"
#include "quic/listener.h"

namespace msquic_py::python {

class AsyncListenerObject;

/// Accepts connections on MsQuic's threads and hands them to the loop when their handshake is complete, or when their
/// first 0-RTT stream comes.
class AsyncListenerMailbox final : public quic::ListenerHandler, public EventTarget {
 public:
  AsyncListenerMailbox(std::shared_ptr<AsyncQueue> queue, const AsyncLimits& limits, std::size_t backlog)
      : queue_(std::move(queue)), limits_(limits), backlog_(backlog) {}

  std::optional<quic::AcceptedConnection> on_new_connection(const quic::NewConnection& connection) noexcept override;
  void dispatch(const Event& event) override;

  /// No more connections; those that have begun their handshake are still handed out. True when there are none.
  bool refuse_more() noexcept;
  /// No more connections; those that were not handed out are closed with the application's `code`.
  void close(std::uint64_t code, const std::string& reason) noexcept;
  /// For connections: it is ready for the loop, or it is over.
  void hand_out(const std::shared_ptr<AsyncConnectionMailbox>& connection) noexcept;
  void connection_is_over(const AsyncConnectionMailbox& connection) noexcept;
  /// The Python object of a connection that was not handed out yet: a new reference, null when it is gone. Needs the
  /// GIL.
  PyObject* object_of(const AsyncConnectionMailbox& connection);
  /// Needs the GIL.
  OwnerReference& owner() noexcept { return owner_; }

 private:
  struct Accepted {
    std::shared_ptr<AsyncConnectionMailbox> mailbox;
    quic::Connection connection;
  };

  /// No more connections come, and all were handed out or are over. The caller holds the mutex.
  [[nodiscard]] bool is_settled() const noexcept { return closed_ && shaking_hands_.empty() && ready_.empty(); }

  const std::shared_ptr<AsyncQueue> queue_;
  const AsyncLimits limits_;
  const std::size_t backlog_;
  std::mutex mutex_;
  std::unordered_map<const AsyncConnectionMailbox*, Accepted> shaking_hands_;
  std::deque<Accepted> ready_;
  bool closed_ = false;
  OwnerReference owner_;
};

/// The native part of msquic.asyncio.Server. All members need the GIL and belong to the loop's thread.
class AsyncListenerObject final : public AsyncHeld, public AsyncLoopMember {
 public:
  /// `on_connection` is called with each new msquic.asyncio.Connection, and after `stop()` with None when no more come.
  AsyncListenerObject(nanobind::object channel, nanobind::handle registration, nanobind::object on_connection,
                      AsyncLimits limits, std::size_t backlog);
  AsyncListenerObject(const AsyncListenerObject&) = delete;
  AsyncListenerObject& operator=(const AsyncListenerObject&) = delete;
  ~AsyncListenerObject();

  void start(nanobind::handle configuration, const std::vector<std::string>& alpns, nanobind::handle host,
             std::uint16_t port, std::chrono::milliseconds handshake_timeout);
  /// A Certificate, or several by server name, for connections that come from now on.
  void set_certificates(nanobind::handle certificates);
  /// Accepts no more, and hands out those that have begun their handshake. True: there are none, and it is closed.
  [[nodiscard]] bool stop() noexcept;
  /// Accepts no more, and closes those that were not handed out with the application's `code`. Until then the loop
  /// holds it.
  void close(std::uint64_t code = 0, const std::string& reason = {}) noexcept;
  /// After `stop()`: there are none any more.
  void settled();
  [[nodiscard]] PyObject* lock_object() const noexcept override { return mailbox_->owner().lock(); }
  void end_with_loop() noexcept override;
  void hand_out(std::shared_ptr<AsyncConnectionMailbox> mailbox, quic::Connection connection);
  nanobind::object make_connection(std::shared_ptr<AsyncConnectionMailbox> mailbox, quic::Connection connection);

  [[nodiscard]] AsyncChannelObject& channel() const noexcept {
    return *nanobind::inst_ptr<AsyncChannelObject>(channel_);
  }
  [[nodiscard]] quic::Address address() const { return listener_.local_address(); }
  [[nodiscard]] quic::Listener& listener() noexcept { return listener_; }
  [[nodiscard]] const std::shared_ptr<AsyncListenerMailbox>& mailbox() const noexcept { return mailbox_; }

  int traverse(visitproc visit, void* arg) const {
    Py_VISIT(channel_.ptr());
    Py_VISIT(on_connection_.ptr());
    Py_VISIT(configuration_.ptr());
    return 0;
  }
  void clear_references() noexcept { on_connection_.reset(); }

 private:
  nanobind::object channel_;
  nanobind::object on_connection_;
  nanobind::object configuration_;
  const AsyncLimits limits_;
  std::shared_ptr<AsyncListenerMailbox> mailbox_;
  quic::Listener listener_;
  bool listening_ = false;
};

}  // namespace msquic_py::python
