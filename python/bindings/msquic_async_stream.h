#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/shared_bytes.h"
#include "msquic_async_stream_mailbox.h"
#include "msquic_async_waiters.h"
#include "quic/stream.h"

namespace msquic_py::python {

class AsyncConnectionObject;

/// The native part of msquic.asyncio.Stream. All members need the GIL and belong to the loop's thread.
///
/// It holds its connection. When the last reference goes, directions that are not finished are aborted.
class AsyncStreamObject final : public AsyncHeld {
 public:
  AsyncStreamObject(nanobind::object connection, std::shared_ptr<AsyncStreamMailbox> mailbox, quic::Stream stream,
                    std::uint64_t id, bool early_data);
  AsyncStreamObject(const AsyncStreamObject&) = delete;
  AsyncStreamObject& operator=(const AsyncStreamObject&) = delete;
  ~AsyncStreamObject();

  // Reading. Each gives bytes, or a future to wait for before asking again. When nothing is left and the peer did not
  // finish, they raise why nothing comes.

  /// At least one byte and at most `most`; b"" at the end.
  nanobind::object take(std::uint64_t most);
  /// Everything up to the end. More than `most` bytes raise asyncio.LimitOverrunError and stay where they are.
  nanobind::object take_all(std::uint64_t most);
  /// Exactly `count` bytes. At the end before that, what is left, which is less.
  nanobind::object take_exactly(std::uint64_t count);
  /// Up to and with `separator`. At the end before that, what is left; more than `most` bytes without it give None
  /// with `overrun` set.
  nanobind::object take_until(base::Bytes separator, std::uint64_t most, bool& overrun);
  [[nodiscard]] bool at_eof();

  // Writing.

  void write(nanobind::handle data);
  void write_eof();
  /// Whether more is on the way than write_level(), so that drain() has to wait.
  [[nodiscard]] bool needs_drain();
  /// A future for when at most `level` bytes are on the way; None when that is so already.
  [[nodiscard]] nanobind::object wait_writable(std::uint64_t level);
  /// Raises why nothing can be written any more, if that is so.
  void check_writable();
  [[nodiscard]] std::uint64_t write_level() const noexcept;
  /// The next flush() has something to do, if only to start the stream.
  void mark_dirty();
  /// Hands what was written to MsQuic.
  void flush();

  void reset(std::uint64_t code);
  void stop(std::uint64_t code);
  /// Nothing came yet that a reader would get.
  [[nodiscard]] bool is_silent() const noexcept { return buffered_ == 0 && mailbox_->is_silent(); }
  /// write_eof() and stop(0), as far as the directions are not finished.
  void finish();
  /// reset() and stop(), as far as the directions are not finished.
  void abort(std::uint64_t code);
  /// A future for when it is over; None when it is already.
  [[nodiscard]] nanobind::object wait_closed();
  void set_priority(std::uint16_t priority);

  void wake_reader() noexcept;
  void wake_writers() noexcept;
  void wake_closed() noexcept;
  /// When nobody waits any more, the channel need not hold the stream.
  void let_go() noexcept;
  /// The coroutine that waited for `future` went away.
  void forget(nanobind::handle future) noexcept;

  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] bool is_local() const noexcept { return local_; }
  [[nodiscard]] bool is_unidirectional() const noexcept { return unidirectional_; }
  [[nodiscard]] bool is_early_data() const noexcept { return early_data_; }
  [[nodiscard]] std::uint16_t priority() const noexcept { return priority_; }
  [[nodiscard]] bool is_writing() const noexcept { return can_send() && !fin_wanted_ && !reset_; }
  [[nodiscard]] bool is_finished() const noexcept { return fin_wanted_; }
  /// Neither direction goes on, as far as this side is concerned.
  [[nodiscard]] bool is_closing() const;
  [[nodiscard]] bool is_aborted_by_peer() const noexcept { return mailbox_->is_aborted_by_peer(); }
  [[nodiscard]] bool is_reading() const noexcept { return can_receive() && !ended_ && !stopped_; }
  [[nodiscard]] const nanobind::object& connection() const noexcept { return connection_; }
  [[nodiscard]] AsyncChannelObject& channel() const noexcept;
  void guard_thread() const {
#if defined(NB_FREE_THREADED)
    channel().guard_thread();
#endif
  }
  [[nodiscard]] std::string describe() const;

  int traverse(visitproc visit, void* arg) const;
  void clear_references() noexcept;

 private:
  using PendingSend = std::variant<base::SharedBytes, std::unique_ptr<BorrowedSend>>;

  [[nodiscard]] AsyncConnectionObject& owner() const noexcept;
  [[nodiscard]] bool can_send() const noexcept { return local_ || !unidirectional_; }
  [[nodiscard]] bool can_receive() const noexcept { return !local_ || !unidirectional_; }
  enum class Fill : std::uint8_t { Enough, End, Broken, Waiting };
  /// Brings in what arrived until there are `wanted` bytes.
  Fill fill(std::uint64_t wanted);
  /// The first `count` buffered bytes.
  nanobind::object cut(std::uint64_t count);
  /// Offers the bytes object for what comes next to the mailbox.
  void offer_landing();
  /// What came there: all of it at once when that is at most `most` bytes, else nothing and it is behind slices_.
  nanobind::object take_landing(std::uint64_t most);
  /// The reader got `count` bytes.
  void taken(std::uint64_t count) noexcept;
  /// Lets the first `count` bytes go.
  void drop(std::uint64_t count) noexcept;
  void join_slices();
  [[noreturn]] void raise_overrun(std::uint64_t most) const;
  [[noreturn]] void raise_incoming_end();
  [[noreturn]] void raise_over();
  [[noreturn]] void raise_send_error();

  void flush_now();
  void copy(base::Bytes bytes);
  void seal_small_writes();
  void drop_pending();
  nanobind::object readable();
  nanobind::object wait(AsyncWaiters& waiters);
  void send(const base::SharedBytes& bytes, quic::SendFlags flags);
  void send(std::unique_ptr<BorrowedSend>& borrowed, quic::SendFlags flags);
  void send_nothing(quic::SendFlags flags);
  template <class Outcome>
  void remember_error(const Outcome& outcome) {
    if (!outcome) send_error_ = outcome.error();
  }

  nanobind::object connection_;
  std::shared_ptr<AsyncStreamMailbox> mailbox_;
  quic::Stream stream_;
  const std::uint64_t id_;
  const bool local_;
  const bool unidirectional_;
  bool early_data_;
  std::uint16_t priority_ = 32767;

  nanobind::object landing_;               // a bytes object that MsQuic's thread may be filling
  std::uint64_t usually_taken_ = 0;        // bytes that reads got lately
  std::vector<base::SharedBytes> slices_;  // received, from first_ on not taken
  std::size_t first_ = 0;
  std::uint64_t buffered_ = 0;  // bytes of slices_
  std::uint64_t searched_ = 0;  // bytes of slices_ known to hold no separator
  bool ended_ = false;          // the peer's direction is over and everything is in slices_
  bool stopped_ = false;

  base::SharedBytes small_;  // copies of small writes, not in pending_ yet
  std::vector<PendingSend> pending_;
  std::uint64_t pending_bytes_ = 0;  // small_ included
  bool started_;
  bool dirty_ = false;
  bool fin_wanted_ = false;
  bool fin_sent_ = false;
  bool reset_ = false;
  std::optional<quic::Error> send_error_;

  AsyncWaiters readers_;
  AsyncWaiters writers_;
  AsyncWaiters closed_;
};

void bind_stream_operations(nanobind::class_<AsyncStreamObject>& stream);

}  // namespace msquic_py::python
