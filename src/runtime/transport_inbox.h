#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/ledger/account.h"
#include "base/shared_bytes.h"
#include "moqt/session/handles.h"
#include "runtime/event_loop.h"
#include "runtime/transport_event.h"
#include "transport/connection_handler.h"

namespace msquic_py::runtime {

class SessionDriver;

/// Receives the events of one connection on the carrier's threads and keeps them for the connection's driver.
///
/// Received bytes are copied once, here, out of the carrier's memory into slabs; from then on they are passed on by
/// reference. When the loop falls behind by more than the connection's account may hold, streams are paused and flow
/// control makes the peer wait; the driver resumes them after it has caught up.
class TransportInbox final : public transport::ConnectionHandler {
 public:
  // Keys of streams. A unidirectional one of the peer has the carrier's number, which is below 2^62.
  static constexpr transport::StreamKey kControlStream = ~std::uint64_t{0};
  /// Of a unidirectional stream that this endpoint writes; `handle` is the session's StreamHandle.
  static constexpr transport::StreamKey key_of(std::uint64_t handle) noexcept { return handle | kOwn; }
  /// Of a stream that carries a request, whoever opened it.
  static constexpr transport::StreamKey key_of(moqt::session::RequestStreamId stream) noexcept {
    return stream.value | kRequest;
  }

  /// What it holds is charged to `account`, whose limit is that of what waits here.
  TransportInbox(EventLoop& loop, std::shared_ptr<base::Account> account) noexcept
      : loop_(loop),
        alarm_(loop.alarm()),
        account_(std::move(account)),
        high_water_(account_->limit()),
        arena_(base::SlabArena::kCapacity, account_) {}

  /// From now on `participant` is made ready for what arrives, and at once for what has. Loop thread.
  void attach(EventLoop::Participant& participant);
  /// No call for the participant begins after this. Loop thread.
  void detach();

  /// Moves what has arrived into `batch`, emptied first. Loop thread. Returns the last report about the network since
  /// the call before.
  std::optional<transport::Report> take(std::vector<TransportEvent>& batch);
  /// Whether what was sent or acknowledged is worth a turn of the participant. If not, it waits for the next turn: with
  /// most sends nothing depends on it, and waking a thread costs more than all of the rest. Loop thread.
  void report_sent_at_once(bool at_once);
  /// Takes no more of an incoming stream until resume(): the bytes stay with the carrier, where flow control holds the
  /// peer up. Resume it there, too. Loop thread.
  void pause(std::uint64_t stream);
  void resume(std::uint64_t stream);
  /// Any thread.
  void push(TransportEvent&& event) noexcept;
  /// Pushes received bytes, copied; false when the loop is too far behind and nothing was taken.
  bool push_received(TransportEvent::Kind kind, std::uint64_t id, const transport::ReceivedData& data) noexcept;

  /// Something that only whoever made the connection understands, for the driver to run in its turn and in the order
  /// of events. Any thread.
  using Aside = std::function<void(SessionDriver&)>;
  void push_aside(Aside aside) noexcept;
  /// What the next Aside event is about. Loop thread.
  [[nodiscard]] Aside take_aside();

  /// Why the connection ended; filled before Closed is pushed.
  [[nodiscard]] const transport::CloseReason& close_reason() const noexcept { return close_reason_; }

  void on_connected(const transport::Capabilities& capabilities) noexcept override;
  void on_closed(const transport::CloseReason& reason) noexcept override;
  [[nodiscard]] bool wants_reports() const noexcept override { return true; }
  void on_report(const transport::Report& report) noexcept override;
  void on_streams_admitted(std::uint64_t bidirectional) noexcept override;
  std::optional<transport::StreamKey> on_peer_stream(transport::PeerStream stream) noexcept override;
  std::uint64_t on_received(transport::StreamKey stream, const transport::ReceivedData& data) noexcept override;
  void on_sent(transport::StreamKey stream, std::uint64_t bytes, bool canceled) noexcept override;
  void on_peer_reset(transport::StreamKey stream, std::uint64_t code) noexcept override;
  void on_peer_stop(transport::StreamKey stream, std::uint64_t code) noexcept override;
  void on_stream_closed(transport::StreamKey stream, bool with_connection) noexcept override;
  void on_datagram_size(std::size_t largest) noexcept override;
  void on_datagram(base::Bytes datagram) noexcept override;
  void on_datagram_sent(std::uint64_t bytes, bool canceled) noexcept override;

 private:
  static constexpr transport::StreamKey kOwn = moqt::session::RequestStreamId::kOwn;
  static constexpr transport::StreamKey kRequest = std::uint64_t{1} << 62;
  /// Of the control stream's key both are set, as of a request of ours, whose numbers never come that far.
  static constexpr bool carries_request(transport::StreamKey stream) noexcept {
    return (stream & kRequest) != 0 && stream != kControlStream;
  }

  /// Calls `change` under the lock; it says whether the participant is to take a turn.
  template <class Change>
  void update(Change change);
  [[nodiscard]] bool paused(std::uint64_t stream) noexcept;
  void control_closed() noexcept;

  /// What a received piece takes while it waits.
  [[nodiscard]] static std::size_t cost_of(std::size_t size) noexcept { return size + sizeof(TransportEvent); }
  base::SharedBytes copy(const transport::ReceivedData& data);

  EventLoop& loop_;  ///< while there is a participant
  const std::shared_ptr<EventLoop::Alarm> alarm_;
  const std::shared_ptr<base::Account> account_;
  const std::size_t high_water_;
  std::mutex mutex_;  // never held across a call into the carrier
  std::vector<TransportEvent> events_;
  std::deque<Aside> asides_;
  EventLoop::Participant* participant_ = nullptr;
  bool woken_ = false;  ///< the participant has been made ready since the last take()
  bool sent_at_once_ = false;
  std::optional<transport::Report> network_;
  std::atomic<std::size_t> queued_bytes_{0};
  std::vector<std::uint64_t> paused_;
  std::atomic<std::size_t> paused_streams_{0};  ///< its size, to be asked without the lock

  // Touched by the carrier's callbacks only, which come one at a time for a connection.
  base::SlabArena arena_;
  bool request_streams_ = false;  ///< what the handshake has agreed on has streams for requests
  bool shared_control_stream_ =
      false;  ///< the client's first bidirectional stream is still to come, and is for control
  bool control_closed_ = false;
  transport::CloseReason close_reason_;
};

}  // namespace msquic_py::runtime
