#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transport/connection_handler.h"
#include "transport/local/connect.h"
#include "transport/local/stream_state.h"
#include "transport/transport_error.h"

namespace msquic_py::transport::local {

using StreamPointer = std::shared_ptr<StreamState>;

/// A connection with both of its ends, under one lock. What happens is put into a queue; whoever finds nobody at work
/// on the queue works on it until it is empty, and calls the handlers without the lock.
class Pair : public std::enable_shared_from_this<Pair> {
 public:
  Pair(Options options, std::shared_ptr<ConnectionHandler> at_client, std::shared_ptr<ConnectionHandler> at_server);

  /// Tells both ends that they are connected.
  void begin();

  // ---- calls of the end `side`; any thread ----

  Result<StreamPointer> open(Side side, Direction direction, StreamKey key);
  Result<void> send(const StreamPointer& stream, Side side, std::span<const base::SharedBytes> slices, bool fin,
                    std::uint64_t token);
  void reset(const StreamPointer& stream, Side side, std::uint64_t code);
  void stop(const StreamPointer& stream, Side side, std::uint64_t code);
  void resume(const StreamPointer& stream, Side side);
  /// The handle of that end is gone.
  void abandon(const StreamPointer& stream, Side side);
  Result<void> send_datagram(Side side, std::span<const base::SharedBytes> slices, std::uint64_t token);
  [[nodiscard]] std::size_t largest_datagram() const noexcept { return options_.largest_datagram; }
  void close(Side side, std::uint64_t code, std::string_view reason);

 private:
  struct Event {
    enum class Kind : std::uint8_t { Connected, Start, Deliver, Cancel, Reset, Stop, Datagram, Close };
    Kind kind;
    Side side;             ///< whose doing it is; of Deliver and Cancel, who writes
    StreamPointer stream;  ///< of those that are about one
    std::uint64_t code = 0;
    base::SharedBytes bytes;  ///< of a datagram
  };
  using Lock = std::unique_lock<std::mutex>;

  [[nodiscard]] static std::size_t kind_of(Direction direction) noexcept {
    return direction == Direction::Unidirectional ? 0 : 1;
  }
  [[nodiscard]] std::uint64_t admitted(Direction direction) const noexcept {
    return direction == Direction::Unidirectional ? options_.unidirectional_streams : options_.bidirectional_streams;
  }
  // All of these with the lock.
  void want(const StreamPointer& stream);
  void start(const StreamPointer& stream);
  void schedule(const StreamPointer& stream, Side writer);
  void tell(const StreamPointer& stream, Event::Kind kind, Side side, std::uint64_t code);
  void give_up(const StreamPointer& stream, Side writer, Event::Kind how, Side side, std::uint64_t code);

  void work(Lock& lock);
  // Events; with the lock, which is let go of while a handler is called.
  void handle(Event& event, Lock& lock);
  void tell_connected(Lock& lock);
  void tell_started(const StreamPointer& stream, Lock& lock);
  void deliver(const StreamPointer& stream, Side writer, Lock& lock);
  void complete(StreamState& stream, Side writer, Lock& lock);
  void tell_reset(const StreamPointer& stream, Side writer, std::uint64_t code, Lock& lock);
  void tell_stop(const StreamPointer& stream, Side reader, std::uint64_t code, Lock& lock);
  void cancel(StreamState& stream, Side writer, Lock& lock);
  void tell_datagram(Event& event, Lock& lock);
  void close_if_over(const StreamPointer& stream, Lock& lock);
  void finish(Side side, std::uint64_t code, Lock& lock);

  const Options options_;
  std::mutex mutex_;
  std::array<std::shared_ptr<ConnectionHandler>, 2> handlers_;  ///< until the end
  std::array<bool, 2> reports_{};
  bool closing_ = false;
  bool working_ = false;
  std::string close_reason_;

  std::vector<Event> events_;
  std::map<std::uint64_t, StreamPointer> streams_;        ///< those that have not ended, by number
  std::array<std::array<std::uint64_t, 2>, 2> opened_{};  ///< by side and kind
  std::array<std::array<std::uint64_t, 2>, 2> running_{};
  std::array<std::array<std::deque<StreamPointer>, 2>, 2> queued_;  ///< wait until the peer admits another one
  std::array<std::uint64_t, 2> posted_{};                           ///< bytes that the other end has not taken, by side

  // Of whoever works on the queue.
  std::vector<Event> batch_;
  std::vector<base::SharedBytes> offered_;
  std::vector<base::Bytes> views_;
  std::vector<Half::Send> completed_;
};

}  // namespace msquic_py::transport::local
