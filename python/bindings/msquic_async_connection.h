#pragma once

#include <nanobind/nanobind.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "msquic_async_channel.h"
#include "msquic_async_connection_mailbox.h"
#include "msquic_async_waiters.h"
#include "quic/connection.h"

namespace msquic_py::python {

/// How much waits before somebody has to: bytes of one stream to be read and to be written, bytes of all streams to be
/// read, streams to be accepted. And for how many seconds the end waits for a peer that takes nothing.
struct AsyncLimits {
  std::uint64_t read = 0;
  std::uint64_t write = 0;
  std::uint64_t connection_read = 0;
  std::uint64_t streams = 0;
  double close_timeout = 0;
};

/// The native part of msquic.asyncio.Connection. All members need the GIL and belong to the loop's thread.
///
/// It holds the loop's channel, not its streams. When the last reference goes, it is shut down with code 0.
class AsyncConnectionObject final : public AsyncHeld, public AsyncLoopMember {
 public:
  /// A client's.
  AsyncConnectionObject(nanobind::object channel, nanobind::handle registration, AsyncLimits limits);
  /// Accepted by a listener.
  AsyncConnectionObject(nanobind::object channel, nanobind::object configuration,
                        std::shared_ptr<AsyncConnectionMailbox> mailbox, quic::Connection connection,
                        AsyncLimits limits);
  AsyncConnectionObject(const AsyncConnectionObject&) = delete;
  AsyncConnectionObject& operator=(const AsyncConnectionObject&) = delete;
  ~AsyncConnectionObject();

  void start(nanobind::handle configuration, const std::string& server_name, const std::string& address,
             std::uint16_t port, nanobind::handle local_address, nanobind::handle ticket);
  /// Settles `future` when `wait` may have come true, in the order of calls. False when it has already.
  [[nodiscard]] bool wait(AsyncConnectionWait wait, nanobind::handle future);
  void wake(AsyncConnectionWait wait) noexcept;
  /// The coroutine that waited for `future` went away. When it was woken already, the next one in line is.
  void forget(AsyncConnectionWait wait, nanobind::handle future, bool woken) noexcept;

  /// A stream, or None when the peer admits no more now.
  nanobind::object open_stream(nanobind::handle self, bool unidirectional, bool early_data);
  /// The peer's next stream, or None.
  nanobind::object take_peer_stream(nanobind::handle self);
  /// The oldest datagram that was received, or None.
  nanobind::object take_datagram();
  /// `future`, when not None, is settled with the number of the final state.
  void send_datagram(nanobind::handle data, bool priority, bool cancel_on_blocked, nanobind::handle future);
  void settle_datagram(std::uint64_t token, quic::DatagramSendState state) noexcept;
  void send_ticket(nanobind::handle data);
  /// At once, whatever is on the way.
  void shutdown(std::uint64_t code, const std::string& reason);
  /// Nothing new begins. False when there is nothing to wait for before shutdown(), or when it was closed before.
  [[nodiscard]] bool begin_close(std::uint64_t code, const std::string& reason);
  /// Sends or fins that the peer has not acknowledged; bytes that it has.
  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return mailbox_->streams()->acknowledged.load(); }
  [[nodiscard]] PyObject* lock_object() const noexcept override { return mailbox_->owner().lock(); }
  void end_with_loop() noexcept override;
  /// Asks the verifier of the configuration about the peer's certificate, by way of _judge() in Python.
  void judge_certificate();

  [[nodiscard]] quic::DatagramBacklog datagram_backlog() const { return connection_.datagram_backlog(); }
  [[nodiscard]] quic::CloseReason close_reason() const;
  /// Raises why the connection is over.
  [[noreturn]] void raise_closed() const;
  [[nodiscard]] bool is_closing() const { return closing_ || connection_.is_closing(); }
  /// Over, or about to be, without anything having gone wrong: either side closed with code 0, or this side at all.
  [[nodiscard]] bool ended_in_order() const;
  [[nodiscard]] bool is_over() const noexcept { return mailbox_->is_over(); }
  void check_thread() const { channel().check_thread(); }
  void guard_thread() const {
#if defined(NB_FREE_THREADED)
    channel().guard_thread();
#endif
  }
  [[nodiscard]] AsyncChannelObject& channel() const noexcept {
    return *nanobind::inst_ptr<AsyncChannelObject>(channel_);
  }
  [[nodiscard]] std::uint64_t write_limit() const noexcept { return limits_.write; }
  [[nodiscard]] double close_timeout() const noexcept { return limits_.close_timeout; }
  [[nodiscard]] quic::Connection& connection() noexcept { return connection_; }
  [[nodiscard]] const std::shared_ptr<AsyncConnectionMailbox>& mailbox() const noexcept { return mailbox_; }
  [[nodiscard]] std::string describe() const;
  /// Handlers that ended because the peer reset or stopped their stream, or went away.
  std::uint64_t& interrupted_handlers() noexcept { return interrupted_handlers_; }

  int traverse(visitproc visit, void* arg) const;
  void clear_references() noexcept;

 private:
  void let_go() noexcept;
  nanobind::object new_stream(nanobind::handle self, std::shared_ptr<AsyncStreamMailbox> mailbox, quic::Stream stream,
                              std::uint64_t id, bool early_data);

  nanobind::object channel_;
  nanobind::object configuration_;  // when it has a verifier
  std::shared_ptr<AsyncConnectionMailbox> mailbox_;
  quic::Connection connection_;
  const AsyncLimits limits_;
  std::uint64_t interrupted_handlers_ = 0;
  bool closing_ = false;       // by close(): what was written may still be on its way
  std::uint64_t opened_[2]{};  ///< streams of this side, by direction
  std::array<AsyncWaiters, kAsyncConnectionWaits> waiters_;
  std::deque<base::SharedBytes> datagrams_;               // received, not taken
  std::unordered_map<std::uint64_t, PyObject*> tracked_;  // futures of datagrams, by token
  std::uint64_t next_token_ = 0;
};

/// (read, write, connection_read, streams, close_timeout)
AsyncLimits limits_argument(nanobind::handle limits);
void bind_connection_operations(nanobind::class_<AsyncConnectionObject>& connection);

}  // namespace msquic_py::python
